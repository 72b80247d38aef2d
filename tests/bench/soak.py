"""Hours of an editor in minutes: windows that open, type and close over one host, which is killed at times.

    python -m tests.bench.soak --minutes N [--windows N] [--kill-every SECONDS]

Prints memory, descriptors and processes over time. One window stays open from beginning to end: what it and
the engine host hold must not grow. It types in every file once, without pauses, so that its caches are full
before anything is compared. The last line is the verdict, PASS or FAIL and why; with FAIL the status is 1:
memory grew by more than 5 %, a descriptor or a process was left, or no request was answered. Nobody's host is
touched: folders are of the run's own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from lsp_server.demo.client import EditorClient, OpenDocument, ServerError, ServerGone, start_server
from lsp_server.demo.places import PACKAGE
from lsp_server.settings import CACHE_VARIABLE, CONFIG_VARIABLE
from lsp_server.types import Span
from model.meeting import ROOT_VARIABLE

SETTINGS = "[model]\nidle_exit_s = 2.0\n"
SAMPLE_S = 10.0
WINDOW_LIFE_S = 25.0
KEY_S = 0.12
SETTLED_S = 90.0  # a process that is younger is still filling its caches
MAX_GROWTH = 0.05
SLACK_DESCRIPTORS = 1
GONE_S = 30.0
TYPED = """

def added(values: list[int]) -> int:
    total = 0
    for value in values:
        total += value
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look saw. `host_age_s` tells one host from its successor."""

    at_s: float
    n_processes: int
    session_mb: float
    session_descriptors: int
    host_mb: float
    host_descriptors: int
    host_age_s: float
    n_answered: int


@dataclass(slots=True)
class Tally:
    """What the windows count together."""

    n_answered: int = 0
    n_shown: int = 0
    n_windows: int = 0
    n_kills: int = 0
    settled_s: float = SETTLED_S  # from when on the window that stays has seen every file
    samples: list[Sample] = field(default_factory=list)

    def settled(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.at_s > self.settled_s]


@contextmanager
def own_world() -> Iterator[Path]:
    """Folders of this run, told to every process that it starts, and a workspace to type in."""
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        root, before = Path(name), dict(os.environ)
        workspace = root / "workspace"
        shutil.copytree(PACKAGE / "completion", workspace, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "config.toml").write_text(SETTINGS, encoding="utf-8")
        os.environ |= {ROOT_VARIABLE: str(root / "run"), CACHE_VARIABLE: str(root / "cache")}
        os.environ[CONFIG_VARIABLE] = str(root / "config.toml")
        try:
            yield root
        finally:
            os.environ.clear()
            os.environ |= before


def find_processes(root: Path) -> list[psutil.Process]:
    """Every process that was started, directly or not, by this run, but this one."""
    return [one for one in psutil.process_iter() if one.pid != os.getpid() and _is_ours(one, root)]


def _is_ours(process: psutil.Process, root: Path) -> bool:
    try:
        return process.environ().get(ROOT_VARIABLE) == str(root / "run")
    except psutil.Error:
        return False


def find_host(root: Path) -> psutil.Process | None:
    for process in find_processes(root):
        with contextlib.suppress(psutil.Error):
            if "model.host" in process.cmdline():
                return process
    return None


async def type_in_window(root: Path, life_s: float, tally: Tally, seed: int) -> None:
    """One window: opens a file, types with human pauses, asks after each key, closes."""
    drawn = random.Random(seed)
    paths = sorted((root / "workspace").rglob("*.py"))
    async with start_server(root / "workspace") as client:
        tally.n_windows += 1
        ends_at = time.monotonic() + life_s
        while time.monotonic() < ends_at:
            await type_in_file(client, drawn.choice(paths), drawn, tally, ends_at)


async def type_in_file(
    client: EditorClient,
    path: Path,
    drawn: random.Random,
    tally: Tally,
    ends_at: float,
    key_s: float = KEY_S,
) -> None:
    document = OpenDocument(client, path, await asyncio.to_thread(path.read_text, "utf-8"))
    offset = len(document.text)
    for character in TYPED:
        document.replace(Span(offset, offset), character)
        offset += 1
        items, _ = await document.complete(offset)
        tally.n_answered += 1
        tally.n_shown += bool(items)
        await asyncio.sleep(drawn.lognormvariate(0, 0.5) * key_s)
        if time.monotonic() > ends_at:
            break
    document.close()


async def keep_opening(root: Path, ends_at: float, tally: Tally, seed: int) -> None:
    """Windows one after the other. One that loses its server is counted as nothing and the next one opens."""
    drawn = random.Random(seed)
    while time.monotonic() < ends_at:
        life_s = min(drawn.uniform(0.5, 1.5) * WINDOW_LIFE_S, max(0.0, ends_at - time.monotonic()))
        with contextlib.suppress(ServerGone, ServerError):
            await type_in_window(root, life_s, tally, drawn.randrange(1 << 30))


async def keep_killing(root: Path, every_s: float, ends_at: float, tally: Tally) -> None:
    while time.monotonic() + every_s < ends_at:
        await asyncio.sleep(every_s)
        while not (host := await asyncio.to_thread(find_host, root)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        with contextlib.suppress(psutil.Error):
            host.kill()
            tally.n_kills += 1


async def keep_looking(root: Path, client: EditorClient, started: float, tally: Tally) -> None:
    while True:
        sample = await asyncio.to_thread(look, root, client.pid, started, tally.n_answered)
        if sample:
            tally.samples.append(sample)
            print(_line(sample), flush=True)
        await asyncio.sleep(SAMPLE_S)


def look(root: Path, session_pid: int, started: float, n_answered: int) -> Sample | None:
    host = find_host(root)
    try:
        session = psutil.Process(session_pid)
        return Sample(
            time.monotonic() - started,
            len(find_processes(root)),
            session.memory_info().rss / 1e6,
            session.num_fds(),
            host.memory_info().rss / 1e6 if host else 0.0,
            host.num_fds() if host else 0,
            time.time() - host.create_time() if host else 0.0,
            n_answered,
        )
    except psutil.Error:
        return None  # it was killed while it was looked at


def _line(sample: Sample) -> str:
    return (
        f"{sample.at_s:6.0f} s  {sample.n_processes:3} processes   window {sample.session_mb:6.1f} MB "
        f"{sample.session_descriptors:3} descriptors   host {sample.host_mb:6.1f} MB "
        f"{sample.host_descriptors:3} descriptors, {sample.host_age_s:4.0f} s old   "
        f"{sample.n_answered} answers"
    )


async def run(root: Path, minutes: float, n_windows: int, kill_every_s: float, tally: Tally) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(start_server(root / "workspace"))
        started = time.monotonic()  # a busy machine may take long to open the window
        ends_at = started + 60 * minutes
        looking = asyncio.create_task(keep_looking(root, client, started, tally))
        jobs = [keep_opening(root, ends_at, tally, seed) for seed in range(1, n_windows)]
        await asyncio.gather(
            stay_open(root, client, ends_at, tally), *jobs, keep_killing(root, kill_every_s, ends_at, tally)
        )
        looking.cancel()


async def stay_open(root: Path, client: EditorClient, ends_at: float, tally: Tally) -> None:
    drawn = random.Random(0)
    paths = sorted((root / "workspace").rglob("*.py"))
    started = time.monotonic()
    for path in paths:
        if time.monotonic() < ends_at:
            await type_in_file(client, path, drawn, tally, ends_at, key_s=0.0)
    tally.settled_s = max(SETTLED_S, time.monotonic() - started)
    while time.monotonic() < ends_at:
        await type_in_file(client, drawn.choice(paths), drawn, tally, ends_at)


def measure_growth(values: Sequence[float]) -> float:
    """The last third against the first one, as medians; 0 when there is too little to compare."""
    n = len(values) // 3
    return statistics.median(values[-n:]) / statistics.median(values[:n]) - 1 if n else 0.0


def count_more(values: Sequence[int]) -> int:
    """How many more there are at the end than there ever were at the beginning."""
    n = len(values) // 4
    return min(values[-n:]) - max(values[:n]) if n else 0


def split_by_host(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Each host's settled life."""
    lives: list[list[Sample]] = []
    age_s = float("inf")
    for sample in samples:
        if sample.host_age_s < age_s:
            lives.append([])
        age_s = sample.host_age_s
        if sample.host_age_s > SETTLED_S:
            lives[-1].append(sample)
    return [life for life in lives if len(life) >= 4]


