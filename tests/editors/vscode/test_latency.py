"""From a key's event to the frame with ghost text, beside what the server says it took.

Prints a table; judges only that there was something to measure. Compare within one run.
"""

from __future__ import annotations

import json
import re
import statistics

import pytest

from tests.editors.vscode.places import TABLE_PY, write_place
from tests.editors.vscode.studio import Studio
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.timeout(400)
TYPED = 'table.add_column("asked", justify="right")'
N_LINES = 2
ANSWER_WITHIN_MS = 4000
TARGET_MS = 100


def test_key_press_to_visible_ghost_text(
    window: Workbench, studio: Studio, capsys: pytest.CaptureFixture[str]
):
    window.open_file(write_place(window.folder / "latency.py", TABLE_PY))
    window.go_to(TABLE_PY.line, TABLE_PY.column)
    measured: list[tuple[float, float]] = []
    for _ in range(N_LINES):
        for key in TYPED:
            if pair := measure(window, studio, key):
                measured.append(pair)
            window.press("Escape")
            window.wait_for_no_ghost()
        window.press("Enter")
    assert measured
    with capsys.disabled():
        print_table(measured)


def measure(window: Workbench, studio: Studio, key: str) -> tuple[float, float] | None:
    """Milliseconds until it is seen, and those of the server; None for a key that brings no ghost text."""
    before = n_shown(studio)
    seen_ms = window.time_key(key, ANSWER_WITHIN_MS)
    if seen_ms is None:
        return None
    window.evaluate_until(lambda: n_shown(studio), lambda n: n > before, "the trace of the request")
    return seen_ms, traces(studio)[-1]["total_ms"]


def traces(studio: Studio) -> list[dict]:
    """The server's records of requests that ended in a suggestion, from its debug log."""
    lines = re.findall(r'\{"number".*\}', studio.log())
    records = [json.loads(line) for line in lines if "inlineCompletion" in line]
    return [record for record in records if record["fields"].get("outcome") == "shown"]


def n_shown(studio: Studio) -> int:
    return len(traces(studio))


def print_table(measured: list[tuple[float, float]]) -> None:
    keys = [key for key, _ in measured]
    server = [answer for _, answer in measured]
    more = [key - answer for key, answer in measured]
    print(f"\n{len(measured)} keys that brought ghost text    p50 ms   p95 ms")
    for name, values in (
        ("key press to visible", keys),
        ("the server's own", server),
        ("VS Code's part", more),
    ):
        print(f"{name:34} {quantile(values, 50):8.0f} {quantile(values, 95):8.0f}")
    print(f"target: at most {TARGET_MS} ms more than the server's own")


def quantile(values: list[float], percent: int) -> float:
    return (
        statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]
    )
