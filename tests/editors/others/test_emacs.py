"""Emacs with the configurations that editors/others.md gives: what works there, works here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.editors.neovim.driver import until
from tests.editors.others import emacs
from tests.editors.others.conftest import CACHE, LINE, MAIN
from tests.editors.others.page import blocks
from tests.editors.others.terminal import Terminal

SYSROOT = CACHE / "emacs" / "sysroot"
FIRST = "(setq make-backup-files nil create-lockfiles nil)\n"
# What a package manager does for an installed package; and a project that is known without being asked.
BEFORE_LSP_MODE = '(load "lsp-mode-autoloads" t t)\n(setq lsp-auto-guess-root t)\n'
USE_LSP_MODE = "(add-hook 'python-mode-hook #'lsp)\n"
USE_EGLOT = "(add-hook 'python-mode-hook #'eglot-ensure)\n"

StartEmacs = Callable[[str], Terminal]


@pytest.fixture
def start(home: Home, environment: dict[str, str], main_py: Path) -> Iterator[StartEmacs]:
    """Starts one with a configuration, in the project's file."""
    opened: list[Terminal] = []

    def start_one(configuration: str) -> Terminal:
        init = home.folder / "init.el"
        init.write_text(FIRST + configuration)
        command = [*emacs.command(SYSROOT), "--load", str(init), "main.py"]
        values = {**environment, **emacs.environment(SYSROOT)}
        terminal = Terminal(home.folder / "t", values, command, main_py.parent)
        opened.append(terminal.__enter__())
        terminal.wait_screen("def total", "main.py")
        return terminal

    yield start_one
    for terminal in opened:
        terminal.__exit__()


def call(terminal: Terminal, command: str) -> None:
    terminal.press("M-x")
    terminal.wait_screen("M-x")
    terminal.type(command)
    terminal.press("Enter")


def go_to(terminal: Terminal, line: int) -> None:
    call(terminal, "goto-line")
    terminal.wait_screen("Goto line")
    terminal.type(str(line))
    terminal.press("Enter")
    terminal.wait_screen(f"L{line} ")


def choose(terminal: Terminal, command: str, prompt: str, action: str) -> None:
    go_to(terminal, LINE)
    call(terminal, command)
    terminal.wait_screen(prompt)
    terminal.type(action)
    terminal.press("Tab", "Enter")


def save(terminal: Terminal) -> None:
    terminal.press("C-x", "C-s")


@pytest.fixture
def with_lsp_mode(start: StartEmacs, home: Home) -> Terminal:
    [configuration] = blocks("Emacs with lsp-mode", "elisp")
    terminal = start(BEFORE_LSP_MODE + configuration + USE_LSP_MODE)
    until(lambda: re.search(r"\[edgewise:\d+\]", terminal.screen()), "the server")
    # lsp-mode asks once after a change, and the model must be there by then; the glass is its mark for work.
    until(lambda: home.hosts() and "⌛" not in terminal.screen(), "the model")
    return terminal


def test_lsp_mode_shows_ghost_text_and_tab_takes_it(with_lsp_mode: Terminal, main_py: Path):
    with_lsp_mode.press("M->")
    with_lsp_mode.type("en")

    def shown_line() -> re.Match[str] | None:
        end = with_lsp_mode.screen().partition("read_words")[2]
        return re.search(r"^ *with open(\S.*)$", end, re.MULTILINE)

    shown = until(shown_line, "ghost text")
    with_lsp_mode.press("Tab")
    save(with_lsp_mode)
    until(lambda: f"with open{shown[1].rstrip()}" in main_py.read_text(), "the file on disk")
    assert main_py.read_text().startswith(MAIN)


def test_lsp_mode_explains(with_lsp_mode: Terminal):
    choose(with_lsp_mode, "lsp-execute-code-action", "Select code action", "Explain")
    with_lsp_mode.wait_screen("# `total`", "[main.py:5](main.py#L5)")
    assert "Unknown notification" not in with_lsp_mode.screen()


def test_lsp_mode_documents(with_lsp_mode: Terminal, main_py: Path):
    choose(with_lsp_mode, "lsp-execute-code-action", "Select code action", "Document")
    with_lsp_mode.wait_screen('"""Total.', "limit: The limit. Defaults to `10`.")
    save(with_lsp_mode)
    until(lambda: '"""Total.' in main_py.read_text(), "the file on disk")


@pytest.fixture
def with_eglot(start: StartEmacs) -> Terminal:
    [configuration] = blocks("Emacs with eglot", "elisp")
    terminal = start(configuration + USE_EGLOT)
    terminal.wait_screen("[eglot:shop")
    return terminal


def test_eglot_explains(with_eglot: Terminal):
    choose(with_eglot, "eglot-code-actions", "Pick an action", "Explain")
    with_eglot.wait_screen("# `total`", "[main.py:5](main.py#L5)")


def test_eglot_documents(with_eglot: Terminal, main_py: Path):
    choose(with_eglot, "eglot-code-actions", "Pick an action", "Document")
    with_eglot.wait_screen('"""Total.', "limit: The limit. Defaults to `10`.")
    save(with_eglot)
    until(lambda: '"""Total.' in main_py.read_text(), "the file on disk")
