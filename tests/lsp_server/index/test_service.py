"""The service with its real worker: kept up to date, whatever happens to files, worker and store."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from lsp_server.index import store
from lsp_server.index.crawl import SkipReason
from lsp_server.index.folder import FolderIndex, Progress
from lsp_server.index.messages import Step
from lsp_server.index.schema import SCHEMA_VERSION
from lsp_server.index.service import IndexService
from lsp_server.settings import IndexSettings
from tests.lsp_server.index.conftest import StartService, write_files


def folder_of(service: IndexService) -> FolderIndex:
    return service._folders[0]


def database_of(service: IndexService) -> Path:
    return folder_of(service).folder / store.DATABASE_NAME


async def names_of(service: IndexService, *names: str) -> list[str]:
    return [name for name in names if await service.definitions_of(name)]


async def change(service: IndexService, *paths: Path) -> None:
    """Tells of changes, and waits until they are in the store."""
    service.on_files_changed([str(path) for path in paths])
    await service.wait_ready()


def parsers_of(service: IndexService) -> list[psutil.Process]:
    pid = folder_of(service).link.pid
    children = psutil.Process(pid).children() if pid is not None else []
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


async def parser_with(service: IndexService, library: str) -> psutil.Process:
    """Waits for a parsing process that has loaded a library."""
    while True:
        for parser in parsers_of(service):
            if any(library in part.path for part in parser.memory_maps()):
                return parser
        await asyncio.sleep(0)


def make_old(root: Path) -> None:
    """So old that their times tell whether they changed."""
    for path in root.iterdir():
        os.utime(path, ns=(10**18, 10**18))


def tree(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [root, *root.rglob("*")]}


async def test_finds_definitions_and_says_what_it_left_out(start_service: StartService, root: Path) -> None:
    write_files(
        root,
        {"a.py": "def f(): pass\nclass C: pass\n", "b.go": "package b\nfunc G() {}\n", "m.js": "x;" * 9000},
    )
    service = await start_service()
    assert service.status.n_files == 2
    assert service.status.n_symbols == 3
    assert service.status.is_ready
    assert [(item.path, item.reason) for item in service.status.skipped] == [("m.js", SkipReason.MINIFIED)]
    (found,) = await service.definitions_of("G")
    assert (found.path, found.line, found.signature) == ("b.go", 1, "func G()")


async def test_nothing_is_written_to_the_workspace(
    start_service: StartService, root: Path, cache: Path
) -> None:
    write_files(root, {"a.py": "x = 1", "d/b.py": "y = 1"})
    before = tree(root)
    service = await start_service(watch=True)
    await change(service, root / "a.py")
    assert tree(root) == before
    assert database_of(service).is_relative_to(cache)


async def test_only_the_user_can_read_the_store(start_service: StartService, root: Path, cache: Path) -> None:
    write_files(root, {"a.py": "x = 1"})
    service = await start_service()
    folder = folder_of(service).folder
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()}
    assert set(modes.values()) == {0}, modes


async def test_second_start_parses_nothing(start_service: StartService, root: Path) -> None:
    write_files(root, {f"m{i}.py": f"def f{i}(): pass" for i in range(10)})
    make_old(root)
    await start_service()
    second = await start_service()
    assert folder_of(second).last_job.n_parsed == 0
    assert folder_of(second).last_job.n_unchanged == 10


async def test_saved_file_is_parsed_alone(start_service: StartService, root: Path) -> None:
    write_files(root, {f"m{i}.py": f"def f{i}(): pass" for i in range(10)})
    service = await start_service()
    write_files(root, {"m3.py": "def changed(): pass"})
    await change(service, root / "m3.py")
    assert folder_of(service).last_job.n_parsed == 1
    assert await names_of(service, "changed", "f3", "f4") == ["changed", "f4"]
    (root / "m3.py").unlink()
    await change(service, root / "m3.py")
    assert await names_of(service, "changed") == []


async def test_switching_a_branch_is_few_jobs(start_service: StartService, root: Path) -> None:
    write_files(root, {f"d{i % 20}/m{i}.py": f"def old{i}(): pass" for i in range(2000)})
    service = await start_service()
    n_before = folder_of(service).n_jobs
    write_files(root, {f"d{i % 20}/m{i}.py": f"def new{i}(): pass" for i in range(2000)})
    for i in range(2000):
        service.on_files_changed([str(root / f"d{i % 20}/m{i}.py")])
        if i % 100 == 0:
            await asyncio.sleep(0)
    await service.wait_ready()
    assert folder_of(service).n_jobs - n_before <= 3
    assert folder_of(service).last_job.n_batches <= 2000 / 64 + 1
    assert await names_of(service, "old7", "new7", "new1999") == ["new7", "new1999"]


async def test_editor_and_watcher_feed_one_queue(root: Path, cache: Path) -> None:
    """Both tell of the same 2,000 files: they are parsed once, in few jobs."""
    told = asyncio.Event()
    service = IndexService([root], cache, None, lambda _: told.set())
    await service.start(watch=True)
    await service.wait_ready()
    n_before = folder_of(service).n_jobs
    paths = [root / f"d{i % 20}/m{i}.py" for i in range(2000)]
    await asyncio.to_thread(
        write_files, root, {f"d{i % 20}/m{i}.py": f"def f{i}(): pass" for i in range(2000)}
    )
    service.on_files_changed([str(path) for path in paths])
    await wait_for_definition(service, "f1999", "d19/m1999.py", told)
    await service.wait_ready()
    assert service.status.n_files == 2000
    assert folder_of(service).n_jobs - n_before <= 5
    await service.aclose()


async def wait_for_definition(service: IndexService, name: str, path: str, progress: asyncio.Event) -> None:
    """Looks again after each job."""
    async with asyncio.timeout(30):
        while [symbol.path for symbol in await service.definitions_of(name)] != [path]:
            await progress.wait()
            progress.clear()


async def test_changes_that_nobody_reports_are_seen(root: Path, cache: Path) -> None:
    told = asyncio.Event()
    service = IndexService([root], cache, None, lambda _: told.set())
    await service.start(watch=True)
    await service.wait_ready()
    write_files(root, {"new/deep.py": "def seen(): pass"})
    await wait_for_definition(service, "seen", "new/deep.py", told)
    (root / "new/deep.py").rename(root / "new/moved.py")
    await wait_for_definition(service, "seen", "new/moved.py", told)
    (root / "new").rename(root / "other")
    await wait_for_definition(service, "seen", "other/moved.py", told)
    await service.aclose()


async def test_progress_ends_with_done(root: Path, cache: Path) -> None:
    write_files(root, {f"m{i}.py": "x = 1" for i in range(100)})
    told: list[Progress] = []
    service = IndexService([root], cache, None, told.append)
    await service.start(watch=False)
    await service.wait_ready()
    await service.aclose()
    assert [item.step for item in told] == [*[Step.READING] * 2, *[Step.DETAILS] * 3]
    assert {told[0].n_done, told[2].n_done} <= {36, 64}
    assert [item.n_done for item in (told[1], *told[3:])] == [100] * 3
    assert {item.n_total for item in told} == {100}
    assert [item.percentage for item in told] == sorted(item.percentage for item in told)
    assert [item.is_done for item in told] == [False, False, False, False, True]


async def test_worker_killed_while_idle_is_replaced(start_service: StartService, root: Path) -> None:
    service = await start_service()
    pid = folder_of(service).link.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    write_files(root, {"a.py": "def f(): pass"})
    await change(service, root / "a.py")
    assert await names_of(service, "f") == ["f"]
    assert folder_of(service).link.pid != pid


def damage(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)


def scribble(path: Path) -> None:
    """Right at its head, broken inside."""
    content = bytearray(path.read_bytes())
    content[100:] = b"\xaa" * (len(content) - 100)
    path.write_bytes(bytes(content))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def make_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def drop_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE symbols")
    connection.close()


@pytest.mark.parametrize(
    "spoil", [damage, scribble, truncate, make_newer, drop_table], ids=lambda f: f.__name__
)
async def test_bad_store_is_set_aside_and_made_afresh(
    start_service: StartService, root: Path, spoil: Callable[[Path], None]
) -> None:
    write_files(root, {f"m{i}.py": f"def f{i}(): pass" for i in range(30)})
    first = await start_service()
    database = database_of(first)
    await first.aclose()
    spoil(database)
    second = await start_service()
    assert await names_of(second, "f1", "f29") == ["f1", "f29"]
    assert second.status.n_files == 30
    assert database.with_name(store.ASIDE_NAME).exists()
    assert any("made afresh" in problem for problem in second.status.problems)


async def test_index_deleted_in_mid_session(start_service: StartService, root: Path) -> None:
    write_files(root, {"a.py": "def f(): pass", "b.py": "def g(): pass"})
    service = await start_service()
    assert await names_of(service, "f") == ["f"]
    shutil.rmtree(folder_of(service).folder)
    assert await names_of(service, "f") == []
    await change(service, root / "a.py")
    assert await names_of(service, "f", "g") == ["f", "g"]


async def test_cache_that_cannot_be_written_is_said_and_mended(root: Path, tmp_path: Path) -> None:
    """A file stands where the folder should be: nobody can write there."""
    write_files(root, {"a.py": "def f(): pass"})
    cache = tmp_path / "cache"
    cache.write_text("")
    service = IndexService([root], cache)
    await service.start(watch=False)
    await service.wait_ready()
    assert service.status.problems
    assert await names_of(service, "f") == []
    cache.unlink()
    await change(service, root / "a.py")
    assert await names_of(service, "f") == ["f"]
    assert service.status.problems == ()
    await service.aclose()


async def test_two_windows_on_one_workspace(start_service: StartService, root: Path) -> None:
    """Started at once: both are served, and each sees what the other writes."""
    write_files(root, {f"m{i}.py": f"def f{i}(): pass" for i in range(200)})
    first, second = await asyncio.gather(start_service(), start_service())
    n_parsed = folder_of(first).last_job.n_parsed + folder_of(second).last_job.n_parsed
    assert n_parsed >= 200
    for service in (first, second):
        assert service.status.n_files == 200
    write_files(root, {"m0.py": "def changed(): pass"})
    await change(first, root / "m0.py")
    assert await names_of(second, "changed", "f0") == ["changed"]


async def test_writer_waits_for_the_lock_while_readers_read(start_service: StartService, root: Path) -> None:
    write_files(root, {"a.py": "def f(): pass"})
    first = await start_service()
    with FileLock(folder_of(first).folder / store.LOCK_NAME):
        write_files(root, {"b.py": "def g(): pass"})
        first.on_files_changed([str(root / "b.py")])
        waiting = asyncio.create_task(first.wait_ready())
        assert await names_of(first, "f", "g") == ["f"]
        assert not waiting.done()
    await waiting
    assert await names_of(first, "g") == ["g"]


async def test_several_roots(start_service: StartService, tmp_path: Path) -> None:
    one = write_files(tmp_path / "one", {"a.py": "def f(): pass"})
    two = write_files(tmp_path / "two", {"a.py": "def g(): pass"})
    service = await start_service(one, two)
    assert await names_of(service, "f", "g") == ["f", "g"]
    assert len(await service.definitions_of("g", str(one / "x.py"))) == 0
    assert service.status.n_files == 2


async def test_index_turned_off_answers_nothing(start_service: StartService, root: Path, cache: Path) -> None:
    write_files(root, {"a.py": "def f(): pass"})
    before = tree(cache.parent)
    service = await start_service(settings=IndexSettings(enabled=False))
    assert await names_of(service, "f") == []
    assert tree(cache.parent) == before


async def test_idle_worker_gives_its_memory_back(root: Path, cache: Path) -> None:
    service = IndexService([root], cache)
    folder_of(service).idle_exit_s = 0.05
    await service.start(watch=False)
    await service.wait_ready()
    worker = folder_of(service).link._process
    assert worker is not None
    assert await asyncio.wait_for(worker.wait(), 20) == 0
    write_files(root, {"a.py": "def f(): pass"})
    await change(service, root / "a.py")
    assert await names_of(service, "f") == ["f"]
    await service.aclose()


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_maps"), reason="no look at what is loaded there")
async def test_what_is_edited_finds_its_processes_before_it_is_saved(root: Path, cache: Path) -> None:
    """After idleness as after a start; in languages of which nothing is indexed as well."""
    write_files(root, {"a.py": "def f(): pass"})
    service = IndexService([root], cache)
    folder = folder_of(service)
    folder.idle_exit_s = 0.05
    await service.start(watch=False)
    await service.wait_ready()
    worker = folder.link._process
    assert worker is not None
    await asyncio.wait_for(worker.wait(), 20)
    folder.idle_exit_s = 600
    service.overlay(str(root / "b.ts"), "", "typescript")
    async with asyncio.timeout(30):
        parser = await parser_with(service, "tree_sitter_typescript")
        service.overlay(str(root / "c.rs"), "", "rust")
        assert await parser_with(service, "tree_sitter_rust") == parser
    write_files(root, {"d.rs": "fn g() {}"})
    await change(service, root / "d.rs")
    assert await names_of(service, "g") == ["g"]
    assert parsers_of(service) == [parser]
    await service.aclose()


async def test_worker_stays_as_long_as_somebody_types(start_service: StartService, root: Path) -> None:
    folder = folder_of(service := await start_service())
    folder.idle_exit_s = 1e6
    folder._used_at -= 1e6
    assert folder._idle_s_left() <= 0
    service.overlay(str(root / "a.py"), "x", "python")
    assert folder._idle_s_left() > 1e6 - 60


async def test_worker_goes_with_its_service(start_service: StartService, root: Path) -> None:
    service = await start_service()
    pid = folder_of(service).link.pid
    assert pid is not None
    await service.aclose()
    assert not psutil.pid_exists(pid)


SESSION = """
import asyncio, sys
from pathlib import Path
from lsp_server.index.service import IndexService

async def main():
    service = IndexService([sys.argv[1]], Path(sys.argv[2]))
    await service.start(watch=False)
    await service.wait_ready()
    print(service._folders[0].link.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_worker_goes_when_the_session_is_killed(root: Path, cache: Path) -> None:
    write_files(root, {"a.py": "x = 1"})
    command = [sys.executable, "-c", textwrap.dedent(SESSION), str(root), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        worker = psutil.Process(int(session.stdout.readline()))
        session.send_signal(signal.SIGKILL)
    gone, _ = psutil.wait_procs([worker], timeout=20)
    assert gone or worker.status() == psutil.STATUS_ZOMBIE


def loaded_modules(imports: str) -> set[str]:
    code = f"import json, sys\n{imports}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_worker_loads_nothing_slow() -> None:
    loaded = loaded_modules("import lsp_server.index.worker")
    assert not loaded & {"pygls", "lsprotocol", "pydantic", "watchdog", "httpx2", "asyncio", "model", "numpy"}


def test_session_loads_no_grammar_before_it_needs_one() -> None:
    loaded = loaded_modules("import lsp_server.index.service")
    assert not {name for name in loaded if name.startswith("tree_sitter_")}
