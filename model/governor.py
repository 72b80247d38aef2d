"""Fits a running host to its machine and to the moment: measures once, in an idle moment after the start, and
gives threads back while other programs need the cores.

Runs in the engine host's main thread, once a second, and says in `pace.json` how things stand. Changes an
engine only while it computes nothing. Must not know sessions or prompts.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import psutil

from model.contention import Contention, is_on_battery
from model.engines import RunningEngine
from model.fit import FIT_PROMPT, Fit, FitFile, Tuning, choose_budget, choose_fit, choose_max_tokens, tune
from model.hardware import MAX_THREADS, SMALL_MODEL_BYTES, count_cores
from model.protocol import HostUnavailable, Pace
from model.speed import Workload, measure
from model.wire import Wire

QUIET_S: Final = 2.0  # without a request before anything is measured
BUSY_S: Final = 10.0  # the same while other programs never rest
N_GENERATED: Final = 12
BATTERY_LOOK_S: Final = 30.0

log = logging.getLogger("edgewise.host")


class Economy(StrEnum):
    """When to save energy rather than time."""

    AUTO = "auto"
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is governed."""

    engine: RunningEngine
    wire: Wire
    weights_bytes: int
    ids: range
    tuning: Tuning  # at the start
    is_fixed: bool  # the user named the threads


class Governor:
    """One for each host. `tick` is called about once a second."""

    def __init__(
        self,
        subject: Subject,
        fit_file: FitFile,
        economy: Economy = Economy.AUTO,
        contention: Contention | None = None,
        tell: Callable[[Pace], object] = lambda pace: None,
    ) -> None:
        self._subject, self._fit_file, self._economy, self._tell = subject, fit_file, economy, tell
        self._contention = contention or Contention(count_cores())
        self._fit, self._is_provisional = fit_file.read(), False
        self._now = subject.tuning
        self._idle_since = time.monotonic()
        self._battery_at, self._on_battery = -BATTERY_LOOK_S, False
        self._told = Pace()

    def tick(self) -> None:
        """Looks, measures if that is still to be done, and changes what does not suit any more."""
        self._contention.look()
        self._look_at_battery()
        if self._subject.engine.count_active():
            self._idle_since = time.monotonic()
        elif self._is_due():
            self._measure()
        self._adapt()
        self._publish()

    def _is_due(self) -> bool:
        """Measured beside a build, the figures are the build's: not remembered, measured again after it."""
        idle_s = time.monotonic() - self._idle_since
        if self._contention.is_contended:
            return not self._fit.is_known and idle_s >= BUSY_S
        return (self._is_provisional or not self._fit.is_known) and idle_s >= QUIET_S

    def _measure(self) -> None:
        try:
            fits = [self._measure_with(n_threads) for n_threads in self._candidates()]
        except HostUnavailable:
            self._idle_since = time.monotonic()  # a request came between: another time
            return
        self._fit = choose_fit(fits)
        self._is_provisional = self._contention.is_contended
        if not self._is_provisional:
            self._fit_file.write(self._fit)
        log.info("measured: %s", "; ".join(map(str, fits)))

    def _candidates(self) -> list[int]:
        """A small model gains nothing from a second thread; a large one is tried with one and with all."""
        n_threads = self._now.n_threads
        if self._subject.is_fixed or self._subject.weights_bytes <= SMALL_MODEL_BYTES:
            return [n_threads]
        return sorted({1, n_threads, min(count_cores(), MAX_THREADS)})

    def _measure_with(self, n_threads: int) -> Fit:
        self._change(Tuning(n_threads, n_threads, self._now.n_batch))
        slot = self._subject.engine.n_slots - 1
        load = Workload(self._subject.ids, FIT_PROMPT, N_GENERATED, slot, seed=time.monotonic_ns())
        speed = measure(self._subject.wire, load)
        return Fit(self._now.n_threads, speed.prompt_per_s, speed.generated_per_s)

    def _adapt(self) -> None:
        """Threads within what is free, batches that a cancelled prefill can afford."""
        if not self._fit.is_known:
            return
        n_free = 1 if self._saves_energy else self._contention.n_free
        wanted = tune(self._fit, self._subject.weights_bytes, n_free)
        if self._subject.is_fixed:
            named = self._subject.tuning
            wanted = replace(wanted, n_threads=named.n_threads, n_prompt_threads=named.n_prompt_threads)
        self._change(wanted)

    def _change(self, wanted: Tuning) -> None:
        if wanted != self._now and self._subject.engine.refit(wanted):
            log.info("goes on with %s", wanted)
            self._now = wanted

    @property
    def _saves_energy(self) -> bool:
        return self._economy is Economy.ALWAYS or (self._economy is Economy.AUTO and self._on_battery)

    def _look_at_battery(self) -> None:
        if time.monotonic() - self._battery_at >= BATTERY_LOOK_S:
            self._battery_at, self._on_battery = time.monotonic(), is_on_battery()

    def _publish(self) -> None:
        share = 0.5 if self._saves_energy else self._contention.share
        pace = Pace(
            n_threads=self._now.n_threads,
            n_batch=self._now.n_batch,
            prompt_per_s=round(self._fit.prompt_per_s, 1),
            generated_per_s=round(self._fit.generated_per_s, 1),
            others_cores=round(self._contention.others * 4) / 4,
            is_contended=self._contention.is_contended,
            saves_energy=self._saves_energy,
            resident_mb=round(psutil.Process(os.getpid()).memory_info().rss / 1e6, -1),
            budget_tokens=choose_budget(self._fit),
            max_tokens=choose_max_tokens(self._fit, share),
        )
        if pace != self._told:
            self._told = pace
            self._tell(pace)
