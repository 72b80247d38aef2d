"""The benchmark runs from end to end and its figures hang together. It judges no time."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.bench import latency


async def test_a_short_run_has_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "N_STARTS", 1)
    report = await latency.run(8)
    assert report.n_requests == 8
    assert report.n_jumps >= 1
    assert 1 <= report.n_asked <= 8
    assert report.through_server_p50_ms > 0
    assert report.bare_engine_p50_ms > 0
    assert report.prompt_tokens_p50 >= report.cached_tokens_p50
    assert len(report.starts_ms) == 1
    assert report.session_rss_mb > 10
    assert report.host_rss_mb > 10
    out = io.StringIO()
    Console(file=out, width=120).print(latency.draw(report))
    assert "added by the server" in out.getvalue()
