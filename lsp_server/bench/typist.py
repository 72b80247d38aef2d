"""What a person takes of a suggestion who knows what he wants to write, and what that comes to.

Pure. All of it where it is right, or nearly so and at least a line: what is wrong at its end is deleted;
else the lines that are right; else the first word, where that saves keys. Must not know how suggestions come
about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from lsp_server.bench.ledger import Quantiles
from model.sequences import count_common

MIN_CHARS = 2  # fewer are typed as fast as they are taken
MIN_WORD_CHARS = 3
NEARLY = 0.8
_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+)")
_STROKE = re.compile(r"\n[ \t]*|.", re.DOTALL)  # editors indent a new line by themselves


class Taken(StrEnum):
    WHOLE = "whole"
    LINES = "lines"
    WORD = "word"


TIMES = {"whole": "times whole", "lines": "by lines", "word": "by word"}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """So many characters were inserted, and so many of them stay."""

    taken: Taken
    n_inserted: int
    n_retained: int


def judge(shown: str, rest: str) -> Acceptance | None:
    """`rest` is what is still to be written."""
    n_right = count_common(shown, rest)
    if n_right < MIN_CHARS:
        return None
    if n_right == len(shown):
        return Acceptance(Taken.WHOLE, n_right, n_right)
    n_lines = shown.rfind("\n", 0, n_right + 1)
    if n_lines > 0 and n_right >= NEARLY * len(shown):
        return Acceptance(Taken.WHOLE, len(shown), n_right)
    if n_lines >= MIN_CHARS:
        return Acceptance(Taken.LINES, n_lines, n_lines)
    return _judge_word(shown, rest)


def _judge_word(shown: str, rest: str) -> Acceptance | None:
    """Its first word, if it is a whole word of both."""
    one, other = _WORD.match(shown), _WORD.match(rest)
    if one is None or other is None or one[0] != other[0] or len(one[0]) < MIN_WORD_CHARS:
        return None
    return Acceptance(Taken.WORD, len(one[0]), len(one[0]))


def next_stroke(rest: str) -> str:
    found = _STROKE.match(rest)
    return found[0] if found else ""


@dataclass(slots=True)
class Record:
    """One function as it was written."""

    n_chars: int = 0
    n_typed: int = 0  # characters by hand, indentation included
    n_strokes: int = 0
    n_inserted: int = 0
    n_retained: int = 0
    n_shown: int = 0
    n_wrong: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    answers_ms: list[float] = field(default_factory=list)
    _wrong: str = ""  # the rest of a wrong suggestion that is still shown

    def see(self, shown: str, acceptance: Acceptance | None) -> None:
        """A suggestion that goes on being shown while it is typed through is one."""
        is_same = bool(shown) and shown == self._wrong
        self.n_shown += bool(shown) and not is_same
        self.n_wrong += bool(shown) and acceptance is None and not is_same
        self._wrong = shown if acceptance is None else ""

    def type(self, stroke: str) -> None:
        self.n_strokes += 1
        self.n_typed += len(stroke)
        is_through = self._wrong.startswith(stroke)
        self._wrong = self._wrong[len(stroke) :] if is_through else ""

    def take(self, acceptance: Acceptance) -> None:
        """One key takes it; what is wrong at its end takes one each to delete."""
        self.n_strokes += 1 + acceptance.n_inserted - acceptance.n_retained
        self.n_inserted += acceptance.n_inserted
        self.n_retained += acceptance.n_retained
        self.taken[acceptance.taken.value] += 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What all functions come to. `completed_ratio` is JetBrains' measure: characters that completion
    inserted, of all that were inserted or typed."""

    model: str
    n_functions: int
    n_chars: int
    n_strokes: int
    completed_ratio: float
    n_inserted: int
    n_retained: int
    n_shown: int
    taken: dict[str, int]
    wrong_per_100_strokes: float
    answer_ms: Quantiles


def evaluate(model: str, records: Sequence[Record]) -> Evaluation:
    n_inserted, n_typed = sum(r.n_inserted for r in records), sum(r.n_typed for r in records)
    n_strokes = sum(r.n_strokes for r in records)
    taken = sum((r.taken for r in records), Counter[str]())
    return Evaluation(
        model=model,
        n_functions=len(records),
        n_chars=sum(r.n_chars for r in records),
        n_strokes=n_strokes,
        completed_ratio=round(n_inserted / max(n_inserted + n_typed, 1), 4),
        n_inserted=n_inserted,
        n_retained=sum(r.n_retained for r in records),
        n_shown=sum(r.n_shown for r in records),
        taken={kind.value: taken[kind.value] for kind in Taken},
        wrong_per_100_strokes=round(100 * sum(r.n_wrong for r in records) / max(n_strokes, 1), 2),
        answer_ms=Quantiles.of(ms for r in records for ms in r.answers_ms),
    )


def rows(found: Evaluation) -> list[tuple[str, str]]:
    """The table."""
    kinds = ", ".join(f"{n} {TIMES[kind]}" for kind, n in found.taken.items())
    times = found.answer_ms
    return [
        ("functions written", f"{found.n_functions} ({found.n_chars} characters, {found.n_strokes} keys)"),
        ("ratio of completed code", f"{found.completed_ratio:.1%}"),
        ("characters accepted", f"{found.n_inserted} ({kinds})"),
        ("  and retained", str(found.n_retained)),
        ("shown but wrong, per 100 keys", f"{found.wrong_per_100_strokes:.1f}"),
        ("from key to answer, p50 / p95", f"{times.p50 or 0:.0f} / {times.p95 or 0:.0f} ms"),
    ]
