"""The benchmarks of the engine host run from end to end and fill their tables. No time is judged."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from model.store import resolve_model
from tests.bench import contention, engine, host, restart, stall


def shown(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=140).print(table)
    return out.getvalue()


async def test_a_host_that_started_again_has_its_prompt() -> None:
    (one,) = rounds = await restart.run("builtin", 600, 1)
    assert (one.cold.n_cached, one.lost.n_cached) == (0, 0)
    assert one.kept.n_cached == one.warm.n_cached == one.kept.n_prompt - 1
    assert "a host that started again" in shown(restart.draw("builtin", rounds))


def test_a_stopped_host_is_replaced() -> None:
    (one,) = stalls = stall.run(1)
    assert one.n_left == 0
    assert 0 < one.ended_s < one.served_s
    assert "the request ends" in shown(stall.draw(stalls))


def test_both_engines_are_asked_quiet_and_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "SETTLE_S", 0.0)
    monkeypatch.setattr(contention, "N_TURNS", 1)
    monkeypatch.setattr(
        contention, "count_cores", lambda: 1
    )  # spinning threads on a busy machine take minutes
    model = resolve_model("builtin")
    rows = contention.run(model, 2, 1)
    assert [(len(row.quiet_ms), len(row.busy_ms)) for row in rows] == [(2, 2), (2, 2)]
    assert "as it comes" in shown(contention.draw(model, rows, 1))


def test_every_way_generates() -> None:
    model = resolve_model("builtin")
    rows = engine.run(model, 1, 4)
    assert all(cost.n_tokens == 4 for row in rows for cost in (row.plain, row.edit))
    assert "through host and client" in shown(engine.draw(model, rows))


def test_a_host_is_started_asked_and_ended() -> None:
    model = resolve_model("builtin")
    rounds = host.run(model, 1, 1)
    assert rounds[0].ready_s > 0 and rounds[0].speed.n_prompt > 1000
    assert "resident, MB" in shown(host.draw(model, rounds))
