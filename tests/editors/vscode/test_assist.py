"""Explain, the proposals, the model picker and the reports, as a person sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.timeout(300)
FUNCTION_LINE = 20  # in parse_money of src/shop/money.py


def test_explain_opens_beside_and_its_link_jumps(window: Workbench, images: Path):
    window.open_file(window.folder / "src" / "shop" / "money.py")
    window.go_to(FUNCTION_LINE, 5)
    window.press("Control+Alt+e")
    text = window.reader().locator("#text[data-done=true]")
    expect(text.locator("h1")).to_have_text("parse_money")
    expect(text).to_contain_text("Called by")
    window.picture(images / "vscode-explain.png")
    link = text.get_by_role("link", name="src/shop/orders/line.py")
    line = (link.first.text_content() or "").rpartition(":")[2]
    link.first.click()
    window.page.locator(".tab.active", has_text="line.py").first.wait_for()
    expect(window.cursor_place).to_have_text(f"Ln {line}, Col 1")


def test_explain_is_in_the_context_menu_and_among_the_code_actions(window: Workbench):
    window.open_file(window.folder / "src" / "shop" / "money.py")
    window.go_to(FUNCTION_LINE, 5)
    window.press("Control+.")
    expect(window.page.locator(".action-widget").first).to_contain_text("Explain this function")
    window.press("Escape")
    window.page.locator(".monaco-editor.focused .view-line").nth(3).click(button="right")
    window.page.get_by_role("menuitem", name="edgewise").hover()
    window.page.get_by_role("menuitem", name="Write Tests").wait_for()
    window.press("Escape")
    window.press("Escape")
    window.press("Escape")


@pytest.mark.parametrize("title", ["Document", "Write Tests", "Fix"])
def test_a_proposal_is_a_diff_or_a_sentence(window: Workbench, title: str):
    """Never silence. Escape drops a diff, and the file stays as it was."""
    path = window.folder / "src" / "shop" / "money.py"
    before = path.read_text()
    window.open_file(path)
    window.go_to(FUNCTION_LINE, 5)
    window.command(f"edgewise: {title}")
    answer = window.notices.or_(window.page.locator(".tab.active", has_text="Enter takes it")).or_(
        window.page.locator(".tab", has_text=title)
    )
    answer.first.wait_for()
    window.press("Escape")
    window.command("Notifications: Clear All Notifications")
    expect(window.page.locator(".tab", has_text="Enter takes it")).to_have_count(0)
    assert path.read_text() == before


def test_the_model_picker(window: Workbench, images: Path):
    window.command("edgewise: Choose Model")
    rows = window.page.locator(".quick-input-list .monaco-list-row")
    expect(rows.first).to_contain_text("builtin")
    expect(rows.first).to_contain_text("12 MB")
    expect(rows.nth(1)).to_contain_text("to fetch")
    expect(rows.nth(1)).to_contain_text("fits here")
    window.picture(images / "vscode-model-picker.png")
    window.press("Enter")  # the one that is in use: nothing changes
    window.wait_until_ready()
    expect(window.notices).to_have_count(0)


@pytest.mark.parametrize("title", ["Why Was There No Suggestion?", "Statistics"])
def test_reports(window: Workbench, title: str):
    window.command(f"edgewise: {title}")
    window.page.locator(".tab.active", has_text=title.split("?")[0]).first.wait_for()
    expect(window.reader().locator("#text[data-done=true]")).not_to_be_empty()
    window.command("View: Close Editor")