def find_problems(tally: Tally, n_left: int) -> list[str]:
    settled = tally.settled()
    figures = {
        "the window's memory": measure_growth([sample.session_mb for sample in settled]),
    }
    for life in split_by_host(tally.samples):
        figures[f"memory of the host of second {life[0].at_s:.0f}"] = measure_growth(
            [s.host_mb for s in life]
        )
    grown = [f"{name} grew by {growth:.1%}" for name, growth in figures.items() if growth > MAX_GROWTH]
    n_more = count_more([sample.session_descriptors for sample in settled])
    if n_more > SLACK_DESCRIPTORS:
        grown.append(f"{n_more} descriptors of the window were left")
    if n_left:
        grown.append(f"{n_left} processes were left")
    if not tally.n_answered:
        grown.append("no request was answered")
    return grown


def count_left(root: Path) -> int:
    """Processes that are still there when all windows are closed and every host's time is over."""
    deadline = time.monotonic() + GONE_S
    while (left := find_processes(root)) and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=0.5)
    return len(left)


def draw(tally: Tally, n_left: int) -> Table:
    settled = tally.settled()
    table = Table(title="soak", title_justify="left")
    for name in ("", "first third", "last third", "growth"):
        table.add_column(name, justify="left" if not name else "right")
    series = {"window, MB": [s.session_mb for s in settled]}
    series["window, descriptors"] = [float(s.session_descriptors) for s in settled]
    for life in split_by_host(tally.samples):
        series[f"host of second {life[0].at_s:.0f}, MB"] = [s.host_mb for s in life]
    for name, values in series.items():
        if n := len(values) // 3:
            ends = statistics.median(values[:n]), statistics.median(values[-n:])
            table.add_row(name, *(f"{value:.1f}" for value in ends), f"{measure_growth(values):+.1%}")
    table.add_row("answers, of which shown", str(tally.n_answered), str(tally.n_shown), "")
    table.add_row("windows opened, hosts killed", str(tally.n_windows), str(tally.n_kills), "")
    table.add_row("processes left", "", str(n_left), "")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--windows", type=int, default=3, help="open at once, with the one that stays")
    parser.add_argument("--kill-every", type=float, default=290.0, help="seconds between deaths of the host")
    given = parser.parse_args()
    tally = Tally()
    with own_world() as root:
        asyncio.run(run(root, given.minutes, given.windows, given.kill_every, tally))
        n_left = count_left(root)
        for process in find_processes(root):
            process.kill()
    Console().print(draw(tally, n_left))
    problems = find_problems(tally, n_left)
    print(f"FAIL: {'; '.join(problems)}." if problems else "PASS: nothing grew, nothing was left.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
