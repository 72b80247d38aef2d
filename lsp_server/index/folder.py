"""The index of one workspace folder: its queue of changes, its worker, its watcher, its reader.

Runs in the session, on the event loop. Keeps the store up to date whatever happens to the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lsp_server.index.crawl import Limits
from lsp_server.index.link import WorkerDied, WorkerLink
from lsp_server.index.messages import BatchDone, Event, Job, JobDone, JobFailed, Planned, Rebuilt, Step
from lsp_server.index.reader import Reader, Totals, read_totals
from lsp_server.index.store import LOG_NAME, workspace_folder
from lsp_server.index.update import MAX_SINGLE_PATHS
from lsp_server.index.watch import Watcher

# Changes come in swarms: wait a little for the rest. The next job takes what came during this one.
GATHER_S = 0.02
_MAX_GATHERS = 50
IDLE_EXIT_S = 300.0
_MAX_DEATHS = 3
# What made a job fail may go by itself: a full disk, a machine short of memory. After the last pause
# only a change is a reason to try again.
RETRY_AFTER_S = (1.0, 5.0, 30.0, 120.0)

# Of the time that a job takes, in percent: what comes before a step, and the step.
_SHARES = {Step.READING: (0, 60), Step.DETAILS: (60, 40)}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step of the indexing of a folder is."""

    root: Path
    n_done: int
    n_total: int
    is_done: bool = False
    step: Step = Step.READING

    @property
    def percentage(self) -> int:
        """Of all steps: it never goes back."""
        before, share = _SHARES[self.step]
        return before + share * self.n_done // max(self.n_total, 1)


