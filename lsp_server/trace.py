"""One record per request: why it was answered or not, tokens, milliseconds per stage.

Runs in the session. Must not know LSP or the model; never holds code, prompts or paths: text that a stage
hands over is kept only when it looks like a name.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from typing import Protocol

REQUEST = "textDocument/inlineCompletion"
PREFETCH = "edgewise/prefetch"  # a computation that no request attached to
PREPARE = "edgewise/prepare"  # a prompt that was evaluated while nobody typed
ALTERNATIVES = "edgewise/alternatives"  # what else was computed for a request made by hand
ACCEPTED = "edgewise.accepted"
REJECTED = "edgewise.rejected"
IGNORED = "edgewise.ignored"  # left, replaced, or typed past before it could be read

TraceValue = int | float | bool | str | None

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[\w.:-]{0,48}")
_numbers = count(1)


def safe_value(value: TraceValue) -> TraceValue:
    """Numbers and short names as they are; of any other text only its length."""
    if not isinstance(value, str) or _NAME.fullmatch(value):
        return value
    return f"<{len(value)} characters>"


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """What is known of one finished request."""

    number: int
    method: str
    total_ms: float
    stages_ms: Mapping[str, float]
    fields: Mapping[str, TraceValue]
    at: float = 0.0  # seconds since 1970, for people


class TraceDraft:
    """The record of a request while it runs. Used by one task at a time."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._started = time.perf_counter()
        self._stages_ms: dict[str, float] = {}
        self._fields: dict[str, TraceValue] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of the block to the stage `name`, also when it raises."""
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed_ms = (time.perf_counter() - started) * 1000
            self._stages_ms[name] = round(self._stages_ms.get(name, 0.0) + elapsed_ms, 3)

    def set(self, **fields: TraceValue) -> None:
        """Notes facts: the trigger, the reason, counts of tokens."""
        self._fields.update({name: safe_value(value) for name, value in fields.items()})

    @property
    def age_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000

    def adopt(self, other: TraceDraft) -> None:
        """Takes over what is known of the work that this request waited for."""
        self._fields = {**other._fields, **self._fields}
        self._stages_ms = {**other._stages_ms, **self._stages_ms}

    def freeze(self) -> TraceRecord:
        total_ms = round((time.perf_counter() - self._started) * 1000, 3)
        stages_ms, fields = dict(self._stages_ms), dict(self._fields)
        return TraceRecord(next(_numbers), self._method, total_ms, stages_ms, fields, round(time.time(), 3))


class Sink(Protocol):
    """Where records are kept for other processes."""

    def write(self, record: TraceRecord) -> None: ...

    def close(self) -> None: ...


class TraceLog:
    """The last requests, oldest first; each record also goes to the log as a JSON line at debug level, and to
    the sink."""

    def __init__(self, sink: Sink | None = None, n_kept: int = 200) -> None:
        self._records: deque[TraceRecord] = deque(maxlen=n_kept)
        self._sink = sink
        self._n_noted: Counter[str] = Counter()

    def add(self, draft: TraceDraft) -> TraceRecord:
        """A request was answered."""
        record = self._write(draft)
        self._records.append(record)
        return record

    def note(self, draft: TraceDraft) -> TraceRecord:
        """Something happened that nobody asked for."""
        record = self._write(draft)
        self._n_noted[record.method] += 1
        return record

    def n_noted(self, method: str) -> int:
        """How often so far."""
        return self._n_noted[method]

    def _write(self, draft: TraceDraft) -> TraceRecord:
        record = draft.freeze()
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", json.dumps(asdict(record)))
        if self._sink is not None:
            self._sink.write(record)
        return record

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()

    def last(self, n_records: int) -> tuple[TraceRecord, ...]:
        return tuple(self._records)[-n_records:] if n_records > 0 else ()
