"""How long somebody is waited for before he is given up, by a watcher that may have slept itself.

Runs in the editor session. Pure but for the clock. A laptop is suspended, or every process is stopped: then
the time that went by says nothing about who was waited for. Must not know who that is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

TICK_S: Final = 0.2
MOST_FORGIVEN: Final = 3  # or a watcher that never gets a core would never notice anything


def read_clock() -> float:
    """Goes on while the machine is suspended, where there is such a clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Patience:
    """A limit on how long somebody is waited for, by a watcher that looks every `tick_s`. A look that comes
    more than a tick late says that the watcher did not run; likely nobody did: it counts anew."""

    def __init__(
        self, limit_s: float, tick_s: float = TICK_S, clock: Callable[[], float] = read_clock
    ) -> None:
        self._limit_s, self._tick_s, self._clock = limit_s, tick_s, clock
        self._since = self._looked_at = clock()
        self._n_forgiven = 0

    def is_over(self) -> bool:
        """Asked once in each tick."""
        now = self._clock()
        if now - self._looked_at > 2 * self._tick_s and self._n_forgiven < MOST_FORGIVEN:
            self._since = now
            self._n_forgiven += 1
        self._looked_at = now
        return now - self._since >= self._limit_s
