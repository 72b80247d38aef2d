"""How soon a saved file is found: while a session goes on, and the first one after its start or its idleness.

Runs in the command-line process, for `edgewise bench index`: the real index service with its processes.
Before a first save a document has been opened or edited, as in an editor.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lsp_server.index.folder import Progress
    from lsp_server.index.service import IndexService

_N_STARTS = 3
_LOOK_S = 0.01
_A_SECOND = 1.0  # nobody saves sooner after the first key
# Python's own library lacks the second: nothing of it is loaded when its first file is saved.
_SOURCES = {
    "python": ("py", "def {name}():\n    return 1\n"),
    "typescript": ("ts", "function {name}() {{\n  return 1;\n}}\n"),
}


@dataclass(frozen=True, slots=True)
class FirstSaves:
    """Milliseconds, medians of a few starts. `at_once`: as soon as the index says that it is up to date; the
    others a second after it, or after the first key."""

    at_once: float
    later: float
    of_new_language: float
    after_idleness: float


@asynccontextmanager
async def open_service(
    root: Path, cache: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> AsyncIterator[IndexService]:
    service = build_service(root, cache, on_progress)
    try:
        await service.start(watch=False)
        await service.wait_ready()
        yield service
    finally:
        await service.aclose()


def build_service(
    root: Path, cache: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> IndexService:
    from lsp_server.index.service import IndexService
    from lsp_server.settings import IndexSettings

    return IndexService([root], cache, IndexSettings(max_files=1_000_000), on_progress)


class Saves:
    """In one session."""

    def __init__(self, root: Path, cache: Path) -> None:
        self._root = root
        self._told = asyncio.Event()
        self.opened = open_service(root, cache, lambda _: self._told.set())

    async def time(self, service: IndexService, name: str, language: str = "python") -> float:
        """Milliseconds from a written file to its definition being found."""
        suffix, source = _SOURCES[language]
        path = self._root / f"edgewise_saved.{suffix}"
        started = time.perf_counter()
        await asyncio.to_thread(path.write_text, source.format(name=name))
        service.on_files_changed([str(path)])
        self._told.clear()
        while not await service.definitions_of(name):
            await self._told.wait()
            self._told.clear()
        return (time.perf_counter() - started) * 1000

    def edit(self, service: IndexService, language: str) -> None:
        """Another document than what is saved: of an open one its own text is found, saved or not."""
        service.overlay(str(self._root / f"edgewise_open.{_SOURCES[language][0]}"), "", language)


async def time_first_saves(root: Path, cache: Path) -> FirstSaves:
    return FirstSaves(
        await _median(root, cache, pause_s=0.0),
        await _median(root, cache),
        await _median(root, cache, language="typescript"),
        await _median(root, cache, is_idle=True),
    )


async def _median(
    root: Path, cache: Path, *, language: str = "python", pause_s: float = _A_SECOND, is_idle: bool = False
) -> float:
    taken = []
    for _ in range(_N_STARTS):
        saves = Saves(root, cache)
        async with _idle(saves) if is_idle else saves.opened as service:
            saves.edit(service, language)
            await asyncio.sleep(pause_s)
            taken.append(await saves.time(service, f"edgewise_first_{time.monotonic_ns()}", language))
    return statistics.median(taken)


@asynccontextmanager
async def _idle(saves: Saves) -> AsyncIterator[IndexService]:
    """A session in which nobody has done anything for minutes: its index processes have gone."""
    from lsp_server.index import folder

    folder.FolderIndex.idle_exit_s = 0.0
    async with saves.opened as service:
        try:
            await asyncio.to_thread(_wait_until_gone)
        finally:
            folder.FolderIndex.idle_exit_s = folder.IDLE_EXIT_S
        yield service


def _wait_until_gone() -> None:
    """Looked at, not waited for: they are the service's own children to wait for."""
    import psutil

    children = psutil.Process().children()
    workers = [child for child in children if "lsp_server.index.worker" in child.cmdline()]
    while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers):
        time.sleep(_LOOK_S)
