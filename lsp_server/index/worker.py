"""The index worker: `python -m lsp_server.index.worker ROOT FOLDER`. The only writer of a workspace's store.

A process of its own, started by the session; it has files parsed by processes of its `pool`. Takes jobs from
stdin, tells events on stdout; goes when stdin ends, even in the middle of a job, because then the session is
gone. May die at any instruction: what is committed stays whole. Must not import pygls or lsprotocol, nor
anything else that is slow.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from lsp_server.index.messages import Event, Job, JobDone, JobFailed, Prepare, Rebuilt, read_job, write_event
from lsp_server.index.pool import Pool, PoolBroken, n_processes
from lsp_server.index.store import (
    DATABASE_NAME,
    LOCK_NAME,
    LOG_NAME,
    Store,
    StoreDamaged,
    StoreOutdated,
    StoreUnusable,
    make_private_folder,
    remove,
    set_aside,
)
from lsp_server.index.update import Update

_NICENESS = 5
_LOCK_POLL_S = 0.2
_LAST_WORDS_S = 0.5


class Worker:
    """Keeps the store open between jobs, and the lock only while it works: other windows get their turn."""

    def __init__(self, root: Path, folder: Path, pool: Pool, out: BinaryIO) -> None:
        self._root = root
        self._pool = pool
        self._folder = folder
        self._out = out
        self._store: Store | None = None

    def run(self, job: Job | Prepare) -> None:
        if isinstance(job, Prepare):
            self._pool.prepare(job.languages)
            return
        try:
            make_private_folder(self._folder)
            lock = FileLock(self._folder / LOCK_NAME, mode=0o600, poll_interval=_LOCK_POLL_S)
            lock.acquire()
        except (OSError, NotImplementedError) as error:
            self.tell(JobFailed(self._sentence(error)))
            return
        try:
            self.tell(self._attempt(job))
        finally:
            lock.release()
            self._pool.rest()

    def tell(self, event: Event) -> None:
        self._out.write(write_event(event))
        self._out.flush()

    def _attempt(self, job: Job) -> JobDone | JobFailed:
        try:
            return self._run_or_rebuild(job)
        except (StoreDamaged, StoreUnusable, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            self.close()
            return JobFailed(self._sentence(error))
        except PoolBroken as error:
            return JobFailed(f"Files cannot be parsed ({error}): see {self._folder / LOG_NAME}.")

    def _sentence(self, error: Exception) -> str:
        return (
            f"The index in {self._folder} cannot be written ({error}): free some space or mend the folder's "
            "permissions; until then no related code is found."
        )

    def _run_or_rebuild(self, job: Job) -> JobDone:
        """A damaged store costs one rebuild, from the whole folder."""
        try:
            return self._update(job)
        except StoreDamaged as error:
            self.close()
            (remove if isinstance(error, StoreOutdated) else set_aside)(self._folder)
            self.tell(Rebuilt(str(error)))
            return self._update(replace(job, paths=None))

    def _update(self, job: Job) -> JobDone:
        if self._store is not None and not self._store.is_current():
            self.close()
        if self._store is None:
            is_new = not (self._folder / DATABASE_NAME).exists()
            self._pool.warm_up(n_processes() if is_new else 1)
            self._store = Store(self._folder)
            job = replace(job, paths=None) if is_new else job
        return Update(self._root, self._store, self._pool.run, self.tell).run(job)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _read_jobs(source: BinaryIO, jobs: queue.SimpleQueue[Job | Prepare | None]) -> None:
    """Runs in a thread. The end of the pipe is the end of the process: the session is gone. A worker with
    nothing to do closes its store first; one that is busy is not waited for: its pool ends with its pipes."""
    for line in source:
        jobs.put(read_job(line))
    jobs.put(None)
    time.sleep(_LAST_WORDS_S)
    os._exit(0)


def _private_stdout() -> BinaryIO:
    """Native code may print: what it writes to file 1 goes to the log, the pipe gets another number."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(pipe, "wb")


def main(make_pool: Callable[[], Pool] = Pool) -> None:
    out = _private_stdout()
    os.umask(0o077)
    faulthandler.enable()
    gc.freeze()
    gc.disable()  # rows do not point in circles: what does is looked for after each job
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    root, folder = map(Path, sys.argv[1:3])
    jobs: queue.SimpleQueue[Job | Prepare | None] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(sys.stdin.buffer, jobs), daemon=True).start()
    pool = make_pool()
    pool.warm_up(1)
    worker = Worker(root, folder, pool, out)
    while (job := jobs.get()) is not None:
        try:
            worker.run(job)
            gc.collect()
        except BrokenPipeError:
            os._exit(0)
    worker.close()
    pool.close()
    os._exit(0)


if __name__ == "__main__":
    main()
