"""What this machine has: cores, memory, and how much of them an engine host should take.

Runs in the engine host. Must not know engines or sessions.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import psutil

SMALL_MODEL_BYTES: Final = 128 << 20
MAX_THREADS: Final = 8
WORK_BYTES: Final = 128 << 20  # the engine's buffers and the process itself
MIN_N_CTX: Final = 512
KV_SHARE: Final = 0.2  # of the available memory, for the KV cache of all slots
Q8_SHARE: Final = 34 / 64  # of the bytes that 16-bit keys and values take: 32 of 8 bits and their scale
Q8_BLOCK: Final = 32
CARD_SHARE: Final = 0.9  # of a graphics card's free memory: the screen wants some, too


def count_cores() -> int:
    """Physical cores that this process may run on; a container or `taskset` may leave fewer than the
    machine has.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed, _count_quota() or allowed))


def _count_quota() -> int:
    """Whole cores of the control group's CPU quota, 0 when there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return 0 if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 0


def count_free_cores() -> int:
    """Cores that nothing else kept busy during the last minute; at least one."""
    return max(1, count_cores() - round(float(psutil.getloadavg()[0])))


def choose_n_threads(asked: int, weights_bytes: int) -> int:
    """As asked; otherwise what the machine has free, one core left to the editor where there are more than
    two.

    Threads of one token wait for each other many times: one that a compiler displaces stops all. A small
    model gains little from a second thread and then loses most of its speed.
    """
    if asked > 0:
        return asked
    if weights_bytes <= SMALL_MODEL_BYTES:
        return 1
    n_cores = count_cores()
    return min(count_free_cores(), MAX_THREADS, n_cores if n_cores <= 2 else n_cores - 1)


class KvType(StrEnum):
    """How keys and values are kept."""

    F16 = "f16"
    Q8_0 = "q8_0"


def find_kv_room() -> int:
    """Bytes that the KV cache of all slots may take where the user names no limit."""
    return int(psutil.virtual_memory().available * KV_SHARE)


def choose_n_slots(asked: int, kv_bytes_per_slot: int, room_bytes: int) -> int:
    """As many slots as asked, fewer when their KV caches would take too much of the free memory."""
    return max(1, min(asked, room_bytes // max(1, kv_bytes_per_slot)))


def choose_kv_type(wanted_bytes: int, room_bytes: int, head_size: int) -> KvType:
    """16 bits as long as all that is asked for fits: 8 bits save memory, but no time."""
    can_be_less = head_size > 0 and head_size % Q8_BLOCK == 0
    return KvType.Q8_0 if wanted_bytes > room_bytes and can_be_less else KvType.F16


def choose_card_layers(n_layers: int, weights_bytes: int, kv_bytes: int, free_bytes: int) -> int:
    """Layers that a graphics card with so much free memory takes, each with its share of the weights and of
    the KV cache; the matrix that gives the logits counts as one. 0: no card, or none of use."""
    n_parts = n_layers + 1
    room_bytes = int(free_bytes * CARD_SHARE) - WORK_BYTES
    return max(0, min(n_parts, room_bytes * n_parts // max(1, weights_bytes + kv_bytes)))


@dataclass(frozen=True, slots=True)
class KvSize:
    """How many slots, and how many tokens each holds."""

    n_ctx: int
    n_slots: int

    @property
    def n_tokens(self) -> int:
        return self.n_ctx * self.n_slots


def shrink(asked: KvSize, kv_bytes_per_token: int, room_bytes: int) -> KvSize | None:
    """Fewer slots first, down to two, then half the context, then one slot; None when nothing fits."""
    size = asked
    while size.n_tokens * kv_bytes_per_token > room_bytes:
        if size.n_slots > 2:
            size = KvSize(size.n_ctx, size.n_slots - 1)
        elif size.n_ctx // 2 >= MIN_N_CTX:
            size = KvSize(size.n_ctx // 2, size.n_slots)
        elif size.n_slots > 1:
            size = KvSize(size.n_ctx, 1)
        else:
            return None
    return size
