"""What a replay comes to: from the times of keys, questions and answers, and from what the engine evaluated.

Pure. Times are seconds of one clock. An answer counts when it comes before the next key; what comes later is
about a text that is no longer there. Must not know who answers or how.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from model.sequences import count_common

PAUSE_S = 0.2
AT_ONCE_S = 0.01
BAR_S = 0.15  # the published bar for a local model


@dataclass(slots=True)
class Struck:
    """One key and what came of it. `rest` is what the author typed from the cursor on, as far as it is
    known; `answer` None: none came in time."""

    at: float
    rest: str
    place: tuple[str, int] = ("", 0)  # the file, and the cursor's offset in the author's text
    is_jump: bool = False
    asked_at: float | None = None
    answered_at: float | None = None
    answer: str | None = None


@dataclass(slots=True)
class Ledger:
    """The keys of one contender, in order. The newest one is what questions and answers are about."""

    keys: list[Struck] = field(default_factory=list)

    def strike(self, key: Struck) -> int:
        """The number that questions and answers about this key carry."""
        self.keys.append(key)
        return len(self.keys) - 1

    def asked(self, number: int, at: float) -> None:
        if self._is_newest(number) and self.keys[number].asked_at is None:
            self.keys[number].asked_at = at

    def answered(self, number: int, text: str, at: float) -> None:
        key = self.keys[number]
        if self._is_newest(number) and key.answer is None:
            key.answer, key.answered_at = text, at

    def _is_newest(self, number: int) -> bool:
        return number == len(self.keys) - 1


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the engine stated, for one key: prompt tokens evaluated, and those that it had already."""

    n_evaluated: int = 0
    n_cached: int = 0


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of some numbers; None when there are none."""

    n: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Quantiles:
        ordered = sorted(numbers)
        if not ordered:
            return cls(0)
        return cls(len(ordered), *(_quantile(ordered, share) for share in (0.50, 0.95, 0.99)))


def _quantile(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender's line of the table. `cpu_ms_per_accepted`: of the server and the engine host, for each
    character that was shown before the author typed it; None when there was none."""

    name: str
    n_keys: int
    n_asked: int
    n_answered: int
    n_within_bar: int  # answered within 150 ms of the key
    key_ms: Quantiles  # from the key to the answer, whatever the editor waits included
    ask_ms: Quantiles  # from the request to the answer
    n_paused: int  # asked after a pause, and answered or not followed by the next key within 10 ms
    paused_at_once: float | None  # share of them that was answered within 10 ms
    evaluated: Quantiles  # tokens for each key
    n_evaluated: int
    reused_share: float | None
    n_shown: int
    n_accepted: int
    cpu_s: float
    cpu_ms_per_accepted: float | None
    session_mb: float = 0.0
    host_mb: float = 0.0

    @property
    def answered_share(self) -> float | None:
        """Of the keys that were not followed by another before the editor asked."""
        return self.n_answered / self.n_asked if self.n_asked else None

    @property
    def within_bar_share(self) -> float | None:
        """Of all keys."""
        return self.n_within_bar / self.n_keys if self.n_keys else None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a contender's processes took for the whole trace."""

    cpu_s: float
    session_mb: float = 0.0
    host_mb: float = 0.0


def count_up(name: str, keys: Sequence[Struck], evaluated: Sequence[Evaluated], cost: Cost) -> Figures:
    """`evaluated` has one entry for each key, what was evaluated until the next one."""
    answered = [key for key in keys if key.answered_at is not None and key.asked_at is not None]
    paused = [key for key, following in zip_longest(keys, keys[1:]) if _is_judged(key, following)]
    n_accepted = count_accepted(keys)
    return Figures(
        name=name,
        n_keys=len(keys),
        n_asked=sum(key.asked_at is not None for key in keys),
        n_answered=len(answered),
        n_within_bar=sum((key.answered_at or 0) - key.at <= BAR_S for key in answered),
        key_ms=Quantiles.of(1000 * ((key.answered_at or 0) - key.at) for key in answered),
        ask_ms=Quantiles.of(1000 * _wait_s(key) for key in answered),
        n_paused=len(paused),
        paused_at_once=_share([key.answered_at is not None and _wait_s(key) <= AT_ONCE_S for key in paused]),
        evaluated=Quantiles.of(one.n_evaluated for one in evaluated),
        n_evaluated=sum(one.n_evaluated for one in evaluated),
        reused_share=_reused(evaluated),
        n_shown=sum(bool(key.answer) for key in keys),
        n_accepted=n_accepted,
        cpu_s=cost.cpu_s,
        cpu_ms_per_accepted=1000 * cost.cpu_s / n_accepted if n_accepted else None,
        session_mb=cost.session_mb,
        host_mb=cost.host_mb,
    )


def _is_judged(key: Struck, following: Struck | None) -> bool:
    """Whether it was asked after a pause, and not cut short by the next key before it could be late."""
    if key.asked_at is None or key.asked_at - key.at < PAUSE_S:
        return False
    is_cut_short = following is not None and following.at - key.asked_at < AT_ONCE_S
    return key.answered_at is not None or not is_cut_short


def _wait_s(key: Struck) -> float:
    return (key.answered_at or 0.0) - (key.asked_at or 0.0)


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None


def _reused(evaluated: Sequence[Evaluated]) -> float | None:
    n_cached, n_evaluated = sum(e.n_cached for e in evaluated), sum(e.n_evaluated for e in evaluated)
    return n_cached / (n_cached + n_evaluated) if n_cached + n_evaluated else None


def count_accepted(keys: Sequence[Struck]) -> int:
    """Characters that were shown before the author typed them, each once. `place` says where the cursor
    stands in the author's text, so that a character is the same whenever it is shown."""
    seen: set[tuple[str, int]] = set()
    for key in keys:
        path, start = key.place
        n_right = count_common(key.answer or "", key.rest)
        seen |= {(path, start + index) for index in range(n_right)}
    return len(seen)
