"""The soak command runs from end to end, and its verdict follows from its samples."""

from __future__ import annotations

from dataclasses import replace

from tests.bench import soak
from tests.bench.soak import Sample, Tally, count_left, find_problems, measure_growth, own_world, run

SAMPLE = Sample(0.0, 3, 60.0, 20, 100.0, 9, 0.0, 1)


def samples(session_mb: list[float]) -> list[Sample]:
    return [
        replace(SAMPLE, at_s=100.0 + number, host_age_s=100.0 + number, session_mb=value)
        for number, value in enumerate(session_mb)
    ]


async def test_a_short_run_leaves_nothing() -> None:
    tally = Tally()
    with own_world() as root:
        await run(root, 0.5, 2, 5.0, tally)
        assert count_left(root) == 0
    assert tally.n_windows >= 1
    assert tally.n_kills >= 1
    assert tally.n_answered > 0
    assert find_problems(tally, 0) == []


def test_growth_is_between_the_first_and_the_last_third() -> None:
    assert measure_growth([100, 100, 500, 1, 110, 110]) == 110 / 100 - 1
    assert measure_growth([1, 2]) == 0.0


def test_what_grew_and_what_was_left_is_said() -> None:
    tally = Tally(n_answered=1, samples=samples([100.0] * 4 + [120.0] * 4))
    assert find_problems(tally, 2) == ["the window's memory grew by 20.0%", "2 processes were left"]
    assert find_problems(Tally(samples=samples([100.0] * 8)), 0) == ["no request was answered"]
    more = [replace(one, session_descriptors=20 + 3 * (one.at_s > 104)) for one in samples([100.0] * 8)]
    assert find_problems(Tally(n_answered=1, samples=more), 0) == ["3 descriptors of the window were left"]


def test_each_hosts_life_is_looked_at_alone() -> None:
    first, second = samples([1.0] * 5), samples([1.0] * 6)
    assert [len(life) for life in soak.split_by_host([*first, *second])] == [5, 6]
