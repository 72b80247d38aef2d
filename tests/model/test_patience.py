"""Who is waited for is given up after a time in which the watcher was awake."""

from __future__ import annotations

import time

import pytest

from model.patience import MOST_FORGIVEN, Patience, read_clock

LIMIT_S, TICK_S = 0.8, 0.2


class Clock:
    """Goes as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.patience = Patience(LIMIT_S, TICK_S, lambda: self.now)

    def is_over_after(self, seconds: float) -> bool:
        self.now += seconds
        return self.patience.is_over()

    def count_ticks(self, tick_s: float = TICK_S) -> int:
        """Looks until it is over."""
        n = 1
        while not self.is_over_after(tick_s):
            n += 1
        return n


@pytest.mark.parametrize(("tick_s", "n_ticks"), [(0.2, 4), (0.21, 4), (0.3, 3), (0.4, 2), (0.01, 80)])
def test_time_is_up_when_the_looks_are_on_time(tick_s: float, n_ticks: int) -> None:
    assert abs(Clock().count_ticks(tick_s) - n_ticks) <= 1


@pytest.mark.parametrize("asleep_s", [0.5, 6.0, 8 * 3600.0])
def test_a_watcher_that_slept_counts_anew(asleep_s: float) -> None:
    clock = Clock()
    assert not clock.is_over_after(TICK_S)
    assert not clock.is_over_after(TICK_S)
    assert not clock.is_over_after(asleep_s)
    assert abs(clock.count_ticks() - 4) <= 1, "the whole time again, and no more"


def test_a_clock_that_stops_during_the_sleep_loses_nothing() -> None:
    """What it shows is time awake: neither counted twice nor begun anew."""
    clock = Clock()
    assert not clock.is_over_after(TICK_S)
    assert not clock.is_over_after(0.0)
    assert abs(clock.count_ticks() - 3) <= 1


def test_who_is_late_at_every_look_gives_up_in_the_end() -> None:
    assert Clock().count_ticks(tick_s=5.0) == MOST_FORGIVEN + 1


def test_no_time_at_all() -> None:
    assert Patience(-1.0).is_over()


def test_the_clock_goes_forward_at_the_pace_of_the_machines() -> None:
    before, before_s = read_clock(), time.monotonic()
    while time.monotonic() - before_s < 0.01:
        pass
    assert read_clock() - before >= 0.01
