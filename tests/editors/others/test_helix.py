"""Helix with the configuration that editors/others.md gives: what works there, works here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.editors.neovim.driver import TimedOut, until
from tests.editors.others.conftest import CACHE, LINE, MAIN
from tests.editors.others.page import blocks
from tests.editors.others.terminal import Terminal

HELIX = CACHE / "hx" / "sysroot" / "usr" / "lib" / "hx"


@pytest.fixture
def helix(home: Home, environment: dict[str, str], main_py: Path) -> Iterator[Terminal]:
    """On a line of the function `total`, once the server offers something there."""
    folder = home.folder / ".config" / "helix"
    folder.mkdir(parents=True)
    languages, config = blocks("Helix", "toml")
    (folder / "languages.toml").write_text(languages)
    (folder / "config.toml").write_text(config)
    environment = {**environment, "HELIX_RUNTIME": str(HELIX / "runtime")}
    with Terminal(home.folder / "t", environment, [str(HELIX / "hx"), "main.py"], main_py.parent) as terminal:
        terminal.wait_screen("def total")
        terminal.type(f"{LINE}G")
        terminal.wait_screen(f"{LINE}:1")
        yield terminal
        terminal.press("Escape")
        terminal.type(":quit-all!")
        terminal.press("Enter")


def open_menu(helix: Terminal) -> None:
    """Nothing opens before the server has started."""

    def is_open() -> bool:
        helix.type(" a")
        with suppress(TimedOut):
            helix.wait_screen("Explain this code", "Document this code", timeout_s=3)
        return "Document this code" in helix.screen()

    until(is_open, "the menu of code actions")


def test_explain_opens_a_document(helix: Terminal):
    open_menu(helix)
    helix.press("Enter")
    helix.wait_screen("# `total`", "[main.py:5](main.py#L5)", "answers/explain.md")


def test_document_writes_a_docstring(helix: Terminal, main_py: Path):
    open_menu(helix)
    helix.press("Down", "Enter")
    helix.wait_screen('"""Total.', "limit: The limit. Defaults to `10`.", "ValueError: If `limit < 0`.")
    assert main_py.read_text() == MAIN, "Helix asks before it writes"
    helix.type(":write")
    helix.press("Enter")

    def is_written() -> bool:
        with suppress(FileNotFoundError):  # Helix puts the old one aside before it writes the new one
            return '"""Total.' in main_py.read_text()
        return False

    until(is_written, "the file on disk")


def test_a_key_shows_the_explanation_in_a_popup(helix: Terminal):
    helix.type(" e")
    helix.wait_screen("Function in", "complexity 3")
