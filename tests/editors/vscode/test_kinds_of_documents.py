"""Documents that are no ordinary file of the workspace: each gets suggestions, or none; never a message."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.places import TABLE_PY, write_place
from tests.editors.vscode.studio import Studio, open_studio, write_settings
from tests.editors.vscode.workbench import Workbench


def test_an_untitled_buffer(window: Workbench):
    window.command("File: New Untitled Text File")
    window.page.locator(".tab.active", has_text="Untitled").first.wait_for()
    window.wait_for_focus()
    window.page.keyboard.insert_text(TABLE_PY.text)
    assert window.type_for_ghost(TABLE_PY.typed)
    window.command("View: Revert and Close Editor")


def test_a_notebook(window: Workbench):
    window.open_file(window.folder / "notes.ipynb")
    window.page.locator(".notebookOverlay .cell .monaco-editor .view-lines").first.click()
    window.press("Enter")  # from the cell into its text
    window.page.locator(".notebookOverlay .monaco-editor.focused").wait_for()
    window.page.keyboard.insert_text(TABLE_PY.text)
    assert window.type_for_ghost(TABLE_PY.typed)
    window.command("View: Revert and Close Editor")


def test_the_new_side_of_a_diff(window: Workbench):
    window.open_place(window.folder / "diff.py", TABLE_PY)
    window.type("t")
    window.command("File: Compare Active File with Saved")
    side = ".monaco-diff-editor .modified"
    window.page.locator(f"{side} .focused, {side}.focused").first.wait_for()
    window.go_to(TABLE_PY.line, TABLE_PY.column + 1)
    window.type(TABLE_PY.typed[1:])
    assert window.wait_for_ghost()
    window.command("View: Close Editor")


def test_a_huge_file_can_be_typed_into(window: Workbench):
    """3 MB, more than edgewise.completion.max_file_bytes."""
    path = window.folder / "huge.py"
    window.open_file(path, 5, 10)
    window.type("  # typed")
    window.wait_for_column(19)
    window.save()
    assert path.read_text().startswith("VALUE = 1\n" * 4 + "VALUE = 1  # typed\n")
    expect(window.ghost).to_have_count(0)


def test_no_message_for_any_of_them(window: Workbench):
    expect(window.notices).to_have_count(0)
    expect(window.dialogs).to_have_count(0)
    window.wait_until_ready()


def test_a_file_outside_of_any_folder(browser: Browser, studio: Studio):
    path = write_place(studio.folder / "alone.py", TABLE_PY)
    with open_window(browser, studio) as window:
        window.open(None, path)
        window.page.locator(".tab.active", has_text="alone.py").first.wait_for()
        window.wait_for_status("^edgewise, ready")
        window.editor.first.click()
        window.go_to(TABLE_PY.line, TABLE_PY.column)
        window.type(TABLE_PY.typed)
        assert window.ask()  # a new window may have been too busy to ask by itself
        expect(window.notices).to_have_count(0)


def test_an_untrusted_workspace_works_and_sets_nothing(browser: Browser, tmp_path: Path):
    """The workspace switches suggestions off and names another program and model: none of it counts."""
    with open_studio({"security.workspace.trust.startupPrompt": "never"}, trusts=False) as studio:
        folder = studio.workspace / "python"
        hostile = {
            "edgewise.completion.enabled": False,
            "edgewise.vscode.executable": str(tmp_path / "hostile"),
            "edgewise.model.name": str(tmp_path / "hostile.gguf"),
        }
        write_settings(folder / ".vscode" / "settings.json", hostile)
        with open_window(browser, studio) as window:
            window.open(folder)
            window.wait_until_ready()
            window.settle()
            window.open_place(folder / "stranger.py", TABLE_PY)
            window.type(TABLE_PY.typed)
            assert window.wait_for_ghost()
            expect(window.notices).to_have_count(0)
