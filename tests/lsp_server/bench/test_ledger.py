"""Figures from times: when an answer counts, what is accepted, what is reused."""

from __future__ import annotations

import pytest

from lsp_server.bench.ledger import (
    Cost,
    Evaluated,
    Figures,
    Ledger,
    Quantiles,
    Struck,
    count_accepted,
    count_up,
)


def figures(ledger: Ledger, evaluated: list[Evaluated] | None = None, cpu_s: float = 0.0) -> Figures:
    return count_up("it", ledger.keys, evaluated or [Evaluated()] * len(ledger.keys), Cost(cpu_s))


def test_times_run_from_the_key_and_from_the_question() -> None:
    ledger = Ledger()
    number = ledger.strike(Struck(10.0, "abc"))
    ledger.asked(number, 10.2)
    ledger.answered(number, "ab", 10.25)
    found = figures(ledger)
    assert (found.key_ms.p50, found.ask_ms.p50) == (pytest.approx(250), pytest.approx(50))
    assert (found.answered_share, found.within_bar_share) == (1, 0)


def test_an_answer_after_the_next_key_is_none() -> None:
    ledger = Ledger()
    first = ledger.strike(Struck(1.0, "abc"))
    ledger.asked(first, 1.0)
    ledger.strike(Struck(1.1, "bc"))
    ledger.answered(first, "abc", 1.2)
    found = figures(ledger)
    assert (found.n_asked, found.n_answered, found.n_shown) == (1, 0, 0)
    assert found.answered_share == found.within_bar_share == 0


def test_only_questions_after_a_pause_count_as_such_answered_or_not() -> None:
    ledger = Ledger()
    for asked_at, answered_at in ((0.0, 0.001), (0.2, 0.205), (0.3, 0.4), (0.3, None)):
        number = ledger.strike(Struck(0.0, ""))
        ledger.asked(number, asked_at)
        if answered_at is not None:
            ledger.answered(number, "", answered_at)
    found = figures(ledger)
    assert found.n_paused == 3
    assert found.paused_at_once == pytest.approx(1 / 3)


@pytest.mark.parametrize(("next_at", "n_paused"), [(0.209, 0), (0.211, 1)])
def test_a_question_that_the_next_key_cuts_short_is_not_judged(next_at: float, n_paused: int) -> None:
    ledger = Ledger()
    ledger.asked(ledger.strike(Struck(0.0, "")), 0.2)
    ledger.strike(Struck(next_at, ""))
    assert figures(ledger).n_paused == n_paused


def test_a_character_is_accepted_once_however_often_it_is_shown() -> None:
    keys = [
        Struck(0.0, "hello", ("a.py", 5), answer="help"),
        Struck(0.1, "ello", ("a.py", 6), answer="ell!"),
        Struck(0.2, "llo", ("b.py", 7), answer="llo"),
        Struck(0.3, "lo", ("a.py", 8)),
    ]
    assert count_accepted(keys) == 4 + 3


def test_tokens_and_cpu_for_what_was_accepted() -> None:
    ledger = Ledger()
    ledger.answered(ledger.strike(Struck(0.0, "abcd", ("a.py", 0))), "ab", 0.1)
    found = figures(ledger, [Evaluated(n_evaluated=10, n_cached=90)], cpu_s=0.5)
    assert found.n_evaluated == 10
    assert found.reused_share == pytest.approx(0.9)
    assert found.cpu_ms_per_accepted == pytest.approx(250)


def test_of_nothing_there_are_no_figures() -> None:
    found = figures(Ledger())
    assert (found.key_ms.p50, found.paused_at_once, found.reused_share) == (None, None, None)
    assert (found.cpu_ms_per_accepted, found.answered_share) == (None, None)


def test_quantiles_are_values_that_were_measured() -> None:
    found = Quantiles.of(range(100))
    assert (found.n, found.p50, found.p95, found.p99) == (100, 50, 95, 99)
