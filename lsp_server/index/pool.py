"""The index worker's parsing processes: gives them batches, takes what they found, outlives their deaths.

Runs in the index worker. A batch that brings a process down is done again file by file; a file that does so
twice is listed as guilty. Must not know what is in a batch's answer, nor SQL.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import psutil

from lsp_server.index import extractor
from lsp_server.index.crawl import Skipped, SkipReason
from lsp_server.index.extractor import READY, Extracted, Task, Wanted, read_answer, write_task

# A batch is at most 64 files and some hundred kilobytes, or one file: seconds of CPU only when a parse never
# ends. CPU, because on a busy machine everything takes long.
LIMIT_S = 10.0
_MAX_PROCESSES = 16
_MAX_STILLBORN = 3
# How often whoever has not answered is looked at.
_LOOK_S = 1.0
# So much longer than the limit a process may wait for its turn, then it ends by itself: also an orphan.
_PATIENCE = 30


class PoolBroken(Exception):
    """Parsing processes end before they begin."""


@dataclass(frozen=True, slots=True)
class _Batch:
    files: tuple[Wanted, ...]
    n_deaths: int = 0


@dataclass(slots=True)
class _Member:
    process: SpawnProcess
    connection: Connection
    is_ready: bool = False
    batch: _Batch | None = None
    cpu_before_s: float = 0.0
    is_over_limit: bool = False


class Pool:
    """At most as many processes as there are cores; one is kept between jobs, so that a save is quick."""

    def __init__(
        self,
        serve: Callable[[Connection], None] = extractor.serve,
        limit_s: float = LIMIT_S,
        n_at_once: int = 0,
    ) -> None:
        self._serve = serve
        self._limit_s = limit_s
        self._n_at_once = n_at_once or n_processes()
        self._spawn = multiprocessing.get_context("spawn")
        self._members: list[_Member] = []
        self._n_stillborn = 0
        self._looked_at = 0.0

    def run(self, batches: Sequence[Sequence[Wanted]], task: Task) -> Iterator[list[Extracted]]:
        """What was found, batch by batch as they get done. `task` is for all of them."""
        todo = deque(_Batch(tuple(batch)) for batch in batches)
        self._n_stillborn = 0
        try:
            while todo or self._busy():
                self._hand_out(todo, task)
                yield from self._collect(todo, task)
        finally:
            for member in self._busy():
                self._bury(member)

    def warm_up(self, n: int) -> None:
        """So many processes begin to begin: a job finds them ready."""
        while len(self._members) < min(n, self._n_at_once):
            self._start()

    def prepare(self, languages: tuple[str, ...]) -> None:
        """The process that is kept loads what it needs for these languages, by itself: it does not answer."""
        self.warm_up(1)
        task = Task("", 0, self._limit_s * _PATIENCE, languages=languages)
        try:
            self._members[0].connection.send_bytes(write_task(task))
        except OSError:
            self._bury(self._members[0])
            self.warm_up(1)

    def rest(self) -> None:
        """After a job. The one that lived longest is kept: it has the grammars loaded."""
        for member in self._members[1:]:
            self._bury(member)

    def close(self) -> None:
        for member in list(self._members):
            self._bury(member)

    def _busy(self) -> list[_Member]:
        return [member for member in self._members if member.batch is not None]

    def _hand_out(self, todo: deque[_Batch], task: Task) -> None:
        while todo and len(self._busy()) < self._n_at_once:
            idle = next((member for member in self._members if member.batch is None), None)
            self._give(idle or self._start(), todo, task)

    def _give(self, member: _Member, todo: deque[_Batch], task: Task) -> None:
        """A process that is gone leaves the batch where it was."""
        task = task._replace(limit_s=self._limit_s * _PATIENCE, files=todo[0].files)
        try:
            member.connection.send_bytes(write_task(task))
        except OSError:
            self._note_stillborn(member)
            self._bury(member)
            return
        member.batch = todo.popleft()
        member.cpu_before_s = -1.0

    def _collect(self, todo: deque[_Batch], task: Task) -> Iterator[list[Extracted]]:
        """Whoever has answered gets its next batch before the answer is written: none stands idle then."""
        ready = wait([member.connection for member in self._busy()], timeout=_LOOK_S)
        self._look_for_endless()
        for member in [member for member in self._busy() if member.connection in ready]:
            batch = member.batch
            answer = self._receive(member)
            if batch is None or answer == READY:
                continue
            if answer is None:
                yield from self._mourn(member, batch, todo)
                continue
            member.batch = None
            if todo:
                self._give(member, todo, task)
            yield read_answer(answer)

    def _look_for_endless(self) -> None:
        """Now and then. Who is killed here is mourned when its pipe is found to be closed."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        for member in self._busy():
            member.is_over_limit = self._has_used_too_much(member)
            if member.is_over_limit:
                member.process.kill()

    def _has_used_too_much(self, member: _Member) -> bool:
        """Counted from the first look at a batch, which is a little after its start."""
        try:
            times = psutil.Process(member.process.pid).cpu_times()
        except psutil.Error:
            return False
        used_s = float(times.user + times.system)
        if member.cpu_before_s < 0:
            member.cpu_before_s = used_s
        return used_s - member.cpu_before_s > self._limit_s

    def _receive(self, member: _Member) -> bytes | None:
        """None: it is dead."""
        try:
            answer = member.connection.recv_bytes()
        except (EOFError, OSError):
            return None
        member.is_ready = member.is_ready or answer == READY
        return answer

    def _mourn(self, member: _Member, batch: _Batch, todo: deque[_Batch]) -> Iterator[list[Extracted]]:
        """The batch is done again: file by file, because one of them may be to blame. Twice is proof."""
        exit_code = self._bury(member)
        if not member.is_ready:
            self._note_stillborn(member)
            todo.appendleft(batch)
        elif len(batch.files) == 1 and batch.n_deaths:
            detail = f"over {self._limit_s:g} s" if member.is_over_limit else _cause_of_death(exit_code)
            skipped = Skipped(batch.files[0].path, SkipReason.CRASHED, detail)
            yield [Extracted(skipped.path, time.time_ns(), skipped=skipped)]
        else:
            todo.extendleft(_Batch((file,), batch.n_deaths + 1) for file in reversed(batch.files))

    def _note_stillborn(self, member: _Member) -> None:
        self._n_stillborn += not member.is_ready
        if self._n_stillborn >= _MAX_STILLBORN:
            raise PoolBroken("processes that parse files end before they begin")

    def _start(self) -> _Member:
        ours, theirs = self._spawn.Pipe()
        process = self._spawn.Process(target=self._serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        member = _Member(process, ours)
        self._members.append(member)
        return member

    def _bury(self, member: _Member) -> int | None:
        self._members.remove(member)
        member.batch = None
        member.connection.close()
        with contextlib.suppress(OSError):
            member.process.kill()
        member.process.join()
        exit_code = member.process.exitcode
        member.process.close()
        return exit_code


def _cause_of_death(exit_code: int | None) -> str:
    return f"ended by signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"code {exit_code}"


def n_processes() -> int:
    """As many as there are cores to run on, within reason."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(n_cores, _MAX_PROCESSES)
