"""Judges an adapter on lines of files that it was not trained on, through the engine that completes.

Runs in the process of `edgewise model tune`. Must not know how the adapter came about, or where it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model.lab.cases import Case
from model.lab.engine import Engine

N_PREDICT = 48
Advance = Callable[[int], None]


class Watcher(Protocol):
    """Whoever watches a run."""

    def say(self, sentence: str) -> None: ...

    def track(self, label: str, total: int) -> AbstractContextManager[Advance]: ...


@dataclass(frozen=True)
class Figures:
    """Exact matches of one engine on the held-out lines, case by case."""

    hits: tuple[bool, ...]

    @property
    def exact_match(self) -> float:
        return 100 * sum(self.hits) / max(1, len(self.hits))


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `adapter` is the trained file, in the task's scratch folder."""

    before: Figures
    after: Figures
    n_train_files: int
    n_held_out_files: int
    n_steps: int
    n_tokens: int
    seconds: float
    losses: tuple[float, float]  # of held-out text, nats a token, before and after
    adapter: Path

    @property
    def n_won(self) -> int:
        return sum(new and not old for old, new in zip(self.before.hits, self.after.hits, strict=True))

    @property
    def n_lost(self) -> int:
        return sum(old and not new for old, new in zip(self.before.hits, self.after.hits, strict=True))

    @property
    def does_help(self) -> bool:
        """More lines right, by more than one line's luck, and the held-out text no more surprising."""
        return self.n_won - self.n_lost >= 2 and self.losses[1] <= self.losses[0]


@dataclass(frozen=True)
class Judge:
    """The lines, and the prompts that ask for them."""

    model: Path
    n_threads: int
    cases: Sequence[Case]
    prompts: Sequence[list[int]]

    def compare(self, adapter: Path, watcher: Watcher) -> tuple[Figures, Figures]:
        """The same lines, without and with the adapter."""
        return self._count_hits("", "judging without", watcher), self._count_hits(
            str(adapter), "judging with", watcher
        )

    def _count_hits(self, adapter: str, label: str, watcher: Watcher) -> Figures:
        engine = Engine(self.model, self.n_threads, adapter=adapter)
        hits = []
        with watcher.track(label, len(self.cases)) as advance:
            for case, ids in zip(self.cases, self.prompts, strict=True):
                got = engine.complete(ids, N_PREDICT, ("\n",)).text
                hits.append(got.rstrip() == case.expected.rstrip())
                advance(1)
        return Figures(tuple(hits))
