"""Which slot of a host a session computes in: a burst in one window does not evict another's KV cache.

A session takes a seat when it attaches and keeps it; a seat is a locked file in the host's folder, so the
kernel frees it when the session dies. With more sessions than slots the seats go round: two windows then
share a slot, and only those two can evict each other. The last slot is nobody's seat: explanations go there.

Runs in the editor session. Must not know requests or engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from filelock import FileLock, Timeout

from model.meeting import Meeting, lock_file, make_private_folder, release
from model.protocol import Purpose

ANY_SLOT: Final = -1
N_ROUNDS: Final = 64


@dataclass(frozen=True, slots=True)
class Seat:
    """A session's place in a host. Without a lock it is a place that anybody may have."""

    slot: int
    n_slots: int
    lock: FileLock | None = None

    def choose_slot(self, purpose: Purpose) -> int:
        """Where a request of this kind is computed."""
        return self.n_slots - 1 if purpose is Purpose.EXPLAIN else self.slot

    def leave(self) -> None:
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
            lock = lock_file(folder / f"{turn}-{slot}")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return Seat(slot, n_slots, lock)
    return Seat(ANY_SLOT, n_slots)
