"""One job of the index worker: finds what changed, parses it batch by batch, writes it.

Runs in the index worker, which holds the lock meanwhile. Must not know pipes or the session.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lsp_server.index import crawl
from lsp_server.index.crawl import FoundFile, Skipped, SkipReason
from lsp_server.index.ignore import IGNORE_FILES
from lsp_server.index.messages import BatchDone, BatchStarted, Event, Job, JobDone, Planned
from lsp_server.index.parse import ParsedFile
from lsp_server.index.store import IndexedFile, Stamp, Store

BATCH_FILES = 64
BATCH_BYTES = 1_000_000

# More single paths than this cost more than a look at the whole folder: a branch was switched.
MAX_SINGLE_PATHS = 256

# A file may change twice within one tick of its clock, at the same size: so near to its change, only the hash
# tells.
_RACY_NS = 2_000_000_000

_FROM_CRAWL = frozenset({SkipReason.TOO_LARGE, SkipReason.UNREADABLE, SkipReason.SECRET, SkipReason.TOO_MANY})


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """What a file turned out to be, and what is in it."""

    language_id: str
    parsed: ParsedFile


# (path, content) -> what is in it, or why it is skipped. Must not raise.
ParseSource: TypeAlias = Callable[[str, bytes], ParsedSource | Skipped]


@dataclass(slots=True)
class _Plan:
    """What a job has to do."""

    read: list[FoundFile] = field(default_factory=list)
    skip: list[Skipped] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    n_unchanged: int = 0


class Update:
    """Runs one job on one open store. `tell` may raise: the session is gone, and so is the job."""

    def __init__(
        self, root: Path, store: Store, parse_source: ParseSource, tell: Callable[[Event], None]
    ) -> None:
        self._root = root
        self._store = store
        self._parse_source = parse_source
        self._tell = tell
        self._n_parsed = 0
        self._n_batches = 0

    def run(self, job: Job) -> JobDone:
        started = time.monotonic()
        paths = job.paths
        is_full = paths is None or self._needs_crawl(paths)
        plan = self._plan_all(job) if is_full or paths is None else self._plan_paths(job, paths)
        self._blame(job.guilty, plan)
        self._store.remove(plan.remove)
        self._store.skip(plan.skip)
        self._tell(Planned(len(plan.read)))
        for batch in _batches(plan.read, 1 if job.one_by_one else BATCH_FILES):
            self._run_batch(batch, job)
        if is_full:
            self._store.mark_complete()
        seconds = time.monotonic() - started
        return JobDone(self._n_parsed, plan.n_unchanged, len(plan.remove), self._n_batches, seconds)

    def _needs_crawl(self, paths: Sequence[str]) -> bool:
        """Many paths, a folder, or new rules about which files count."""
        return len(paths) > MAX_SINGLE_PATHS or any(
            path.rpartition("/")[2] in IGNORE_FILES or (self._root / path).is_dir() for path in paths
        )

    def _plan_all(self, job: Job) -> _Plan:
        plan = _Plan()
        known = self._store.stamps()
        for item in crawl.crawl(self._root, job.limits):
            self._plan_one(plan, item, known.pop(item.path, None))
        plan.remove += known
        return plan

    def _plan_paths(self, job: Job, paths: Sequence[str]) -> _Plan:
        plan = _Plan()
        for path in dict.fromkeys(paths):
            item = crawl.find(self._root, path, job.limits)
            stamp = self._store.stamp(path)
            if item is not None:
                self._plan_one(plan, item, stamp)
                continue
            plan.remove += [path] if stamp else []
            plan.remove += self._store.paths_below(f"{path}/")
        return plan

    def _plan_one(self, plan: _Plan, item: FoundFile | Skipped, stamp: Stamp | None) -> None:
        if isinstance(item, Skipped):
            if stamp is None or stamp.skip_reason != item.reason:
                plan.skip.append(item)
        elif stamp is not None and _is_unchanged(item, stamp):
            plan.n_unchanged += 1
        else:
            plan.read.append(item)

    def _blame(self, guilty: Sequence[str], plan: _Plan) -> None:
        """Lists the files that brought a worker down, with their stamps: they are tried again once they
        change."""
        blamed = set(guilty)
        rows = [
            IndexedFile(found, "", time.time_ns(), b"", ParsedFile(), Skipped(found.path, SkipReason.CRASHED))
            for found in plan.read
            if found.path in blamed
        ]
        self._store.write(rows)
        plan.read = [found for found in plan.read if found.path not in blamed]

    def _run_batch(self, batch: list[FoundFile], job: Job) -> None:
        self._tell(BatchStarted(tuple(found.path for found in batch)))
        changed: list[IndexedFile] = []
        same: list[tuple[FoundFile, int]] = []
        gone: list[str] = []
        for found in batch:
            checked_ns = time.time_ns()
            content = crawl.read_source(self._root / found.path, job.limits.max_file_bytes)
            if content is None:
                gone.append(found.path)
            elif isinstance(content, bytes) and self._has_same_content(found, content):
                same.append((found, checked_ns))
            else:
                changed.append(self._index(found, content, checked_ns))
        self._store.remove(gone)
        self._store.touch(same)
        self._store.write(changed)
        self._n_batches += 1
        self._tell(BatchDone(len(batch)))

    def _has_same_content(self, found: FoundFile, content: bytes) -> bool:
        stamp = self._store.stamp(found.path)
        return stamp is not None and stamp.skip_reason != SkipReason.CRASHED and stamp.hash == _hash(content)

    def _index(self, found: FoundFile, content: bytes | Skipped, checked_ns: int) -> IndexedFile:
        if isinstance(content, Skipped):
            skipped = Skipped(found.path, content.reason, content.detail)
            return IndexedFile(found, "", checked_ns, b"", ParsedFile(), skipped)
        result = self._parse_source(found.path, content)
        if isinstance(result, Skipped):
            return IndexedFile(found, "", checked_ns, _hash(content), ParsedFile(), result)
        self._n_parsed += 1
        return IndexedFile(found, result.language_id, checked_ns, _hash(content), result.parsed)


def _is_unchanged(found: FoundFile, stamp: Stamp) -> bool:
    is_settled = stamp.checked_ns - stamp.mtime_ns > _RACY_NS or stamp.skip_reason == SkipReason.CRASHED
    is_same = (found.size_bytes, found.mtime_ns) == (stamp.size_bytes, stamp.mtime_ns)
    return is_same and is_settled and stamp.skip_reason not in _FROM_CRAWL


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _batches(files: Sequence[FoundFile], max_files: int) -> Iterator[list[FoundFile]]:
    batch: list[FoundFile] = []
    n_bytes = 0
    for found in files:
        if batch and (len(batch) >= max_files or n_bytes + found.size_bytes > BATCH_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(found)
        n_bytes += found.size_bytes
    if batch:
        yield batch
