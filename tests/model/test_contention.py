"""How many cores are left, from processor times; the times of the real machine are read as well."""

from __future__ import annotations

from model.contention import LESS_AFTER, MORE_AFTER, Contention, Times, is_on_battery, read_times

N_CORES = 2


class Machine:
    """Counters that go on by a second at each look."""

    def __init__(self) -> None:
        self.others, self.nice, self.own = 0.0, 0.0, 0.0
        self._times = Times(0.0, 0.0, 0.0, 0.0)

    def __call__(self) -> Times:
        last = self._times
        busy_s = last.busy_s + self.others + self.nice + self.own
        self._times = Times(busy_s, last.nice_s + self.nice, last.own_s + self.own, last.wall_s + 1.0)
        return self._times


def look(contention: Contention, n: int) -> int:
    for _ in range(n):
        contention.look()
    return contention.n_free


def test_a_core_that_is_taken_is_given_up_and_taken_back_later() -> None:
    machine = Machine()
    contention = Contention(N_CORES, machine)
    machine.others = 1.0
    assert look(contention, LESS_AFTER + 2) == 1
    assert contention.is_contended
    assert contention.share == 0.5
    machine.others = 0.0
    assert look(contention, MORE_AFTER - 2) == 1
    assert look(contention, 6) == 2
    assert not contention.is_contended


def test_the_hosts_own_work_does_not_count() -> None:
    machine = Machine()
    machine.own = 2.0
    assert look(Contention(N_CORES, machine), 10) == 2


def test_low_priority_programs_count_for_little() -> None:
    machine = Machine()
    machine.nice = 2.0
    assert look(Contention(N_CORES, machine), 10) == 2


def test_one_core_is_always_left() -> None:
    machine = Machine()
    machine.others = 8.0
    assert look(Contention(N_CORES, machine), 20) == 1


def test_counters_that_stand_still_or_are_set_back_say_nothing() -> None:
    at = [Times(5.0, 0.0, 0.0, 100.0), Times(5.0, 0.0, 0.0, 100.0), Times(900.0, 0.0, 0.0, 3.0)]
    contention = Contention(N_CORES, iter([*at, *[Times(900.0, 0.0, 0.0, 3.0)] * 9]).__next__)
    assert look(contention, 6) == 2
    assert contention.others == 0.0


def test_this_machine_can_be_read() -> None:
    first, second = read_times(), read_times()
    assert second.wall_s >= first.wall_s > 0
    assert first.busy_s > 0
    assert is_on_battery() in (False, True)
