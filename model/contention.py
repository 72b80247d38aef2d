"""How much of the machine other programs use now, and how many threads that leaves to an engine.

Runs in the engine host. Portable: processor times as psutil reads them, no files of one system. Programs that
run at low priority count for little, they give way. Must not know engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psutil

NICE_WEIGHT: Final = 0.2  # of a core that a low-priority program holds
SMOOTHING: Final = 0.4  # of each new look
LESS_AFTER: Final = 3  # looks in a row
MORE_AFTER: Final = 12
BUSY_CORES: Final = 0.6  # of others, from which a core counts as taken


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since some start: of all cores, of low-priority programs among them, and of this process."""

    busy_s: float
    nice_s: float
    own_s: float
    wall_s: float


def read_times() -> Times:
    """`wall_s` comes from the same counters, so that a suspended machine or a set clock does not show."""
    every, own = psutil.cpu_times(), psutil.Process().cpu_times()
    idle_s = every.idle + getattr(every, "iowait", 0.0)
    nice_s = getattr(every, "nice", 0.0)
    total_s = sum(getattr(every, name) for name in every._fields if not name.startswith("guest"))
    return Times(total_s - idle_s, nice_s, own.user + own.system, total_s / (psutil.cpu_count() or 1))


def is_on_battery() -> bool:
    """False where there is none, or nobody can tell."""
    if not hasattr(psutil, "sensors_battery"):
        return False
    try:
        battery = psutil.sensors_battery()
    except (OSError, RuntimeError, NotImplementedError):
        return False
    return battery is not None and not battery.power_plugged


class Contention:
    """Looks now and then. Goes down quickly and up slowly, so that a build's pauses do not make it swing."""

    def __init__(self, n_cores: int, read: Callable[[], Times] = read_times) -> None:
        self._n_cores, self._read = n_cores, read
        self._last = read()
        self.others = 0.0  # cores that other programs use, smoothed
        self.n_free = n_cores
        self._n_looks = 0  # in a row that spoke for another number
        self._wanted = n_cores

    @property
    def is_contended(self) -> bool:
        return self.n_free < self._n_cores

    @property
    def share(self) -> float:
        """Of the machine, that is ours."""
        return self.n_free / self._n_cores

    def look(self) -> int:
        """Cores that are free of others; at least one."""
        self._measure()
        n_taken = int(self.others + 1.0 - BUSY_CORES)
        wanted = max(1, self._n_cores - n_taken)
        self._n_looks = self._n_looks + 1 if wanted == self._wanted else 1
        self._wanted = wanted
        if wanted != self.n_free and self._n_looks >= (LESS_AFTER if wanted < self.n_free else MORE_AFTER):
            self.n_free = wanted
        return self.n_free

    def _measure(self) -> None:
        now, last = self._read(), self._last
        wall_s = now.wall_s - last.wall_s
        if wall_s <= 0.05:  # too short to say anything, or the counters were set back
            self._last = now if wall_s < 0 else last
            return
        nice_s = now.nice_s - last.nice_s
        others_s = (now.busy_s - last.busy_s) - (now.own_s - last.own_s) - (1 - NICE_WEIGHT) * nice_s
        others = min(float(self._n_cores), max(0.0, others_s / wall_s))
        self.others += SMOOTHING * (others - self.others)
        self._last = now
