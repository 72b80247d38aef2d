"""From a key's press to the painted frame with ghost text, beside what the server says it took, and what any
extension takes in VS Code.

Prints tables; judges only that there was something to measure. Compare within one run.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lsp_server.stats import SHOWN
from lsp_server.trace import TraceRecord
from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.floor import write_floor
from tests.editors.vscode.places import TABLE_PY
from tests.editors.vscode.studio import Studio, open_studio
from tests.editors.vscode.workbench import Workbench

TYPED = 'table.add_column("asked", justify="right")'
N_LINES = 2
ANSWER_WITHIN_MS = 2000
TARGET_MS = 100


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one key."""

    to_server: float
    server: float
    to_eye: float

    @property
    def total(self) -> float:
        return self.to_server + self.server + self.to_eye


def test_key_press_to_visible_ghost_text(
    window: Workbench, studio: Studio, capsys: pytest.CaptureFixture[str]
):
    times = time_keys(window)
    records = window.evaluate_until(
        lambda: [record for record in studio.requests() if record.fields.get("outcome") == SHOWN],
        lambda records: bool(records) and bool(times) and records[-1].at * 1000 > times[-1][0],
        "the record of the last request",
    )
    measured = [found for pressed, seen in times if (found := join(pressed, seen, records))]
    assert len(measured) > len(TYPED) / 2
    with capsys.disabled():
        print_table(measured)


def test_an_extension_that_answers_at_once(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What is left when there is no server, no protocol and no model."""
    with (
        open_studio(extension=write_floor(tmp_path / "floor.vsix")) as studio,
        open_window(browser, studio) as window,
    ):
        folder = studio.workspace / "python"
        window.open(folder)
        window.evaluate_until(lambda: studio.window_of(folder), bool, "a window with extensions")
        totals = [seen - pressed for pressed, seen in time_keys(window)]
    assert len(totals) > len(TYPED) / 2
    with capsys.disabled():
        name = "an extension that answers at once"
        print(f"\n{name:34} {quantile(totals, 50):8.0f} {quantile(totals, 95):8.0f}")


def time_keys(window: Workbench) -> list[tuple[float, float]]:
    """(pressed, seen) of each key that brought ghost text."""
    window.open_place(window.folder / "latency.py", TABLE_PY)
    times = []
    for _ in range(N_LINES):
        for key in TYPED:
            if pair := window.time_key(key, ANSWER_WITHIN_MS):
                times.append(pair)
            window.dismiss()
        window.press("Enter")
    return times


def join(pressed: float, seen: float, records: Sequence[TraceRecord]) -> Measured | None:
    """With the request that was answered last before ghost text was seen."""
    between = [record for record in records if pressed < record.at * 1000 <= seen]
    if not between:
        return None
    answered, server = between[-1].at * 1000, between[-1].total_ms
    return Measured(answered - server - pressed, server, seen - answered)


def print_table(measured: Sequence[Measured]) -> None:
    print(f"\n{len(measured)} keys that brought ghost text    p50 ms   p95 ms")
    rows = (
        ("key press to visible", [key.total for key in measured]),
        ("the server's own", [key.server for key in measured]),
        ("VS Code's part", [key.total - key.server for key in measured]),
        ("  from the key to the server", [key.to_server for key in measured]),
        ("  from the answer to the eye", [key.to_eye for key in measured]),
    )
    for name, values in rows:
        print(f"{name:34} {quantile(values, 50):8.0f} {quantile(values, 95):8.0f}")
    print(f"target: at most {TARGET_MS} ms more than the server's own")


def quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
