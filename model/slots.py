"""Which slots of a host a session computes in: a burst in one window does not evict another's KV cache.

A session takes a seat when it attaches and keeps it; a seat is a locked file in the host's folder, so the
kernel frees it when the session dies. With more sessions than slots the seats go round: two windows then
share a slot, and only those two can evict each other. The last slot is nobody's seat: explanations go there.
Slots that are nobody's seat meanwhile are borrowed, each by one session, until somebody sits down there.

Runs in the editor session. Must not know requests or engines.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from model.meeting import Meeting, lock_file, make_private_folder, release
from model.protocol import Purpose

ANY_SLOT: Final = -1
N_ROUNDS: Final = 64
LOOK_S: Final = 1.0  # between two looks at who sits where


class Borrowed:
    """The slots that one session uses besides its own."""

    def __init__(self, folder: Path, candidates: Sequence[int]) -> None:
        self._folder, self._candidates = folder, candidates
        self._locks: dict[int, FileLock] = {}
        self._looked_at = -LOOK_S

    def find(self) -> tuple[int, ...]:
        """Those that are nobody's now, as of a second ago at most."""
        if time.monotonic() - self._looked_at >= LOOK_S:
            self._looked_at = time.monotonic()
            with suppress(OSError):  # the folder of a host that has ended
                self._look()
        return tuple(self._locks)

    def _look(self) -> None:
        for slot in self._candidates:
            is_free = self._is_free(slot)
            if not is_free and slot in self._locks:
                release(self._locks.pop(slot))
            elif is_free and slot not in self._locks:
                lock = lock_file(self._folder / f"lent-{slot}")
                with suppress(Timeout):
                    lock.acquire(timeout=0)
                    self._locks[slot] = lock

    def _is_free(self, slot: int) -> bool:
        seat = lock_file(_seat_path(self._folder, 0, slot))
        try:
            seat.acquire(timeout=0)
        except Timeout:
            return False
        seat.release()
        return True

    def give_back(self) -> None:
        while self._locks:
            release(self._locks.popitem()[1])


@dataclass(frozen=True, slots=True)
class Seat:
    """A session's place in a host. Without a lock it is a place that anybody may have."""

    slot: int
    n_slots: int
    lock: FileLock | None = None
    borrowed: Borrowed | None = field(default=None, compare=False)

    def find_slots(self, purpose: Purpose) -> tuple[int, ...]:
        """Where a request of this kind may be computed: its own slot, then those that are nobody's."""
        if purpose is Purpose.EXPLAIN:
            return (self.n_slots - 1,)
        return (self.slot, *(self.borrowed.find() if self.borrowed else ()))

    def leave(self) -> None:
        if self.borrowed:
            self.borrowed.give_back()
        if self.lock:
            release(self.lock)


def count_seats(n_slots: int) -> int:
    """All slots but the one for explanations, where there is more than one."""
    return max(1, n_slots - 1)


def take_seat(meeting: Meeting, n_slots: int) -> Seat:
    """The first free slot; when all are taken, one with the fewest sessions. Blocking, but not long."""
    folder = make_private_folder(meeting.folder / "seats")
    for turn in range(N_ROUNDS):
        for slot in range(count_seats(n_slots)):
            lock = lock_file(_seat_path(folder, turn, slot))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            others = [other for other in range(count_seats(n_slots)) if other != slot]
            return Seat(slot, n_slots, lock, Borrowed(folder, others))
    return Seat(ANY_SLOT, n_slots)


def _seat_path(folder: Path, turn: int, slot: int) -> Path:
    return folder / f"{turn}-{slot}"
