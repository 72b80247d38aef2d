"""One job of the index worker: finds what changed, has it parsed batch by batch, writes it.

Runs in the index worker, which holds the lock meanwhile. Must not know pipes, processes or the session.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lsp_server.index import crawl
from lsp_server.index.crawl import FoundFile, Skipped, SkipReason
from lsp_server.index.extractor import Extracted, Task, Wanted
from lsp_server.index.ignore import IGNORE_FILES
from lsp_server.index.messages import BatchDone, Event, Job, JobDone, Planned, Step
from lsp_server.index.store import Changes, IndexedFile, Stamp, Store

BATCH_FILES = 64
BATCH_BYTES = 400_000

# More single paths than this cost more than a look at the whole folder: a branch was switched.
MAX_SINGLE_PATHS = 256

# So many batches, or what came in so many seconds, are one transaction. The names of every batch lie all over
# the indexes: written batch by batch, 10,000 files wrote 1.2 GB for an index of 130 MB, now 0.4.
_TOGETHER = 32
_TOGETHER_S = 2.0

# A file may change twice within one tick of its clock, at the same size: so near to its change, only the hash
# tells.
_RACY_NS = 2_000_000_000

_FROM_CRAWL = frozenset({SkipReason.TOO_LARGE, SkipReason.UNREADABLE, SkipReason.SECRET, SkipReason.TOO_MANY})

# (batches, what to do with each) -> what became of the files, batch by batch in whatever order.
ExtractAll: TypeAlias = Callable[[Sequence[Sequence[Wanted]], Task], Iterator[list[Extracted]]]


@dataclass(slots=True)
class _Plan:
    """What a job has to do. `read`: with the hash of what the store has of the file."""

    read: list[tuple[FoundFile, bytes]] = field(default_factory=list)
    skip: list[Skipped] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    n_unchanged: int = 0


class Update:
    """Runs one job on one open store. `tell` may raise: the session is gone, and so is the job."""

    def __init__(
        self, root: Path, store: Store, extract_all: ExtractAll, tell: Callable[[Event], None]
    ) -> None:
        self._root = root
        self._store = store
        self._extract_all = extract_all
        self._tell = tell
        self._n_parsed = 0
        self._n_batches = 0

    def run(self, job: Job) -> JobDone:
        started = time.monotonic()
        paths = job.paths
        is_full = paths is None or self._needs_crawl(paths)
        plan = self._plan_all(job) if is_full or paths is None else self._plan_paths(job, paths)
        self._store.commit(Changes(remove=plan.remove, skip=plan.skip))
        self._tell(Planned(len(plan.read)))
        found = {item.path: item for item, _ in plan.read}
        wanted = [(Wanted(item.path, known_hash), item.size_bytes) for item, known_hash in plan.read]
        task = Task(str(self._root), job.limits.max_file_bytes, 0.0)
        for batches in _together(self._extract_all(_batches(wanted), task)):
            self._n_batches += len(batches)
            self._write([item for batch in batches for item in batch], found)
        if is_full:
            self._store.mark_complete()
        self._add_details(task)
        seconds = time.monotonic() - started
        return JobDone(self._n_parsed, plan.n_unchanged, len(plan.remove), self._n_batches, seconds)

    def _add_details(self, task: Task) -> None:
        """What costs time and is not needed to find a definition: also what an earlier job left undone."""
        wanted = [(Wanted(path, b""), size) for path, size in self._store.without_details()]
        self._tell(Planned(len(wanted), Step.DETAILS))
        task = task._replace(store=str(self._store.folder))
        for batches in _together(self._extract_all(_batches(wanted), task)):
            extracted = [item for batch in batches for item in batch]
            details = [(item.path, item.details) for item in extracted if item.details is not None]
            blame = [item.skipped for item in extracted if item.skipped is not None]
            self._store.commit(Changes(details=details, blame=blame))
            self._tell(BatchDone(len(extracted)))

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
            if stamp is None or (stamp.skip_reason, stamp.skip_detail) != (item.reason, item.detail):
                plan.skip.append(item)
        elif stamp is not None and _is_unchanged(item, stamp):
            plan.n_unchanged += 1
        else:
            plan.read.append((item, _known_hash(stamp)))

    def _write(self, extracted: Sequence[Extracted], found: dict[str, FoundFile]) -> None:
        """One transaction."""
        changed = [
            _indexed(item, found[item.path]) for item in extracted if not (item.is_same or item.is_gone)
        ]
        same = [(found[item.path], item.checked_ns) for item in extracted if item.is_same]
        gone = [item.path for item in extracted if item.is_gone]
        self._store.commit(Changes(changed, same, gone))
        self._n_parsed += sum(file.packed is not None for file in changed)
        self._tell(BatchDone(len(extracted)))


def _together(found: Iterator[list[Extracted]]) -> Iterator[list[list[Extracted]]]:
    """The batches of each transaction. The first batch is written at once: something can be found soon, and
    a worker that dies now and then gets further each time."""
    waiting: list[list[Extracted]] = []
    written_at = float("-inf")
    for batch in found:
        waiting.append(batch)
        if len(waiting) >= _TOGETHER or time.monotonic() - written_at >= _TOGETHER_S:
            yield waiting
            waiting, written_at = [], time.monotonic()
    if waiting:
        yield waiting


def _indexed(item: Extracted, found: FoundFile) -> IndexedFile:
    return IndexedFile(found, item.checked_ns, item.hash, item.language, item.packed, item.skipped)


def _known_hash(stamp: Stamp | None) -> bytes:
    """A file that brought a parser down is tried again once it was touched, even with the same content."""
    return stamp.hash if stamp is not None and stamp.skip_reason != SkipReason.CRASHED else b""


def _is_unchanged(found: FoundFile, stamp: Stamp) -> bool:
    is_settled = stamp.checked_ns - stamp.mtime_ns > _RACY_NS or stamp.skip_reason == SkipReason.CRASHED
    is_same = (found.size_bytes, found.mtime_ns) == (stamp.size_bytes, stamp.mtime_ns)
    return is_same and is_settled and stamp.skip_reason not in _FROM_CRAWL


def _batches(files: Sequence[tuple[Wanted, int]]) -> list[list[Wanted]]:
    """Of (file, its size)."""
    batches: list[list[Wanted]] = []
    n_bytes = 0
    for wanted, size_bytes in files:
        if not batches or len(batches[-1]) >= BATCH_FILES or n_bytes + size_bytes > BATCH_BYTES:
            batches.append([])
            n_bytes = 0
        batches[-1].append(wanted)
        n_bytes += size_bytes
    return batches
