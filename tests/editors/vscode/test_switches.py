"""Switching suggestions off and on: snoozing, for a language, for files of a pattern."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.editors.vscode.places import TABLE_PY
from tests.editors.vscode.studio import SHORT_SNOOZE, Studio
from tests.editors.vscode.workbench import Workbench

BEHIND = TABLE_PY.column + len(TABLE_PY.typed)


def type_at_the_place(window: Workbench, name: str) -> None:
    window.open_place(window.folder / name, TABLE_PY)
    window.type(TABLE_PY.typed)


def type_and_be_refused(window: Workbench, studio: Studio, name: str) -> None:
    """The server was asked, and its reason is a switch."""
    before = len(studio.requests())
    type_at_the_place(window, name)
    window.evaluate_until(
        lambda: [record.fields.get("outcome") for record in studio.requests()[before:]],
        lambda outcomes: "disabled" in outcomes,
        "a request that is refused",
    )
    expect(window.ghost).to_have_count(0)


def test_snoozed_from_the_menu(window: Workbench):
    type_at_the_place(window, "snooze.py")
    window.wait_for_ghost()
    window.open_menu()
    window.choose("Snooze")
    window.choose("5 minutes")
    window.wait_for_status("^edgewise, paused")
    expect(window.status).to_contain_text("paused, 5 min left")
    window.wait_for_no_ghost()
    window.type("_col")
    window.wait_for_column(BEHIND + 4)
    expect(window.ghost).to_have_count(0)
    window.command("edgewise: Resume Suggestions")
    window.wait_until_ready()
    window.focus_editor()
    assert window.ask()


def test_a_snooze_ends_by_itself(window: Workbench):
    type_at_the_place(window, "snooze-ends.py")
    window.wait_for_ghost()
    window.press(SHORT_SNOOZE)
    window.wait_for_status("^edgewise, paused")
    window.wait_for_no_ghost()
    window.wait_until_ready()
    assert window.ask()


def test_off_for_a_language_and_on_again(window: Workbench, studio: Studio):
    window.open_place(window.folder / "language.py", TABLE_PY)
    window.open_menu()
    window.choose("Turn off for python")
    window.wait_for_status("^edgewise, off: edgewise.completion.disabled_languages holds python")
    type_and_be_refused(window, studio, "typed.py")
    window.open_menu()
    window.choose("Turn on for python")
    window.wait_until_ready()
    window.focus_editor()
    assert window.ask()


def test_off_for_files_of_a_pattern(window: Workbench, studio: Studio):
    window.open_place(window.folder / "secret-one.py", TABLE_PY)
    window.command("edgewise: Turn Suggestions Off for Files…")
    expect(window.quick_input).to_have_value("secret-one.py")
    window.quick_input.fill("secret-*.py")
    window.press("Enter")
    expect(window.quick_input).to_be_hidden()
    settings = studio.data / "User" / "settings.json"
    globs = window.evaluate_until(
        lambda: json.loads(settings.read_text()).get("edgewise.completion.disabled_globs", []),
        lambda globs: "secret-*.py" in globs,
        "the setting",
    )
    assert "**/.env" in globs, "what is off by default stays off"
    type_and_be_refused(window, studio, "secret-two.py")
    type_at_the_place(window, "open.py")
    assert window.ask()


def test_nothing_popped_up(window: Workbench):
    """After all of the above."""
    expect(window.notices).to_have_count(0)
    expect(window.dialogs).to_have_count(0)
