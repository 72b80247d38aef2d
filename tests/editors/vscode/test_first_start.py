"""The walkthrough, and a workspace that cannot be written."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.places import TABLE_PY, write_place
from tests.editors.vscode.studio import open_studio
from tests.editors.vscode.workbench import Workbench

STEPS = ("The server", "Type", "Ask what code does", "Choose a model", "No suggestion?")


def test_the_walkthrough(window: Workbench):
    window.command("edgewise: Get Started")
    page = window.page.locator(".gettingStartedContainer")
    expect(page).to_contain_text("Get started with edgewise")
    for step in STEPS:
        page.locator(".step-title", has_text=step).first.wait_for()
    server = page.locator(".getting-started-step", has_text="The server").first
    expect(server).to_have_attribute("aria-checked", "true")
    page.locator(".step-title", has_text="Ask what code does").first.click()
    expect(
        page.locator(".step-container, .getting-started-step").filter(has_text="Ask what code does").first
    ).to_contain_text("Put the cursor into a function.")
    window.command("View: Close Editor")


def test_a_workspace_on_a_disk_that_cannot_be_written(browser: Browser):
    with open_studio(is_read_only=True) as studio, open_window(browser, studio) as window:
        folder = studio.workspace / "python"
        path = write_place(folder / "fixed.py", TABLE_PY)  # from outside of what is mounted there
        before = path.read_bytes()
        window.open(folder)
        window.wait_until_ready()
        window.open_file(path, TABLE_PY.line, TABLE_PY.column)
        window.type(TABLE_PY.typed)
        window.ask()
        expect(window.notices).to_have_count(0)
        expect(window.dialogs).to_have_count(0)
        assert path.read_bytes() == before
