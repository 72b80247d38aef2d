"""How much of the machine a host takes."""

from __future__ import annotations

import psutil
import pytest

from model import hardware

SMALL, LARGE = 1 << 20, 1 << 30


def test_there_is_a_core() -> None:
    assert 1 <= hardware.count_free_cores() <= hardware.count_cores()


@pytest.mark.parametrize(
    ("n_cores", "load", "expected"),
    [(1, 0.0, 1), (2, 0.0, 2), (2, 1.2, 1), (2, 9.0, 1), (4, 0.1, 3), (64, 2.0, 8)],
)
def test_threads_of_a_large_model(
    n_cores: int, load: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "count_cores", lambda: n_cores)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (load, 0.0, 0.0))
    assert hardware.choose_n_threads(0, LARGE) == expected


def test_one_thread_for_a_small_model_unless_asked() -> None:
    assert hardware.choose_n_threads(0, SMALL) == 1
    assert hardware.choose_n_threads(3, SMALL) == 3


def test_slots_fit_the_memory() -> None:
    assert hardware.choose_n_slots(4, 1 << 20) == 4
    assert hardware.choose_n_slots(4, psutil.virtual_memory().total) == 1
    assert hardware.choose_n_slots(4, 0) == 4
