"""Fix, from a real diagnostic to a change that is taken or dropped: VS Code's TypeScript says what is wrong,
an instruct model that can say one thing says the right one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.studio import ROOT, Studio, open_studio
from tests.editors.vscode.workbench import Workbench
from tests.model.reciter import write_reciter

LINE = """export interface Line {
  name: string;
  price: number;
  count: number;
}

"""
WRONG = """export function total(lines: Line[], discount: number): number {
  let sum = 0;
  for (const line of lines) {
    sum += line.price * line.amount;
  }
  return sum - discount;
}
"""
RIGHT = WRONG.replace("line.amount", "line.count")
WRONG_LINE = 10
ANSWER = f"`Line` has no `amount`; it counts in `count`.\n\n```typescript\n{RIGHT}```\n"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    model = write_reciter(tmp_path_factory.mktemp("models") / "reciter-instruct.gguf", ANSWER)
    # code-server is unpacked without the TypeScript of its own; the extension is built with the same.
    typescript = ROOT / "editors" / "vscode" / "node_modules" / "typescript" / "lib"
    user = {"typescript.tsdk": str(typescript), "typescript.disableAutomaticTypeAcquisition": True}
    with open_studio(user, {"edgewise.explain.model": str(model)}) as studio:
        yield studio


@pytest.fixture(scope="module")
def window(browser: Browser, studio: Studio) -> Iterator[Workbench]:
    with open_window(browser, studio) as workbench:
        workbench.open(studio.workspace / "typescript")
        workbench.wait_until_ready()
        workbench.command("View: Close Primary Side Bar")
        yield workbench


def propose(window: Workbench, name: str) -> Path:
    """From the diagnostic's code actions to the diff."""
    path = window.folder / name
    path.write_text(LINE + WRONG)
    window.open_file(path, WRONG_LINE, 32)
    expect(window.page.locator(".squiggly-error")).to_have_count(1)
    window.open_code_actions("Fix this with edgewise").click()
    window.wait_for_proposal("line.count")
    return path


def test_a_fix_is_a_diff_that_enter_takes(window: Workbench, images: Path):
    path = propose(window, "taken.ts")
    window.picture(images / "vscode-fix.png")
    assert path.read_text() == LINE + WRONG
    window.press("Enter")
    window.wait_for_no_proposal(path)
    expect(window.page.locator(".squiggly-error")).to_have_count(0)
    window.save()
    assert path.read_text() == LINE + RIGHT


def test_escape_drops_a_fix(window: Workbench):
    path = propose(window, "dropped.ts")
    window.press("Escape")
    window.wait_for_no_proposal(path)
    expect(window.page.locator(".tab.active.dirty")).to_have_count(0)
    assert path.read_text() == LINE + WRONG


def test_nothing_popped_up(window: Workbench):
    expect(window.notices).to_have_count(0)
    expect(window.unread).to_have_count(0)
    expect(window.dialogs).to_have_count(0)
