"""Ghost text in the real Neovim with the model that ships: it appears, and each key does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.conftest import PYTHON_FILE, TYPESCRIPT_FILE, StartEditor
from tests.editors.neovim.driver import Face, Frames, until


def opened(start: StartEditor, path: Path, face: Face = Face.TERMINAL, **kind):
    editor = start(str(path), face=face, cwd=path.parent, **kind)
    editor.wait_ready()
    editor.go_to_end()
    return editor


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_ghost_text_appears_and_tab_puts_it_into_the_file(
    start: StartEditor, face: Face, language: str, python_file: Path, typescript_file: Path
):
    path, text, typed = {
        "python": (python_file, PYTHON_FILE, "en"),
        "typescript": (typescript_file, TYPESCRIPT_FILE, "urn"),
    }[language]
    editor = opened(start, path, face)
    editor.type(typed)
    editor.wait(lambda: editor.text() == text + typed, "the typed text")
    ghost = editor.wait_ghost()
    assert path.read_text() == text
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() == text + typed + ghost, "the accepted text")
    editor.press("<Esc>")
    editor.command("write")
    editor.wait(lambda: path.read_text() == text + typed + ghost + "\n", "the file on disk")
    assert editor.messages() == []


@pytest.mark.parametrize("key", ["<M-f>", "<M-l>"])
def test_a_part_is_accepted_and_the_rest_stays(start: StartEditor, face: Face, key: str, python_file: Path):
    editor = opened(start, python_file, face)
    editor.type("en")
    ghost = editor.wait_ghost()
    function = {"<M-f>": "first_word", "<M-l>": "first_line"}[key]
    part = editor.lua(f"return require('edgewise.accept').{function}(...)", ghost)
    editor.press(key)
    editor.wait(lambda: editor.text() == PYTHON_FILE + "en" + part, "the accepted part")
    if part != ghost:
        editor.wait_ghost(lambda rest: rest == ghost[len(part) :])


def test_the_server_is_asked_for_alternatives(start: StartEditor, face: Face, python_file: Path):
    """It sends one as long as nobody asks for more."""
    editor = opened(start, python_file, face)
    editor.type("en")
    first = editor.wait_ghost()
    editor.press("<M-n>")
    second = editor.wait_ghost(lambda ghost: ghost != first)
    editor.press("<M-p>")
    editor.wait_ghost(lambda ghost: ghost == first)
    editor.press("<M-n>")
    editor.wait_ghost(lambda ghost: ghost == second)
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() == PYTHON_FILE + "en" + second, "the alternative")


def test_all_words_together_are_the_suggestion(start: StartEditor, python_file: Path):
    editor = opened(start, python_file)
    editor.type("en")
    ghost = editor.wait_ghost()
    while not editor.text().startswith(PYTHON_FILE + "en" + ghost):
        before = editor.text()
        editor.wait_ghost()
        editor.press("<M-f>")
        editor.wait(lambda before=before: editor.text() != before, "one more word")


def test_typing_what_is_suggested_does_not_flicker(start: StartEditor, python_file: Path):
    """Every frame that Neovim draws is looked at, and the screen after every key."""
    editor = opened(start, python_file)
    editor.type("en")
    first_line = editor.wait_ghost().split("\n")[0]
    before = editor.line()
    whole = before + first_line
    row = PYTHON_FILE.count("\n")
    with Frames(editor) as watched:
        for n_typed, character in enumerate(first_line[:-1], 1):
            editor.type(character)
            typed = before + first_line[:n_typed]
            editor.wait(lambda typed=typed: editor.line() == typed, "the typed character")
            assert whole in editor.screen()
    assert len(watched.frames) >= len(first_line) - 1
    assert {frame[row] for frame in watched.frames} == {whole}


def test_typing_something_else_hides_it_at_once(start: StartEditor, python_file: Path):
    """In no frame stands the ghost text behind something that it does not continue."""
    editor = opened(start, python_file)
    editor.type("en")
    ghost = editor.wait_ghost()
    first_line = ghost.split("\n")[0]
    before = editor.line()
    other = "@" if ghost[0] != "@" else "$"
    row = PYTHON_FILE.count("\n")
    with Frames(editor) as watched:
        editor.type(other)
        editor.wait(lambda: editor.line() == before + other, "the other character")
        until(lambda: watched.frames[-1][row].startswith(before + other), "its frame")
    wrong = {before + other + first_line, before + other + first_line[1:]}
    assert not wrong & {frame[row] for frame in watched.frames}


def test_escape_takes_it_away(start: StartEditor, face: Face, python_file: Path):
    editor = opened(start, python_file, face)
    editor.type("en")
    editor.wait_ghost()
    editor.press("<Esc>")
    editor.wait(lambda: editor.mode() == "n", "normal mode")
    assert editor.ghost() == ""
    assert editor.text() == PYTHON_FILE + "en"
    editor.press("<Tab>")
    assert editor.text() == PYTHON_FILE + "en"


def test_it_can_be_dismissed_and_asked_for(start: StartEditor, python_file: Path):
    editor = opened(start, python_file)
    editor.type("en")
    ghost = editor.wait_ghost()
    editor.press("<C-]>")
    editor.wait(lambda: editor.ghost() == "", "no ghost text")
    assert editor.mode() == "i"
    editor.press("<M-\\>")
    assert editor.wait_ghost() == ghost


def test_beside_an_open_menu(start: StartEditor, python_file: Path):
    """The menu has the key while an entry is chosen; without one, Tab accepts and the menu goes."""
    editor = opened(start, python_file, init="vim.o.completeopt = 'menuone,noselect'")
    editor.type("en")
    ghost = editor.wait_ghost()
    editor.type("(p")
    editor.press("<C-n>")
    editor.wait(lambda: editor.lua("return vim.fn.pumvisible() == 1"), "the menu")
    editor.press("<C-n>")
    editor.wait(lambda: editor.line().endswith("(path") or editor.line().endswith("(print"), "a chosen entry")
    chosen = editor.line()
    editor.press("<Tab>")
    editor.wait(lambda: editor.line().startswith(chosen) and editor.line() != chosen, "the key's own meaning")
    assert ghost not in editor.line()
    assert editor.messages() == []


def test_tab_accepts_beside_a_menu_where_nothing_is_chosen(start: StartEditor, python_file: Path):
    editor = opened(start, python_file, init="vim.o.completeopt = 'menuone,noselect'")
    editor.type("en")
    editor.press("<C-n>")
    editor.wait(lambda: editor.lua("return vim.fn.pumvisible() == 1"), "the menu")
    ghost = editor.wait_ghost()
    assert "names.py" in editor.screen()
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() == PYTHON_FILE + "en" + ghost, "the accepted text")
    assert editor.lua("return vim.fn.pumvisible()") == 0


def test_pausing(start: StartEditor, face: Face, python_file: Path):
    editor = opened(start, python_file, face)
    editor.press("<Esc>")
    editor.command("Edgewise pause")
    editor.wait(lambda: editor.status()["state"] == "paused", "the pause")
    editor.go_to_end()
    editor.type("en")
    editor.wait(lambda: editor.text() == PYTHON_FILE + "en", "the typed text")
    assert editor.ask("edgewise.stats")["n_requests"] == 0
    assert editor.ghost() == ""
    editor.press("<Esc>")
    editor.command("Edgewise pause")
    editor.wait_ready()
    editor.go_to_end()
    editor.wait_ghost()


def test_pausing_for_a_while(start: StartEditor, python_file: Path):
    editor = opened(start, python_file)
    editor.press("<Esc>")
    editor.command("Edgewise pause 0.01")
    editor.wait(lambda: editor.status()["state"] == "paused", "the pause")
    editor.wait_ready()
