"""What the tests in the real VS Code share. They run only when they are asked for: `make test-editors`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.editors.vscode.studio import ROOT, Studio, open_studio
from tests.editors.vscode.workbench import Workbench

CHROMIUM = os.environ.get("EDGEWISE_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",  # the tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IMAGES = ROOT / "docs" / "images"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_window(browser: Browser, studio: Studio) -> Iterator[Workbench]:
    context = browser.new_context(viewport={"width": 1100, "height": 680}, device_scale_factor=1)
    try:
        yield Workbench(context.new_page(), studio)
    finally:
        context.close()


@pytest.fixture(scope="session")
def studio() -> Iterator[Studio]:
    with open_studio() as studio:
        yield studio


@pytest.fixture(scope="session")
def window(browser: Browser, studio: Studio) -> Iterator[Workbench]:
    """The Python project, with a model that is ready. The tests share it: each opens files of its own."""
    with open_window(browser, studio) as workbench:
        workbench.open(studio.workspace / "python")
        workbench.wait_until_ready()
        workbench.settle()
        workbench.command("View: Close Primary Side Bar")  # it takes room in pictures
        yield workbench


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A failed test leaves a picture of every window that it had, and one with what it was told."""
    report = yield
    folder = os.environ.get("EDGEWISE_FAILURES")
    if folder and report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Workbench):
                value.page.screenshot(path=Path(folder) / f"{item.name}-{name}.png")
                Path(folder, f"{item.name}-{name}.log").write_text(value.studio.log())
                with suppress(AssertionError, Error):
                    value.command("Notifications: Show Notifications")
                    value.page.screenshot(path=Path(folder) / f"{item.name}-{name}-told.png")
                    value.command("Notifications: Hide Notifications")
    return report


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: into the docs only when they are wanted there: a test run changes no file."""
    return IMAGES if os.environ.get("EDGEWISE_PICTURES") else tmp_path_factory.mktemp("images")
