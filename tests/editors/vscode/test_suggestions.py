"""Ghost text in the real VS Code, from the model that ships."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from lsp_server.trace import PREPARE
from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.places import ACCOUNT_PY, TABLE_PY, TABLE_TS, Place
from tests.editors.vscode.studio import PROGRAM, Studio
from tests.editors.vscode.workbench import Workbench


def go(window: Workbench, name: str, place: Place) -> Path:
    """Opens a new file and puts the cursor to the place."""
    return window.open_place(window.folder / name, place)


def start(window: Workbench, name: str, place: Place) -> tuple[Path, str]:
    """Types at the place; the file, and the ghost text that appears."""
    path = go(window, name, place)
    return path, window.type_for_ghost(place.typed)


def test_tab_inserts_and_the_file_holds_it(window: Workbench, images: Path):
    window.clear_editors()
    path, ghost = start(window, "tab.py", TABLE_PY)
    window.picture(images / "vscode-ghost-text.png")
    window.press("Tab")
    window.wait_for_no_ghost()
    window.save()
    assert path.read_text() == f"{TABLE_PY.text}{TABLE_PY.typed}{ghost}\n"


def test_accept_word_takes_the_first_word(window: Workbench):
    path, ghost = start(window, "word.py", TABLE_PY)
    window.press("Control+ArrowRight")
    expect(window.ghost.first).not_to_have_text(ghost)
    window.press("Escape")
    window.save()
    inserted = path.read_text().removeprefix(TABLE_PY.text + TABLE_PY.typed).removesuffix("\n")
    assert inserted
    assert ghost.startswith(inserted)
    assert inserted != ghost


def test_accept_line_takes_line_by_line(window: Workbench):
    path, _ = start(window, "line.py", ACCOUNT_PY)
    window.press("Shift+Tab")  # the line that the cursor is in: nothing but its end
    window.wait_for_line_change(ACCOUNT_PY)
    window.wait_for_ghost()
    window.press("Shift+Tab")
    window.wait_for_more_columns(len("            raise"))
    window.press("Escape")
    window.save()
    before, after = ACCOUNT_PY.text + ACCOUNT_PY.typed, path.read_text()
    assert after.startswith(before)
    assert after.removeprefix(before).strip()
    assert after.removeprefix(before).rstrip("\n").startswith("\n            ")


def test_escape_drops_it(window: Workbench):
    path, _ = start(window, "escape.py", TABLE_PY)
    window.dismiss()
    window.save()
    assert path.read_text() == f"{TABLE_PY.text}{TABLE_PY.typed}\n"


def test_asked_by_hand(window: Workbench):
    go(window, "hand.py", TABLE_PY)
    assert window.ask()


def test_going_to_another_suggestion_and_taking_it(window: Workbench):
    path, first = start(window, "alternative.py", TABLE_PY)

    def go_on(key: str, is_it: Callable[[str], bool]) -> str:
        window.press(key)
        return str(window.evaluate_until(window.ghost_text, is_it, f"the suggestion after {key}"))

    second = go_on("Alt+]", lambda ghost: bool(ghost) and ghost != first)
    go_on("Alt+[", lambda ghost: ghost == first)
    go_on("Alt+]", lambda ghost: ghost == second)
    window.press("Tab")
    window.wait_for_no_ghost()
    window.save()
    assert path.read_text().startswith(TABLE_PY.text + TABLE_PY.typed + second)


def test_taken_and_refused_are_counted(window: Workbench, studio: Studio):
    start(window, "taken.py", TABLE_PY)
    before = counts(studio)
    window.press("Tab")
    window.wait_for_no_ghost()
    start(window, "refused.py", TABLE_PY)
    window.dismiss()
    window.press("Escape")  # there is nothing left to refuse
    wanted = (before[0] + 1, before[1] + 1)
    window.evaluate_until(lambda: counts(studio), lambda now: now >= wanted, "the counts")
    assert counts(studio) == wanted


def counts(studio: Studio) -> tuple[int, int]:
    """What `edgewise stats` says was accepted and rejected."""
    command = [PROGRAM, "stats", "--json"]
    done = subprocess.run(command, env=studio.environment(), capture_output=True, text=True, check=False)
    values = json.loads(done.stdout)
    return values["n_accepted"], values["n_rejected"]


def test_a_prompt_is_made_ready_where_the_cursor_is_put(window: Workbench, studio: Studio):
    """Before anything is typed there. What opening the file makes ready are two prompts at most."""
    path = window.folder / "long.py"
    path.write_text("\n\n".join(f"def number_{n}() -> int:\n    return {n}\n" for n in range(40)))
    window.open_file(path, 3, 1)
    for line in (152, 32, 120, 60):  # empty ones: before a word no suggestion is wanted
        before = n_prepared(studio)
        window.go_to(line, 1)
        window.evaluate_until(lambda: n_prepared(studio), lambda n, before=before: n > before, "a prompt")


def n_prepared(studio: Studio) -> int:
    return sum(record.method == PREPARE for record in studio.records())


def test_typing_through_does_not_flicker(window: Workbench):
    """In every frame the line shows the same text: grey becomes black, nothing else moves."""
    _, ghost = start(window, "through.py", TABLE_PY)
    whole = window.shown_line()
    assert whole.rstrip().endswith(ghost)
    window.record_frames()
    n_typed = len(ghost) - 2
    window.page.keyboard.type(ghost[:n_typed], delay=40)
    window.wait_for_column(TABLE_PY.column + len(TABLE_PY.typed) + n_typed)
    frames = window.stop_frames()
    assert len(frames) > n_typed
    assert set(frames) == {whole}


def test_the_completion_menu_stays_in_charge(window: Workbench):
    """Ghost text goes on from the entry that is selected, or keeps quiet; Tab takes the entry."""
    path, _ = start(window, "menu.py", TABLE_PY)
    window.press("Control+Space")
    row = window.page.locator(".suggest-widget.visible .monaco-list-row.focused")
    entry = row.locator(".label-name").inner_text()
    assert entry == "add_column"
    window.press("Tab")
    expect(window.page.locator(".suggest-widget.visible")).to_have_count(0)
    window.press("Escape")
    window.save()
    assert path.read_text() == f"{TABLE_PY.text}table.{entry}\n"


def test_a_typescript_project(browser: Browser, studio: Studio):
    with open_window(browser, studio) as window:
        window.open(studio.workspace / "typescript")
        window.wait_until_ready()
        window.settle()
        path, ghost = start(window, "table.ts", TABLE_TS)
        window.press("Tab")
        window.wait_for_no_ghost()
        window.save()
        assert path.read_text() == f"{TABLE_TS.text}{TABLE_TS.typed}{ghost}\n"


def test_nothing_popped_up(window: Workbench):
    """After all of the above."""
    expect(window.notices).to_have_count(0)
    expect(window.dialogs).to_have_count(0)
