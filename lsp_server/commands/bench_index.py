"""`edgewise bench index [DIR]`: how fast a workspace is read, beside tree-sitter alone and universal-ctags.

Runs in the command-line process, over a copy of the files in a temporary folder: the real index service with
its processes, and a real server for its memory. Prints one table; judges nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsp_server.commands.bench_saves import FirstSaves, Saves, build_service, open_service, time_first_saves
from lsp_server.commands.failure import BadArgument, CommandFailed
from lsp_server.commands.output import build_console, write_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lsp_server.index.folder import Progress

CPU_DIGITS = 4  # the system counts in hundredths of a second
_N_SAVES = 9
_N_WARM_STARTS = 3
_SAMPLE_S = 0.5  # a look at all processes takes milliseconds, of which those that are measured would lack
_SERVER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Report:
    """Every figure of the table. Times of indexing are medians of runs that alternate with the others'.

    `searchable`: every file's symbols, references and imports are stored; words and types come after it.
    `cpu`: processor time of all processes, which other programs on the machine change little.
    """

    n_files: int
    source_mb: float
    n_processes: int
    tree_sitter_s: float
    searchable_s: float
    searchable_ratio: float
    index_s: float
    index_ratio: float
    searchable_cpu_ratio: float
    index_cpu_ratio: float
    ctags_s: float | None
    unchanged_s: float
    warm_first_query_ms: float
    save_to_found_ms: float
    save_to_found_worst_ms: float
    first_saves_ms: FirstSaves
    index_share_of_source: float
    n_symbols: int
    n_skipped: int
    session_rss_mb: float
    workers_peak_rss_mb: float


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--files", "n_files", metavar="N", default=1000, show_default=True, help="At most so many files."
)
@click.option("--repeat", "n_runs", metavar="N", default=3, show_default=True, help="Runs of each tool.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def index(folder: Path | None, n_files: int, n_runs: int, is_json: bool) -> None:
    """Measure indexing on a copy of DIR, or of Python's own library, repeated until there are N files."""
    if folder is not None and not folder.is_dir():
        raise BadArgument(f"{folder} is not a folder: name the folder of the project.")
    if n_files < 1 or n_runs < 1:
        raise BadArgument("--files and --repeat must be at least 1.")
    with tempfile.TemporaryDirectory(prefix="edgewise-bench-") as scratch:
        root = Path(scratch, "workspace")
        paths = copy_files(folder or Path(sysconfig.get_path("stdlib")), root, n_files, again=folder is None)
        if not paths:
            raise BadArgument(f"{folder} holds no file that is indexed: name another folder.")
        report = asyncio.run(_measure(root, Path(scratch), paths, n_runs))
    if is_json:
        write_json(asdict(report))
    else:
        _print(report)


