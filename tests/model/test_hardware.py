"""How much of the machine a host takes."""

from __future__ import annotations

import psutil
import pytest

from model import hardware
from model.hardware import KvSize, KvType

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
    assert hardware.choose_n_slots(4, 1 << 20, 8 << 20) == 4
    assert hardware.choose_n_slots(4, 1 << 20, 3 << 20) == 3
    assert hardware.choose_n_slots(4, 1 << 30, 8 << 20) == 1
    assert hardware.choose_n_slots(4, 0, 8 << 20) == 4
    assert 0 < hardware.find_kv_room() < psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("room_bytes", "expected"),
    [
        (800, KvSize(100, 4)),
        (799, KvSize(100, 3)),
        (400, KvSize(100, 2)),
        (399, KvSize(50, 2)),
        (100, KvSize(25, 2)),
        (99, KvSize(25, 1)),
        (49, None),
        (-1, None),
    ],
)
def test_within_a_cap_slots_go_first_then_context(
    room_bytes: int, expected: KvSize | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "MIN_N_CTX", 25)
    assert hardware.shrink(KvSize(100, 4), 2, room_bytes) == expected


@pytest.mark.parametrize(
    ("wanted_bytes", "room_bytes", "head_size", "expected"),
    [
        (1000, 1000, 128, KvType.F16),
        (1001, 1000, 128, KvType.Q8_0),
        (1001, 1000, 48, KvType.F16),  # no whole blocks
        (1001, 1000, 0, KvType.F16),
    ],
)
def test_keys_and_values_take_8_bits_where_16_do_not_fit(
    wanted_bytes: int, room_bytes: int, head_size: int, expected: KvType
) -> None:
    assert hardware.choose_kv_type(wanted_bytes, room_bytes, head_size) is expected


@pytest.mark.parametrize(
    ("free_bytes", "expected"),
    [(0, 0), (200 << 20, 0), (1 << 30, 13), (2 << 30, 25), (24 << 30, 25)],
)
def test_a_graphics_card_takes_whole_layers(free_bytes: int, expected: int) -> None:
    assert hardware.choose_card_layers(24, 1_500_000_000, 100_000_000, free_bytes) == expected