class FolderIndex:
    """`totals`, `problems` and `last_job` are as of the last finished job, `n_jobs` counts them."""

    idle_exit_s = IDLE_EXIT_S
    retry_after_s = RETRY_AFTER_S

    def __init__(
        self, root: Path, cache: Path, limits: Limits, on_progress: Callable[[Progress], None]
    ) -> None:
        self.root = root
        self.folder = workspace_folder(cache, root)
        self.link = WorkerLink(root, self.folder)
        self.totals = Totals()
        self.last_job = JobDone()
        self.n_jobs = 0
        self._n_failed = 0  # in a row
        # Asked from the index thread only; `totals` has a reader of its own.
        self.reader = Reader(self.folder)
        self._limits = limits
        self._on_progress = on_progress
        self._failure = ""
        self._notes: dict[str, str] = {}
        self._changes: dict[str, None] = {}
        self._is_all_changed = True
        self._has_changes = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._has_news = asyncio.Event()  # of changes, or of a language that the worker is not prepared for
        self._languages: dict[str, None] = {}  # edited since there is a worker
        self._n_prepared = 0
        self._used_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._watcher: Watcher | None = None
        self._n_done = self._n_total = 0
        self._step = Step.READING
        self._n_committed = 0
        self._n_told = 0

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(sentence for sentence in (self._failure, *self._notes.values()) if sentence)

    def start(self, *, watch: bool) -> None:
        self._has_changes.set()
        self._task = asyncio.create_task(self._work(watch=watch), name="index-folder")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._watcher is not None:
            await asyncio.to_thread(self._watcher.stop)
        await self.link.stop()
        self._is_idle.set()

    def add_change(self, path: str) -> None:
        """`path` is relative to the root. More paths than a job looks at one by one are one look at
        everything."""
        self._n_told += 1
        if len(self._changes) <= MAX_SINGLE_PATHS:
            self._changes[path] = None
        self._is_idle.clear()
        self._has_changes.set()
        self._has_news.set()

    def note_edit(self, language_id: str) -> None:
        """A file in this language was opened or edited: it may be saved soon."""
        self._used_at = time.monotonic()
        self._languages[language_id] = None
        if self._n_prepared < len(self._languages):
            self._has_news.set()

    async def wait_idle(self) -> None:
        await self._is_idle.wait()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()

        def tell(path: str) -> None:
            loop.call_soon_threadsafe(self.add_change, path)

        self._watcher = Watcher(self.root, tell)
        reason = await asyncio.to_thread(self._watcher.start)
        if reason:
            self._notes["watch"] = (
                f"Changes of files in {self.root} are not seen by themselves ({reason}): raise the system's "
                "limit of watched files; until then only what the editor reports is followed."
            )

    async def _work(self, *, watch: bool) -> None:
        """Watches first and looks at everything then: what changes in between is not missed."""
        if watch:
            await self._watch()
        while True:
            await self._wait_for_work()
            await self._gather()
            await self._run(self._take_job())
            if not self._has_changes.is_set():
                self._is_idle.set()

    async def _wait_for_work(self) -> None:
        """Until something changed, or a job that failed is to be tried again. Meanwhile the worker is made
        ready for what is edited, and goes when nothing is."""
        if 0 < self._n_failed <= len(self.retry_after_s):
            if not await _is_set_within(self._has_changes, self.retry_after_s[self._n_failed - 1]):
                await self._end_worker()
            return
        self._used_at = time.monotonic()
        while not self._has_changes.is_set():
            self._has_news.clear()
            await self._prepare()
            limit_s = self._idle_s_left() if self.link.pid is not None else None
            if not await _is_set_within(self._has_news, limit_s) and self._idle_s_left() <= 0:
                await self._end_worker()

    def _idle_s_left(self) -> float:
        return self._used_at + self.idle_exit_s - time.monotonic()

    async def _prepare(self) -> None:
        """A save must not wait until processes have started and grammars are loaded."""
        languages = tuple(self._languages)[self._n_prepared :]
        self._n_prepared = len(self._languages)
        if languages:
            with contextlib.suppress(OSError):  # a job says why
                await self.link.prepare(languages)

    async def _end_worker(self) -> None:
        self._languages.clear()
        self._n_prepared = 0
        await self.link.stop()

    async def _gather(self) -> None:
        """Until no more changes come: a branch that is switched is one job, not one for each moment of it."""
        for _ in range(_MAX_GATHERS):
            n_told = self._n_told
            await asyncio.sleep(GATHER_S)
            if self._n_told == n_told:
                return

    def _take_job(self) -> Job:
        self._has_changes.clear()
        paths = (
            None if self._is_all_changed or len(self._changes) > MAX_SINGLE_PATHS else tuple(self._changes)
        )
        self._changes = {}
        self._is_all_changed = False
        return Job(self._limits, paths)

    async def _run(self, job: Job) -> None:
        self._n_done = self._n_total = 0
        outcome = await self._perform(job)
        self.totals = await asyncio.to_thread(read_totals, self.folder)
        self._failure = outcome.message if isinstance(outcome, JobFailed) else ""
        if isinstance(outcome, JobDone):
            self.last_job = outcome
        # Done, and yet the store says nothing of it: somebody removed it, or holds it.
        has_failed = isinstance(outcome, JobFailed) or not self.totals.is_complete
        self._n_failed = self._n_failed + 1 if has_failed else 0
        self._is_all_changed = self._is_all_changed or has_failed
        self.n_jobs += 1
        n_files = 0 if has_failed else self._n_total  # nothing is being read any more
        self._on_progress(Progress(self.root, n_files, n_files, is_done=True, step=self._step))

    async def _perform(self, job: Job) -> JobDone | JobFailed:
        """Again after each death of the worker, as long as it gets further: what it committed stays."""
        n_deaths = 0
        while n_deaths < _MAX_DEATHS:
            n_before = self._n_committed
            try:
                return await self.link.run(job, self._on_event)
            except WorkerDied:
                self._n_prepared = 0
                n_deaths = n_deaths + 1 if self._n_committed == n_before else 1
                log.warning("the index worker died, %d times in a row", n_deaths)
            except OSError as error:
                why = error.strerror or error
                return JobFailed(
                    f"The index worker cannot be started in {self.folder} ({why}): mend the folder; "
                    "until then no related code is found."
                )
        return JobFailed(f"The index worker stopped again and again: see {self.folder / LOG_NAME}.")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Planned):
            self._n_done, self._n_total, self._step = 0, event.n_files, event.step
        elif isinstance(event, BatchDone):
            self._n_done += event.n_files
            self._n_committed += 1
            self._on_progress(Progress(self.root, self._n_done, self._n_total, step=self._step))
        elif isinstance(event, Rebuilt):
            self._notes["rebuilt"] = (
                f"The index of {self.root} was set aside and made afresh, because {event.reason}."
            )


async def _is_set_within(event: asyncio.Event, limit_s: float | None) -> bool:
    try:
        # `wait_for` can swallow a cancellation in Python 3.11.
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
