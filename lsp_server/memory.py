"""How this process takes memory from the system.

Runs in the session, first of all. Must not know what the memory is for.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Final

M_ARENA_MAX: Final = -8  # malloc.h of glibc


def share_one_arena() -> None:
    """All threads take from one heap. glibc gives each one of its own; what one of them returns no other can
    use, so that a session grows until each has had its largest moment. Elsewhere nothing happens."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
