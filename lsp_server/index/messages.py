"""What the session and its index worker say to each other: one line of JSON each, on the worker's pipes.

Runs in both. Plain values; must not know processes or SQL.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from lsp_server.index.crawl import Limits


class Step(StrEnum):
    """What a job does, as it is shown to people. After the first step every file is searchable."""

    READING = "reading"
    DETAILS = "adding words and types"


@dataclass(frozen=True, slots=True)
class Job:
    """Bring the store up to date: with the whole folder, or with `paths` (relative to the root)."""

    limits: Limits
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Prepare:
    """Files in these languages are about to be saved: have a parsing process that is ready for them. Nothing
    is told of it."""

    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A step begins: so many files are new or changed, or lack their details."""

    n_files: int
    step: Step = Step.READING


@dataclass(frozen=True, slots=True)
class BatchDone:
    """So many more files of the step are committed."""

    n_files: int


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The store was set aside, and is made afresh: why."""

    reason: str


@dataclass(frozen=True, slots=True)
class JobDone:
    """The store is up to date. Counts of this job."""

    n_parsed: int = 0
    n_unchanged: int = 0
    n_removed: int = 0
    n_batches: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class JobFailed:
    """Nothing can be written; a sentence says why."""

    message: str


Event: TypeAlias = Planned | BatchDone | Rebuilt | JobDone | JobFailed
_EVENTS: dict[str, type[Event]] = {
    event.__name__: event for event in (Planned, BatchDone, Rebuilt, JobDone, JobFailed)
}


def write_job(job: Job | Prepare) -> bytes:
    return _line(asdict(job))


def read_job(line: bytes) -> Job | Prepare:
    values: dict[str, Any] = json.loads(line)
    if "languages" in values:
        return Prepare(tuple(values["languages"]))
    limits = values["limits"]
    paths = values["paths"]
    return Job(
        limits=Limits(limits["max_files"], limits["max_file_bytes"], tuple(limits["exclude"])),
        paths=None if paths is None else tuple(paths),
    )


def write_event(event: Event) -> bytes:
    return _line({"event": type(event).__name__, **asdict(event)})


def read_event(line: bytes) -> Event:
    values: dict[str, Any] = json.loads(line)
    if "step" in values:
        values["step"] = Step(values["step"])
    return _EVENTS[values.pop("event")](**values)


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
