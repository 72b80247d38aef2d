"""The benchmark runs from end to end and its figures hang together. It judges no time."""

from __future__ import annotations

import io

from rich.console import Console

from tests.bench import pauses


async def test_a_short_run_has_every_figure() -> None:
    report = await pauses.run(12, seed=1, options={})
    assert report.n_keystrokes == 12
    assert 0 <= report.paused_in_10_ms <= report.paused_in_10_ms_in_server <= 1
    assert report.n_cached + report.n_attached >= 1
    assert 0 <= report.reused_share <= 1
    out = io.StringIO()
    Console(file=out, width=120).print(pauses.draw(report))
    assert "tokens evaluated a keystroke" in out.getvalue()
