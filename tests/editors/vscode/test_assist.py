"""Explain, the proposals, the model picker and the reports, as a person sees them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.editors.vscode.workbench import Workbench

FUNCTION_LINE = 20  # in parse_money of src/shop/money.py
TOTAL_LINE = 6
CART = """class Cart:
    def __init__(self, prices: list[int]) -> None:
        self.prices = prices

    def total(self, discount: int = 0) -> int:
        return sum(self.prices) - discount
"""


def test_explain_opens_beside_and_its_link_jumps(window: Workbench, images: Path):
    window.open_file(window.folder / "src" / "shop" / "money.py", FUNCTION_LINE, 5)
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
    assert len(window.page.context.pages) == 1, "the link opens no page of a browser"
    window.close_reader("Explain money.py")


def test_explain_is_in_the_context_menu_and_among_the_code_actions(window: Workbench):
    window.open_file(window.folder / "src" / "shop" / "money.py", FUNCTION_LINE, 5)
    row = window.open_code_actions("Explain this function")
    window.press("Escape")
    expect(row).to_be_hidden()
    window.wait_for_focus()
    window.open_context_menu("edgewise", "Write Tests")
    window.close_context_menu()


def open_cart(window: Workbench, name: str, text: str = CART) -> Path:
    """With the cursor in `total`."""
    path = window.folder / name
    path.write_text(text)
    window.open_file(path, TOTAL_LINE, 9)
    return path


def test_document_is_a_diff_that_enter_takes_and_undo_takes_back(window: Workbench, images: Path):
    path = open_cart(window, "cart.py")
    window.command("edgewise: Document")
    window.wait_for_proposal('"""')
    assert path.read_text() == CART
    window.picture(images / "vscode-document.png")
    window.press("Enter")
    window.wait_for_no_proposal(path)
    window.save()
    [cart] = ast.parse(path.read_text()).body
    assert isinstance(cart, ast.ClassDef)
    assert ast.get_docstring(cart.body[1])
    window.press("Control+z")
    window.save()
    assert path.read_text() == CART


def test_document_from_the_code_actions_is_dropped_by_escape(window: Workbench):
    path = open_cart(window, "dropped.py")
    window.open_code_actions("Document this").click()
    window.wait_for_proposal('"""')
    window.press("Escape")
    window.wait_for_no_proposal(path)
    expect(window.page.locator(".tab.active.dirty")).to_have_count(0)
    assert path.read_text() == CART


@pytest.mark.parametrize(
    ("title", "text"), [("Write Tests", CART), ("Fix", CART.replace("self.prices)", "self.prices"))]
)
def test_what_needs_an_instruct_model_says_so(window: Workbench, title: str, text: str):
    path = open_cart(window, f"{title.split()[0].lower()}.py", text)
    window.command(f"edgewise: {title}")
    expect(window.notices).to_have_count(1)
    expect(window.notices).to_contain_text("instruct model")
    expect(window.dialogs).to_have_count(0)
    window.clear_notices()
    assert path.read_text() == text


@pytest.mark.parametrize("title", ["Why Was There No Suggestion?", "Statistics"])
def test_reports(window: Workbench, title: str):
    window.command(f"edgewise: {title}")
    window.page.locator(".tab.active", has_text=title.split("?")[0]).first.wait_for()
    expect(window.reader().locator("#text[data-done=true]")).not_to_be_empty()
    window.close_reader(title.split("?")[0])
