"""Seats: who gets which slot, and when it is free again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from model import slots
from model.meeting import Meeting, make_private_folder
from model.protocol import Purpose
from model.slots import Seat, take_seat


def _meeting(root: Path) -> Meeting:
    return Meeting(make_private_folder(root))


def test_each_session_has_a_slot_and_explanations_the_last(runtime_root: Path) -> None:
    meeting = _meeting(runtime_root)
    seats = [take_seat(meeting, 4) for _ in range(3)]
    assert [seat.find_slots(Purpose.COMPLETION) for seat in seats] == [(0,), (1,), (2,)]
    assert {seat.find_slots(Purpose.EXPLAIN) for seat in seats} == {(3,)}


def test_a_slot_that_is_left_is_taken_again(runtime_root: Path) -> None:
    meeting = _meeting(runtime_root)
    first, second = take_seat(meeting, 3), take_seat(meeting, 3)
    first.leave()
    assert take_seat(meeting, 3).slot == first.slot
    assert second.slot == 1


def test_twenty_sessions_are_spread_evenly(runtime_root: Path) -> None:
    meeting = _meeting(runtime_root)
    slots = [take_seat(meeting, 4) for _ in range(20)]
    assert sorted([seat.slot for seat in slots].count(slot) for slot in range(3)) == [6, 7, 7]


def test_one_slot_is_for_everything(runtime_root: Path) -> None:
    seat = take_seat(_meeting(runtime_root), 1)
    assert (seat.find_slots(Purpose.COMPLETION), seat.find_slots(Purpose.EXPLAIN)) == ((0,), (0,))


def test_a_killed_session_loses_its_seat(runtime_root: Path) -> None:
    meeting = _meeting(runtime_root)
    script = (
        "import sys; from pathlib import Path; from model.meeting import Meeting;"
        "from model.slots import take_seat;"
        "seat = take_seat(Meeting(Path(sys.argv[1])), 4); print(seat.slot, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(runtime_root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        assert session.stdout
        assert session.stdout.readline() == b"0\n"
        assert take_seat(meeting, 4).slot == 1
        session.kill()
    assert take_seat(meeting, 4).slot == 0


def test_slots_that_are_nobodys_are_borrowed_until_somebody_comes(
    runtime_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "LOOK_S", 0.0)
    meeting = _meeting(runtime_root)
    first = take_seat(meeting, 4)
    assert first.find_slots(Purpose.COMPLETION) == (0, 1, 2)
    second = take_seat(meeting, 4)
    assert second.find_slots(Purpose.COMPLETION) == (1,), "what is lent is lent to one"
    assert first.find_slots(Purpose.COMPLETION) == (0, 2)
    second.leave()
    assert set(first.find_slots(Purpose.COMPLETION)) == {0, 1, 2}
    third = take_seat(meeting, 4)
    first.leave()
    assert set(third.find_slots(Purpose.COMPLETION)) == {0, 1, 2}


def test_a_seat_without_a_lock_is_left_without_a_word() -> None:
    Seat(-1, 4).leave()
