"""The service while its processes crash, hang and are killed, and while the disk is full."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lsp_server.index.crawl import SkipReason
from lsp_server.index.folder import FolderIndex, Progress
from lsp_server.index.link import WorkerLink
from lsp_server.index.reader import read_totals
from lsp_server.index.service import IndexService
from lsp_server.index.store import DATABASE_NAME
from tests.lsp_server.index import crashing_worker
from tests.lsp_server.index.conftest import StartService, write_files
from tests.lsp_server.index.contents import contents
from tests.lsp_server.index.crashing_worker import ALWAYS, FOREVER, ONCE, WORKER_ONCE
from tests.lsp_server.index.test_service import change, folder_of, names_of

StartCrashing = Callable[[], Awaitable[IndexService]]


class CrashingLink(WorkerLink):
    module = "tests.lsp_server.index.crashing_worker"


@pytest.fixture
async def start_crashing(root: Path, cache: Path) -> AsyncIterator[StartCrashing]:
    services: list[IndexService] = []

    async def start() -> IndexService:
        service = IndexService([root], cache)
        services.append(service)
        folder_of(service).link = CrashingLink(root, folder_of(service).folder)
        await service.start(watch=False)
        await service.wait_ready()
        return service

    yield start
    for service in services:
        await service.aclose()


def functions(n_files: int) -> dict[str, str]:
    return {f"m{i}.py": f"def f{i}(): pass" for i in range(n_files)}


async def test_files_that_kill_their_process_are_listed_and_the_rest_is_indexed(
    start_crashing: StartCrashing, root: Path
) -> None:
    bad = ("m17.py", "m18.py", "m90.py")
    write_files(root, functions(100) | dict.fromkeys(bad, ALWAYS.decode()))
    service = await start_crashing()
    assert {item.path: item.reason for item in service.status.skipped} == dict.fromkeys(
        bad, SkipReason.CRASHED
    )
    assert {item.detail for item in service.status.skipped} == {"ended by signal 9"}
    assert service.status.n_files == 97
    assert service.status.is_ready
    assert service.status.problems == ()


async def test_many_files_that_kill_their_process(start_crashing: StartCrashing, root: Path) -> None:
    """More than the worker itself may die without a reason."""
    bad = [f"m{i}.py" for i in range(0, 300, 60)]
    write_files(root, functions(300) | dict.fromkeys(bad, ALWAYS.decode()))
    service = await start_crashing()
    assert sorted(item.path for item in service.status.skipped) == sorted(bad)
    assert service.status.n_files == 300 - len(bad)


async def test_file_that_never_ends_is_listed(
    start_crashing: StartCrashing, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(crashing_worker.LIMIT_VARIABLE, "1.5")
    write_files(root, functions(10) | {"slow.py": FOREVER.decode()})
    service = await start_crashing()
    assert [(item.path, item.detail) for item in service.status.skipped] == [("slow.py", "over 1.5 s")]
    assert await names_of(service, "f1", "f9") == ["f1", "f9"]


@pytest.mark.parametrize("mark", [ONCE, WORKER_ONCE], ids=["parsing process", "worker"])
async def test_process_that_is_killed_once_loses_nothing(
    start_crashing: StartCrashing, root: Path, tmp_path: Path, mark: bytes
) -> None:
    """Killed by somebody else: no file is to blame."""
    flag = tmp_path / "flag"
    flag.touch()
    write_files(root, functions(200) | {"m17.py": f"{mark.decode()}{flag}\ndef f17(): pass"})
    service = await start_crashing()
    assert not flag.exists()
    assert service.status.n_files == 200
    assert service.status.skipped == ()
    assert service.status.problems == ()


async def test_worker_killed_in_mid_job_leaves_no_process_and_a_whole_index(
    start_service: StartService, root: Path, cache: Path, tmp_path: Path
) -> None:
    write_files(root, {f"d{i}/m.py": f"def f{i}(): pass\n" * 400 for i in range(300)})
    told = asyncio.Event()

    def on_progress(progress: Progress) -> None:
        if progress.n_done and not told.is_set():
            pid = folder_of(service).link.pid
            assert pid is not None
            orphans.extend(psutil.Process(pid).children())
            os.kill(pid, signal.SIGKILL)
            told.set()

    orphans: list[psutil.Process] = []
    service = IndexService([root], cache, None, on_progress)
    await service.start(watch=False)
    await service.wait_ready()
    assert told.is_set()
    assert service.status.n_files == 300
    gone, _ = await asyncio.to_thread(psutil.wait_procs, orphans, 20)
    assert len(gone) == len(orphans) > 0
    folder = folder_of(service).folder
    await service.aclose()
    fresh = IndexService([root], tmp_path / "fresh")
    await fresh.start(watch=False)
    await fresh.wait_ready()
    await fresh.aclose()
    assert contents(folder) == contents(folder_of(fresh).folder)


async def test_idle_processes_that_are_killed_are_replaced(start_service: StartService, root: Path) -> None:
    service = await start_service()
    pid = folder_of(service).link.pid
    assert pid is not None
    for number, name in enumerate(("parser", "worker")):
        victims = psutil.Process(pid).children() if name == "parser" else [psutil.Process(pid)]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        write_files(root, {f"a{number}.py": f"def f{number}(): pass"})
        await change(service, root / f"a{number}.py")
        assert await names_of(service, f"f{number}") == [f"f{number}"]
    assert service.status.problems == ()
    assert folder_of(service).link.pid != pid


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size there")
async def test_full_disk_is_said_and_mended(
    start_crashing: StartCrashing, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was indexed is still found, nothing of the rest is lost once there is room again."""
    flag = tmp_path / "full"
    monkeypatch.setenv(crashing_worker.FILE_SIZE_VARIABLE, str(flag))
    write_files(root, {"a.py": "def f(): pass"})
    service = await start_crashing()
    folder = folder_of(service)
    await folder.link.stop()
    flag.write_text("200000")
    write_files(root, {f"m{i}.py": f"def f{i}(): pass\n" * 500 for i in range(100)})
    await change(service, root)
    (problem,) = service.status.problems
    assert str(folder.folder) in problem and "free some space" in problem
    assert await names_of(service, "f") == ["f"]
    flag.unlink()
    await folder.link.stop()
    await change(service, root / "a.py")
    assert service.status.problems == ()
    assert service.status.n_files == 101
    assert await names_of(service, "f", "f99") == ["f", "f99"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size there")
async def test_a_job_that_failed_is_tried_again_by_itself(
    root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody changes a file: there is room on the disk again, and that is enough."""
    flag = tmp_path / "full"
    flag.write_text("200000")
    monkeypatch.setenv(crashing_worker.FILE_SIZE_VARIABLE, str(flag))
    monkeypatch.setattr(FolderIndex, "retry_after_s", (0.05, 0.1))
    write_files(root, {f"m{i}.py": f"def f{i}(): pass\n" * 500 for i in range(100)})
    told: asyncio.Queue[Progress] = asyncio.Queue()
    service = IndexService([root], cache, None, told.put_nowait)
    folder_of(service).link = CrashingLink(root, folder_of(service).folder)
    await service.start(watch=False)
    ends = [await next_end(told)]
    assert (ends[0].n_done, ends[0].n_total) == (0, 0), "nothing is being read"
    assert service.status.is_settled
    assert not service.status.is_ready
    assert "free some space" in service.status.problems[0]
    flag.unlink()
    while not service.status.is_ready:
        ends.append(await next_end(told))
    assert len(ends) <= 1 + len(FolderIndex.retry_after_s)
    assert service.status.problems == ()
    assert service.status.n_files == 100
    await service.aclose()


async def test_a_job_that_fails_for_good_is_tried_a_few_times(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then only a change is a reason to try again."""
    monkeypatch.setattr(FolderIndex, "retry_after_s", (0.01, 0.01))
    write_files(cache.parent, {cache.name: "a file where a folder should be"})
    write_files(root, {"a.py": "def f(): pass"})
    told: asyncio.Queue[Progress] = asyncio.Queue()
    service = IndexService([root], cache, None, told.put_nowait)
    await service.start(watch=False)
    for _ in range(3):
        await next_end(told)
    await asyncio.to_thread(cache.unlink)
    await change(service, root / "a.py")
    assert service.status.is_ready
    assert folder_of(service).n_jobs == 4
    await service.aclose()


async def next_end(told: asyncio.Queue[Progress]) -> Progress:
    """Of a job."""
    while True:
        progress = await told.get()
        if progress.is_done:
            return progress


async def test_totals_of_a_store_that_somebody_holds_are_waited_for(
    start_service: StartService, root: Path
) -> None:
    """A backup, say. A status that says "not ready" for that would say so until the next change."""
    write_files(root, {"a.py": "def f(): pass"})
    folder = folder_of(await start_service())
    await folder.link.stop()
    holder = sqlite3.connect(folder.folder / DATABASE_NAME, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    asked = asyncio.create_task(asyncio.to_thread(read_totals, folder.folder))
    await asyncio.wait([asked], timeout=0.2)
    assert not asked.done()
    holder.close()
    assert (await asked).is_complete


async def test_index_deleted_while_it_is_written(root: Path, cache: Path) -> None:
    """In mid-job: the job ends, all of it is made anew by the next change, or by itself a little later."""
    write_files(root, functions(200))

    def on_progress(progress: Progress) -> None:
        if not deleted.is_set():
            deleted.set()
            shutil.rmtree(folder_of(service).folder)

    deleted = asyncio.Event()
    service = IndexService([root], cache, None, on_progress)
    await service.start(watch=False)
    await service.wait_ready()
    assert deleted.is_set()
    await change(service, root / "m0.py")
    assert await names_of(service, "f0", "f199") == ["f0", "f199"]
    assert service.status.n_files == 200
    await service.aclose()


async def test_two_windows_of_which_one_is_killed_while_it_writes(
    start_service: StartService, root: Path, cache: Path
) -> None:
    """The lock goes with its holder: the other window goes on."""
    write_files(root, {f"m{i}.py": f"def f{i}(): pass\n" * 300 for i in range(200)})
    first, second = IndexService([root], cache), IndexService([root], cache)
    await first.start(watch=False)
    await second.start(watch=False)
    await asyncio.wait(
        [asyncio.create_task(first.wait_ready()), asyncio.create_task(second.wait_ready())], timeout=0.3
    )
    await first.aclose()
    await second.wait_ready()
    assert second.status.n_files == 200
    assert await names_of(second, "f0", "f199") == ["f0", "f199"]
    await second.aclose()
