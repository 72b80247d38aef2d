"""The index worker: `python -m lsp_server.index.worker ROOT FOLDER`. The only writer of a workspace's store.

A process of its own, started by the session. Takes jobs from stdin, tells events on stdout; goes when stdin
ends,
even in the middle of a file, because then the session is gone. May die at any instruction: what is committed
stays whole. Must not import pygls or lsprotocol, nor anything else that is slow.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from lsp_server.index.crawl import Skipped, SkipReason, decode
from lsp_server.index.languages import language_of, refine
from lsp_server.index.messages import Event, Job, JobDone, JobFailed, Rebuilt, read_job, write_event
from lsp_server.index.parse import parse
from lsp_server.index.store import (
    DATABASE_NAME,
    LOCK_NAME,
    Store,
    StoreDamaged,
    StoreOutdated,
    StoreUnusable,
    make_private_folder,
    remove,
    set_aside,
)
from lsp_server.index.update import ParsedSource, Update

_NICENESS = 5
_LOCK_POLL_S = 0.2
_LAST_WORDS_S = 0.5


class Worker:
    """Keeps the store open between jobs, and the lock only while it works: other windows get their turn."""

    def __init__(self, root: Path, folder: Path, out: BinaryIO) -> None:
        self._root = root
        self._folder = folder
        self._out = out
        self._store: Store | None = None

    def run(self, job: Job) -> None:
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

    def tell(self, event: Event) -> None:
        self._out.write(write_event(event))
        self._out.flush()

    def _attempt(self, job: Job) -> JobDone | JobFailed:
        try:
            return self._run_or_rebuild(job)
        except (StoreDamaged, StoreUnusable) as error:
            self.close()
            return JobFailed(self._sentence(error))

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
            self._store = Store(self._folder)
            job = replace(job, paths=None) if is_new else job
        return Update(self._root, self._store, parse_source, self.tell).run(job)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def parse_source(path: str, content: bytes) -> ParsedSource | Skipped:
    """Whatever a file does to the parser: it is listed, and the others go on."""
    text = decode(content)
    language = language_of(path)
    if isinstance(text, SkipReason) or language is None:
        return Skipped(path, text if isinstance(text, SkipReason) else SkipReason.FAILED)
    try:
        language = refine(language, path, text)
        parsed = parse(text, language, path)
    except Exception as error:  # noqa: BLE001
        return Skipped(path, SkipReason.FAILED, type(error).__name__)
    return Skipped(path, SkipReason.TOO_COSTLY) if parsed.is_too_costly else ParsedSource(language.id, parsed)


def _read_jobs(source: BinaryIO, jobs: queue.SimpleQueue[Job | None]) -> None:
    """Runs in a thread. The end of the pipe is the end of the process: the session is gone. A worker with
    nothing
    to do closes its store first; one that is busy is not waited for."""
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


def main() -> None:
    out = _private_stdout()
    os.umask(0o077)
    faulthandler.enable()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    root, folder = map(Path, sys.argv[1:3])
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(sys.stdin.buffer, jobs), daemon=True).start()
    worker = Worker(root, folder, out)
    while (job := jobs.get()) is not None:
        try:
            worker.run(job)
        except BrokenPipeError:
            os._exit(0)
    worker.close()
    os._exit(0)


if __name__ == "__main__":
    main()
