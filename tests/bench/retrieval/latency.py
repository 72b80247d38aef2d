"""How long a question takes in a large workspace, with the document of the question open, as a table.

One question for each case, each in another document, so that nothing of the last question serves the next one
but what the workspace has in common. The time of this thread on a core stands beside that of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.index.retrieval import CHARS_PER_TOKEN, Retriever
from lsp_server.index.view import OpenDocument
from lsp_server.types import Retrieval
from tests.bench.retrieval.cases import Case

BUDGET = 2048
DEADLINE_S = 0.03
LONG_S = 10.0
SHARES = (("p50", 0.5), ("p95", 0.95), ("most", 1.0))


@dataclass(frozen=True, slots=True)
class Clock:
    """On a busy machine the time of this thread on a core says more than the time of the day."""

    wall_ms: float
    cpu_ms: float

    @classmethod
    def now(cls) -> Clock:
        return cls(1000 * time.perf_counter(), 1000 * time.thread_time())

    def __sub__(self, other: Clock) -> Clock:
        return Clock(self.wall_ms - other.wall_ms, self.cpu_ms - other.cpu_ms)


@dataclass(frozen=True, slots=True)
class Question:
    """`first` was the first one in its document, asked as the session asks, but with time for all of it;
    `again` is asked a character later, with the session's deadline."""

    first: Clock
    again: Clock
    answer: Retrieval


def ask(retriever: Retriever, case: Case) -> Question:
    """The document has been opened, which reads what it needs; then somebody types."""
    document = OpenDocument(case.file, case.text, case.language)
    chars = int(BUDGET * CHARS_PER_TOKEN)
    retriever.warm_up({}, document)
    started = Clock.now()
    retriever.retrieve({}, document, case.offset, chars, time.monotonic() + LONG_S)
    first = Clock.now() - started
    text = f"{case.text[: case.offset]}x{case.text[case.offset :]}"
    started = Clock.now()
    typed = OpenDocument(case.file, text, case.language)
    answer = retriever.retrieve({}, typed, case.offset + 1, chars, time.monotonic() + DEADLINE_S)
    return Question(first, Clock.now() - started, answer)


def print_latency(questions: Sequence[Question]) -> None:
    print(f"{'':34}" + "".join(f"{name:>8}" for name, _ in SHARES))
    rows = (
        ("first question, ms", [item.first.wall_ms for item in questions]),
        ("first question, ms on a core", [item.first.cpu_ms for item in questions]),
        ("a character later, ms", [item.again.wall_ms for item in questions]),
        ("a character later, ms on a core", [item.again.cpu_ms for item in questions]),
    )
    for name, times in rows:
        in_order = sorted(times)
        cells = (in_order[min(len(in_order) - 1, int(share * len(in_order)))] for _, share in SHARES)
        print(f"{name:34}" + "".join(f"{cell:8.1f}" for cell in cells))
    n_late = sum(item.answer.is_late for item in questions)
    print(f"{len(questions)} questions; {n_late} of the later ones past their deadline of {DEADLINE_S:.2f} s")
