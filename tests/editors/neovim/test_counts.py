"""What the plugin tells the server unasked: what became of its suggestions, and where the cursor rests.

Looked at where a person would: in the server's statistics.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.editors.neovim.conftest import PYTHON_FILE, StartEditor
from tests.editors.neovim.driver import PROGRAM, Editor
from tests.editors.neovim.test_known_answers import THREE_LINES, with_answers
from tests.editors.neovim.test_typing import opened

LONG_FILE = "".join(
    f"def read_{number}(path):\n    with open(path) as file:\n        return file.read()\n\n\n"
    for number in range(60)
)


def with_ghost(start: StartEditor, path: Path) -> tuple[Editor, str]:
    editor = opened(start, path)
    editor.type("en")
    return editor, editor.wait_ghost()


def counts(editor: Editor) -> tuple[int, int]:
    stats = editor.ask("edgewise.stats")
    return stats["n_accepted"], stats["n_rejected"]


def wait_counts(editor: Editor, n_accepted: int, n_rejected: int) -> None:
    editor.wait(lambda: counts(editor) == (n_accepted, n_rejected), f"({n_accepted}, {n_rejected})")


def test_a_taken_suggestion_is_counted(start: StartEditor, python_file: Path, home: Home):
    editor, ghost = with_ghost(start, python_file)
    assert counts(editor) == (0, 0)
    editor.press("<Tab>")
    editor.wait(lambda: editor.text().startswith(PYTHON_FILE + "en" + ghost), "the accepted text")
    wait_counts(editor, 1, 0)
    editor.press("<Esc>")
    editor.command("Edgewise status")
    editor.wait(lambda: "Accepted in this session: 1, refused: 0" in editor.text(), "the count on the page")
    editor.close()
    told = kept_stats(home)
    assert (told["n_accepted"], told["n_rejected"]) == (1, 0)


def kept_stats(home: Home) -> dict:
    """What `edgewise stats` says outside of the editor."""
    command = [PROGRAM, "stats", "--json"]
    done = subprocess.run(command, env=home.environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["<Esc>", "<C-]>", "@", "<Up>"])
def test_a_refused_suggestion_is_counted_once(start: StartEditor, python_file: Path, way: str):
    """By leaving, by the key for it, by typing something else, by going elsewhere."""
    editor, ghost = with_ghost(start, python_file)
    assert not ghost.startswith("@")
    if way == "@":
        editor.type(way)
    else:
        editor.press(way)
    editor.wait(lambda: editor.ghost() != ghost, "no ghost text")
    wait_counts(editor, 0, 1)
    editor.press("<Esc>")
    wait_counts(editor, 0, 1)


def test_one_that_is_taken_in_parts_is_counted_once(start: StartEditor, python_file: Path):
    """Between its parts it is asked for again, and the server names it anew."""
    editor, ghost = with_ghost(start, python_file)
    while not editor.text().startswith(PYTHON_FILE + "en" + ghost):
        before = editor.text()
        editor.wait_ghost()
        editor.wait_ready()
        editor.press("<M-f>")
        editor.wait(lambda before=before: editor.text() != before, "one more word")
    wait_counts(editor, 1, 0)


def test_one_that_is_typed_into_and_taken_was_not_refused(start: StartEditor, python_file: Path):
    editor, ghost = with_ghost(start, python_file)
    for character in ghost[:3]:
        editor.type(character)
        editor.wait_ready()
    editor.wait(lambda: editor.ghost() == ghost[3:], "the rest")
    editor.press("<Tab>")
    editor.wait(lambda: editor.text().startswith(PYTHON_FILE + "en" + ghost), "the accepted text")
    wait_counts(editor, 1, 0)


def test_one_that_is_refused_can_be_taken_after_all(start: StartEditor, python_file: Path):
    editor, ghost = with_ghost(start, python_file)
    editor.press("<C-]>")
    wait_counts(editor, 0, 1)
    editor.press("<M-\\>")
    editor.wait_ghost(lambda again: again == ghost)
    editor.press("<Tab>")
    editor.wait(lambda: counts(editor)[0] == 1, "one that was accepted")


def test_what_is_typed_to_its_end_is_neither(start: StartEditor, tmp_path: Path):
    log = tmp_path / "log"
    editor = with_answers(start, tmp_path / "a.py", fake={"items": ["abc"], "character": 0, "log": str(log)})
    editor.type("i")
    editor.wait_ghost()
    editor.type("abc")
    editor.wait(lambda: editor.text() == "abc" and editor.ghost() == "", "the typed text alone")
    editor.press("<Esc>")
    editor.wait(lambda: "edgewise/cursorMoved" in methods(log), "the cursor at rest")
    assert "workspace/executeCommand" not in methods(log)


def test_the_alternative_that_is_shown_is_the_refused_one(start: StartEditor, tmp_path: Path):
    log = tmp_path / "log"
    editor = with_answers(start, tmp_path / "a.py", fake={"items": ["one", "two"], "log": str(log)})
    editor.type("i")
    editor.wait_ghost()
    editor.press("<M-n>")
    editor.wait_ghost(lambda ghost: ghost == "two")
    editor.press("<C-]>")
    editor.wait(lambda: sent(log, "workspace/executeCommand"), "the verdict")
    [told] = sent(log, "workspace/executeCommand")
    assert (told["command"], told["arguments"]) == ("edgewise.rejected", ["two"])


def test_the_cursor_is_told_when_it_rests(start: StartEditor, tmp_path: Path):
    """Once for many keys, and not from insert mode, where the server sees it by what is typed."""
    log = tmp_path / "log"
    editor = with_answers(start, tmp_path / "a.py", THREE_LINES, fake={"items": [], "log": str(log)})
    editor.wait(lambda: sent(log, "edgewise/cursorMoved"), "where it begins")
    editor.lua("vim.api.nvim_feedkeys('ggjlljlk', 'nt', false)")
    editor.wait(lambda: last_place(log) == [1, len("for price in prices:")], "the end of the new line")
    assert len(sent(log, "edgewise/cursorMoved")) == 2
    editor.type("ix")
    editor.press("<Left>")
    editor.press("<Esc>")
    editor.wait(lambda: editor.mode() == "n", "normal mode")
    editor.wait(lambda: last_place(log) == [1, len("for xprice in prices:")], "the line after insert mode")
    assert len(sent(log, "edgewise/cursorMoved")) == 3


def test_where_the_cursor_rests_a_prompt_is_prepared(start: StartEditor, tmp_path: Path, home: Home):
    path = tmp_path / "long.py"
    path.write_text(LONG_FILE)
    editor = start(str(path), cwd=tmp_path)
    editor.wait_ready()
    editor.wait(lambda: kept_stats(home)["n_prepared"] >= 1, "the prompt for the first place")
    before = kept_stats(home)["n_prepared"]
    editor.type("200G")
    editor.wait(lambda: kept_stats(home)["n_prepared"] > before, "the prompt for the new place")


def sent(log: Path, method: str) -> list[dict]:
    """The parameters of the messages of this method, as the server got them."""
    lines = log.read_text().splitlines() if log.exists() else []
    messages = [json.loads(line) for line in lines]
    return [message["params"] for message in messages if message["method"] == method]


def methods(log: Path) -> set[str]:
    return {json.loads(line)["method"] for line in log.read_text().splitlines()}


def last_place(log: Path) -> list[int]:
    position = sent(log, "edgewise/cursorMoved")[-1]["position"]
    return [position["line"], position["character"]]
