"""How this process takes memory from the system, and how often it looks for garbage.

Runs in the session, first of all. Must not know what the memory is for.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

M_ARENA_MAX: Final = -8  # malloc.h of glibc

# So many new objects before the new ones are looked through, and how often that happens before older ones
# are. With Python's own 700, 10 and 10 one question in thirty was stopped for 150 ms, because all that is
# known of a large workspace was looked through, and many for 2 to 6 ms.
SELDOM: Final = (5_000, 50, 100)


def collect_seldom() -> None:
    """Most objects go without being looked for."""
    gc.set_threshold(*SELDOM)


def share_one_arena() -> None:
    """All threads take from one heap. glibc gives each one of its own; what one of them returns no other can
    use, so that a session grows until each has had its largest moment. Elsewhere nothing happens."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
