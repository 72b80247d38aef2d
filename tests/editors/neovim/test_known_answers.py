"""What needs a server whose answers are known: several lines, alternatives, slow answers, proposed edits."""

from __future__ import annotations

import json
from pathlib import Path

from tests.editors.neovim.conftest import StartEditor
from tests.editors.neovim.driver import NVIM, PLUGIN, Editor

FAKE_SERVER = [str(NVIM), "-l", str(PLUGIN / "tests" / "fake_server.lua")]
SERVED = "return #vim.lsp.get_clients({ name = 'edgewise' }) > 0"
WAKE = """local params = { command = 'edgewise.wake' }
vim.lsp.get_clients({ name = 'edgewise' })[1]:request('workspace/executeCommand', params)"""
THREE_LINES = "total = 0\nfor price in prices:\n    total += price"


def with_answers(start: StartEditor, path: Path, text: str = "", *, fake: dict, **kind) -> Editor:
    path.write_text(text)
    editor = start(
        str(path), cwd=path.parent, options={"cmd": FAKE_SERVER}, variables={"FAKE": json.dumps(fake)}, **kind
    )
    editor.wait_ready()
    return editor


def test_several_lines_by_lines(start: StartEditor, tmp_path: Path):
    editor = with_answers(start, tmp_path / "a.py", fake={"items": [THREE_LINES], "character": 0})
    editor.type("i")
    assert editor.wait_ghost() == THREE_LINES
    editor.wait(lambda: "for price in prices:" in editor.screen(), "the ghost text on the screen")
    editor.press("<M-l>")
    editor.wait(lambda: editor.text() == "total = 0", "the first line")
    assert editor.wait_ghost(lambda ghost: ghost.startswith("\n")) == THREE_LINES[9:]
    editor.press("<M-l>")
    editor.wait(lambda: editor.text() == "total = 0\nfor price in prices:", "the second line")


def test_several_lines_at_once(start: StartEditor, tmp_path: Path):
    editor = with_answers(start, tmp_path / "a.py", fake={"items": [THREE_LINES]})
    editor.type("i")
    editor.wait_ghost()
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() == THREE_LINES, "all lines")
    assert editor.cursor() == [3, len("    total += price")]


def test_going_through_alternatives(start: StartEditor, tmp_path: Path):
    editor = with_answers(start, tmp_path / "a.py", fake={"items": ["one", "two"]})
    editor.type("i")
    assert editor.wait_ghost() == "one"
    editor.press("<M-n>")
    editor.wait_ghost(lambda ghost: ghost == "two")
    editor.press("<M-n>")
    editor.wait_ghost(lambda ghost: ghost == "one")
    editor.press("<M-p>")
    editor.wait_ghost(lambda ghost: ghost == "two")
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() == "two", "the alternative")


def test_accepting_what_was_typed_into_since_the_answer(start: StartEditor, tmp_path: Path):
    """Neovim alone would leave the typed letters behind the accepted text a second time."""
    editor = with_answers(start, tmp_path / "a.py", fake={"items": ["return 1"], "character": 0})
    editor.type("i")
    editor.wait_ghost()
    editor.type("ret")
    editor.wait(lambda: editor.ghost() == "urn 1", "the rest")
    editor.press("<Tab>")
    editor.wait(lambda: "return" in editor.text(), "the accepted text")
    assert editor.text() == "return 1"


def test_who_types_before_the_model_is_there_gets_ghost_text_when_it_is(start: StartEditor, tmp_path: Path):
    (tmp_path / "a.py").write_text("")
    fake = {"items": ["a suggestion"], "loads": True, "log": str(tmp_path / "log")}
    options, variables = {"cmd": FAKE_SERVER}, {"FAKE": json.dumps(fake)}
    editor = start(str(tmp_path / "a.py"), cwd=tmp_path, options=options, variables=variables)
    editor.wait(
        lambda: editor.status()["state"] == "loading" and editor.lua(SERVED), "a server without a model"
    )
    editor.type("i")
    editor.wait(lambda: "textDocument/inlineCompletion" in (tmp_path / "log").read_text(), "a request")
    editor.lua(WAKE)
    assert editor.wait_ghost() == "a suggestion"


def test_a_slow_answer_for_a_place_that_was_left_is_not_shown(start: StartEditor, tmp_path: Path):
    fake = {"items": ["a suggestion"], "delay_ms": 400, "character": 0}
    editor = with_answers(start, tmp_path / "a.py", fake=fake)
    editor.type("i")
    editor.wait(lambda: editor.status()["state"] == "computing", "a request under way")
    editor.type("x")
    editor.wait(lambda: editor.text() == "x", "the typed text")
    editor.wait(lambda: editor.status()["state"] == "ready", "both answers")
    assert editor.ghost() == ""


def test_a_proposed_edit_is_a_diff_that_one_key_takes(start: StartEditor, tmp_path: Path):
    editor = with_answers(
        start, tmp_path / "a.py", "old\n", fake={"commands": {"edgewise.document": "insert"}}
    )
    editor.command("Edgewise document")
    editor.wait(lambda: "+# new" in editor.text(), "the diff")
    editor.wait(lambda: "+# new" in editor.screen(), "the diff on the screen")
    editor.press("<CR>")
    editor.wait(lambda: editor.text() == "# new\nold", "the new text")


def test_a_proposed_edit_is_dropped_by_another(start: StartEditor, tmp_path: Path):
    editor = with_answers(
        start, tmp_path / "a.py", "old\n", fake={"commands": {"edgewise.document": "insert"}}
    )
    editor.command("Edgewise document")
    editor.wait(lambda: "+# new" in editor.text(), "the diff")
    editor.press("<Esc>")
    editor.wait(lambda: editor.text() == "old", "the old text")


def test_ghost_text_is_seen_as_the_key_before_it_was_mapped(start: StartEditor, tmp_path: Path):
    """Tab, where there is nothing to accept, does what it did before."""
    init = "vim.o.expandtab = true; vim.o.shiftwidth = 2; vim.o.softtabstop = 2"
    editor = with_answers(start, tmp_path / "a.txt", fake={"items": []}, init=init)
    editor.type("ia")
    editor.press("<Tab>")
    editor.wait(lambda: editor.text().startswith("a "), "a tab")


def test_mappings_that_were_there_stay_as_the_second_choice(start: StartEditor, tmp_path: Path):
    init = "vim.keymap.set('i', '<Tab>', function() return 'mapped' end, { expr = true })"
    init = f"{init}; require('edgewise').setup(vim.json.decode(vim.env.EDGEWISE_TEST_OPTIONS))"
    editor = with_answers(start, tmp_path / "a.txt", fake={"items": []}, init=init)
    editor.type("ia")
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() == "amapped", "the older mapping")
