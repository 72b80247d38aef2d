"""One index worker process as the session sees it: spawn, give a job, hear events, notice death.

Runs in the session, on the event loop. Must not know what a job is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import lsp_server
from lsp_server.index.messages import Event, Job, JobDone, JobFailed, Prepare, read_event, write_job
from lsp_server.index.store import LOG_NAME, make_private_folder

_LINE_BYTES = 1 << 23
_EXIT_S = 2.0


class WorkerDied(Exception):
    """The worker is gone before its job was done. What it committed stays."""


class WorkerLink:
    """At most one process at a time; `run` starts it when there is none."""

    module = "lsp_server.index.worker"

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def run(self, job: Job, on_event: Callable[[Event], None]) -> JobDone | JobFailed:
        """Raises WorkerDied; OSError when no process can be started. When cancelled, the worker is ended."""
        process = self._process or await self._spawn()
        self._process = process
        try:
            await _send(process, write_job(job))
            while True:
                event = await _next_event(process)
                if isinstance(event, JobDone | JobFailed):
                    return event
                on_event(event)
        except (EOFError, ConnectionError):
            await self.kill()
            raise WorkerDied from None
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def prepare(self, languages: tuple[str, ...]) -> None:
        """Starts the worker when there is none, and waits for nothing else. Raises OSError when none can be
        started; a worker that is gone is noticed by the next job."""
        process = self._process or await self._spawn()
        self._process = process
        with contextlib.suppress(ConnectionError):
            await _send(process, write_job(Prepare(languages)))

    async def stop(self) -> None:
        """Closes the worker's pipe, on which it goes by itself."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(_EXIT_S):
                await process.wait()
        except TimeoutError:
            await _kill(process)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await _kill(process)

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Started where this package lies: a workspace must not be able to put its own modules in front."""
        make_private_folder(self._folder)
        log = os.open(self._folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self.module, str(self._root), str(self._folder)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=Path(lsp_server.__path__[0]).parent,
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        finally:
            os.close(log)


async def _next_event(process: asyncio.subprocess.Process) -> Event:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return read_event(line)


async def _send(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    await process.stdin.drain()


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
