"""From a key's press to the painted frame with ghost text, beside what the server says it took.

Prints a table; judges only that there was something to measure. Compare within one run.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from lsp_server.stats import SHOWN
from lsp_server.trace import TraceRecord
from tests.editors.vscode.places import TABLE_PY
from tests.editors.vscode.studio import Studio
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
    window.open_place(window.folder / "latency.py", TABLE_PY)
    times: list[tuple[float, float]] = []
    for _ in range(N_LINES):
        for key in TYPED:
            if pair := window.time_key(key, ANSWER_WITHIN_MS):
                times.append(pair)
            window.press("Escape")
            window.wait_for_no_ghost()
        window.press("Enter")
    records = window.evaluate_until(
        lambda: [record for record in studio.requests() if record.fields.get("outcome") == SHOWN],
        lambda records: bool(records) and bool(times) and records[-1].at * 1000 > times[-1][0],
        "the record of the last request",
    )
    measured = [found for pressed, seen in times if (found := join(pressed, seen, records))]
    assert len(measured) > len(TYPED) / 2
    with capsys.disabled():
        print_table(measured)


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