def copy_files(source: Path, root: Path, n_files: int, *, again: bool) -> list[str]:
    """Paths of the copies of what the index would read. `again`: a file may be copied more than once."""
    from lsp_server.index.crawl import FoundFile, Limits, crawl

    found = [item.path for item in crawl(source, Limits(max_files=n_files)) if isinstance(item, FoundFile)]
    rounds = itertools.count() if again and found else range(1)
    copies = (((f"copy{number}/{path}" if number else path), path) for number in rounds for path in found)
    paths = []
    for copy, path in itertools.islice(copies, n_files):
        (root / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, root / copy)
        paths.append(copy)
    return paths


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds on the clock, and of the processors."""

    s: float
    cpu_s: float


def children_cpu_s() -> float:
    """Of the child processes, theirs among them, those that have ended as well. Rounded, because the same
    ticks added in another order may come to a little less, and a later look must never say less."""
    import psutil

    own = psutil.Process()
    total = own.cpu_times().children_user + own.cpu_times().children_system
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += sum(child.cpu_times()[:4])
    return round(float(total), CPU_DIGITS)


async def _measure(root: Path, scratch: Path, paths: list[str], n_runs: int) -> Report:
    from lsp_server.index.baseline import parse_only
    from lsp_server.index.pool import n_processes

    caches = [scratch / f"cache{number}" for number in range(n_runs)]
    runs: list[tuple[Taken, Taken, Taken]] = []
    ctags: list[float] = []
    peak = PeakMemory()
    for cache in caches:
        before = children_cpu_s()
        alone = Taken(await asyncio.to_thread(parse_only, root, paths), children_cpu_s() - before)
        async with peak.watched():
            indexed = await _time_indexing(root, cache)
        runs.append((alone, *indexed))
        ctags += await asyncio.to_thread(_time_ctags, root, paths, scratch)
    cache = caches[0]
    source_bytes = sum((root / path).stat().st_size for path in paths)
    _, unchanged = await _time_indexing(root, cache)
    session = Saves(root, cache)
    async with session.opened as service:
        status = service.status
        saves = [await session.time(service, f"edgewise_saved_{number}") for number in range(_N_SAVES)]
    known = f"edgewise_saved_{_N_SAVES - 1}"
    warm = [await _time_first_query(root, cache, known) for _ in range(_N_WARM_STARTS)]
    return Report(
        n_files=len(paths),
        source_mb=source_bytes / 1e6,
        n_processes=n_processes(),
        tree_sitter_s=statistics.median(alone.s for alone, _, _ in runs),
        searchable_s=statistics.median(searchable.s for _, searchable, _ in runs),
        searchable_ratio=statistics.median(searchable.s / alone.s for alone, searchable, _ in runs),
        index_s=statistics.median(indexed.s for *_, indexed in runs),
        index_ratio=statistics.median(indexed.s / alone.s for alone, _, indexed in runs),
        searchable_cpu_ratio=statistics.median(some.cpu_s / alone.cpu_s for alone, some, _ in runs),
        index_cpu_ratio=statistics.median(every.cpu_s / alone.cpu_s for alone, _, every in runs),
        ctags_s=statistics.median(ctags) if ctags else None,
        unchanged_s=unchanged.s,
        warm_first_query_ms=statistics.median(warm),
        save_to_found_ms=statistics.median(saves),
        save_to_found_worst_ms=max(saves),
        first_saves_ms=await time_first_saves(root, cache),
        index_share_of_source=_index_bytes(cache) / source_bytes,
        n_symbols=status.n_symbols,
        n_skipped=status.n_skipped,
        session_rss_mb=await _session_memory(root, cache),
        workers_peak_rss_mb=peak.mb,
    )


async def _time_indexing(root: Path, cache: Path) -> tuple[Taken, Taken]:
    """Until every file is searchable, and until all is done."""
    searchable: list[Taken] = []

    def so_far() -> Taken:
        return Taken(time.perf_counter() - started, children_cpu_s() - before)

    def on_progress(progress: Progress) -> None:
        if progress.n_done == progress.n_total and not searchable:
            searchable.append(so_far())

    started, before = time.perf_counter(), children_cpu_s()
    async with open_service(root, cache, on_progress):
        done = so_far()
    return (*searchable, done)[0], done


async def _time_first_query(root: Path, cache: Path, name: str) -> float:
    """Milliseconds from a start on an index that is there to the first answer from it."""
    started = time.perf_counter()
    service = build_service(root, cache)
    try:
        await service.start(watch=False)
        if not await service.definitions_of(name):
            raise CommandFailed(f"{name} is not found on a warm start: the index in {cache} is not usable.")
        return (time.perf_counter() - started) * 1000
    finally:
        await service.aclose()


def _time_ctags(root: Path, paths: list[str], scratch: Path) -> list[float]:
    """universal-ctags on the same files; nothing where it is not installed. One process, no references."""
    program = _find_ctags()
    if program is None:
        return []
    listed = scratch / "files.txt"
    listed.write_text("\n".join(paths))
    started = time.perf_counter()
    command = [program, "--fields=+nKS", "-f", str(scratch / "tags"), "-L", str(listed)]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    return [time.perf_counter() - started] if done.returncode == 0 else []


def _find_ctags() -> str | None:
    """Others have the name as well: Emacs has one, and so has its forerunner."""
    for name in ("ctags-universal", "ctags"):
        if program := shutil.which(name):
            said = subprocess.run([program, "--version"], capture_output=True, check=False).stdout
            if b"Universal Ctags" in said:
                return program
    return None


def _index_bytes(cache: Path) -> int:
    return sum(path.stat().st_size for path in cache.rglob("index.sqlite*"))


class PeakMemory:
    """The most that all child processes held together, looked at many times a second."""

    def __init__(self) -> None:
        self.mb = 0.0

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            task.cancel()

    async def _look(self) -> None:
        while True:
            self.mb = max(self.mb, await asyncio.to_thread(_children_mb))
            await asyncio.sleep(_SAMPLE_S)


def _children_mb() -> float:
    import psutil

    total = 0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss
    return total / 1e6


async def _session_memory(root: Path, cache: Path) -> float:
    """What a real server holds once the workspace is indexed and a file is open."""
    import os

    import psutil

    from lsp_server.demo.client import OpenDocument, start_server
    from lsp_server.settings import CACHE_VARIABLE

    ready = asyncio.Event()

    def on_notification(method: str, params: Mapping[str, Any]) -> None:
        if method == "edgewise/status" and params.get("index", {}).get("ready"):
            ready.set()

    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(cache)
    try:
        async with start_server(root, {"model": {"idle_exit_s": 1.0}}, on_notification) as client:
            async with asyncio.timeout(_SERVER_SECONDS):
                await ready.wait()
            path = root / "edgewise_saved.py"
            document = OpenDocument(client, path, path.read_text())
            await document.complete(len(document.text))
            return float(psutil.Process(client.pid).memory_info().rss) / 1e6
    finally:
        os.environ.pop(CACHE_VARIABLE)
        if before is not None:
            os.environ[CACHE_VARIABLE] = before


def _ctags_cell(report: Report) -> str:
    if report.ctags_s is None:
        return "not found: install universal-ctags to see it here"
    return f"{report.ctags_s:.2f} s"


_ROWS: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("files", lambda r: f"{r.n_files} ({r.source_mb:.1f} MB), {r.n_processes} processes"),
    ("tree-sitter alone, as many processes", lambda r: f"{r.tree_sitter_s:.2f} s"),
    ("edgewise, every file searchable", lambda r: f"{r.searchable_s:.2f} s"),
    ("  of tree-sitter alone", lambda r: f"{r.searchable_ratio:.2f} x"),
    ("edgewise, words and types as well", lambda r: f"{r.index_s:.2f} s"),
    ("  of tree-sitter alone", lambda r: f"{r.index_ratio:.2f} x"),
    (
        "  of its processor time",
        lambda r: f"{r.searchable_cpu_ratio:.2f} x searchable, {r.index_cpu_ratio:.2f} x all",
    ),
    (
        "  a second",
        lambda r: f"{r.n_files / r.searchable_s:.0f} files, {r.source_mb / r.searchable_s:.1f} MB searchable",
    ),
    ("universal-ctags, one process", _ctags_cell),
    ("edgewise index, nothing changed", lambda r: f"{r.unchanged_s:.2f} s"),
    ("warm start to first query", lambda r: f"{r.warm_first_query_ms:.0f} ms"),
    ("saved file found", lambda r: f"{r.save_to_found_ms:.0f} ms, worst {r.save_to_found_worst_ms:.0f} ms"),
    (
        "  the first after the start, at once",
        lambda r: f"{r.first_saves_ms.at_once:.0f} ms, {r.first_saves_ms.later:.0f} ms a second later",
    ),
    ("  in a language that is new", lambda r: f"{r.first_saves_ms.of_new_language:.0f} ms a second later"),
    (
        "  when the processes had gone",
        lambda r: f"{r.first_saves_ms.after_idleness:.0f} ms a second after the first key",
    ),
    ("index file", lambda r: f"{r.index_share_of_source:.2f} x the source"),
    ("symbols, skipped files", lambda r: f"{r.n_symbols}, {r.n_skipped}"),
    ("memory of the session", lambda r: f"{r.session_rss_mb:.0f} MB"),
    ("memory of all index processes, peak", lambda r: f"{r.workers_peak_rss_mb:.0f} MB"),
)


def rows(report: Report) -> Iterator[tuple[str, str]]:
    for label, shown in _ROWS:
        yield label, shown(report)


def _print(report: Report) -> None:
    from rich.table import Table

    table = Table(show_header=False)
    for label, shown in rows(report):
        table.add_row(label, shown)
    build_console().print(table)
