"""Typing with human pauses through the real server: what was ready before the editor asked.

    python -m tests.bench.pauses [--keystrokes N] [--seed S] [--no-prefetch] [--json]

Prints one table; judges nothing. Lines of this project are typed into, in memory, with log-normal intervals
and now and then a longer pause; the editor asks after each keystroke, at once or, where the person has
paused, after 200 ms, as debouncing clients do. Times are the client's, times "in the server" the server's own
records: on a busy machine most of the difference is waiting for a core. Token counts are what the host
states; a request that asked nobody evaluated none.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.demo.client import EditorClient, OpenDocument, start_server
from lsp_server.demo.places import PACKAGE, Place, find_places
from lsp_server.demo.screen import percentile
from lsp_server.journal import journal_folder, read_records
from lsp_server.stats import requests_of
from lsp_server.trace import TraceRecord
from lsp_server.types import Span
from tests.bench.latency import WORKSPACE, Readiness, own_folders

PAUSE_S = 0.2
N_PLACES = 24


@dataclass(frozen=True, slots=True)
class Keystroke:
    """How long its answer took, and whether the person had paused before the editor asked."""

    is_after_pause: bool
    answer_ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """Every figure of the table."""

    n_keystrokes: int
    n_pauses: int
    paused_in_10_ms: float
    paused_in_10_ms_in_server: float
    answer_p50_ms: float
    answer_p95_ms: float
    answer_in_server_p50_ms: float
    answer_in_server_p95_ms: float
    evaluated_p50: float
    evaluated_p95: float
    reused_share: float
    n_cached: int
    n_attached: int
    cached_in_server_p50_ms: float


def interval_s(rng: random.Random) -> float:
    """Between two keystrokes: 150 ms in the middle, and a pause after one in twelve."""
    pause = rng.uniform(0.3, 1.0) if rng.random() < 1 / 12 else 0.0
    return rng.lognormvariate(-1.9, 0.5) + pause


async def strike(document: OpenDocument, place: Place, index: int, gap_s: float) -> Keystroke:
    """Types one character, asks when the editor would, and rests until the next one is due."""
    offset = place.offset + index
    if index:
        document.replace(Span(offset - 1, offset - 1), place.author[index - 1])
    is_after_pause = gap_s >= PAUSE_S
    await asyncio.sleep(PAUSE_S if is_after_pause else 0)
    started = time.perf_counter()
    await document.complete(offset)
    elapsed_s = time.perf_counter() - started
    await asyncio.sleep(max(0.0, gap_s - elapsed_s - (PAUSE_S if is_after_pause else 0)))
    return Keystroke(is_after_pause, elapsed_s * 1000)


async def type_lines(client: EditorClient, n: int, rng: random.Random) -> list[Keystroke]:
    struck: list[Keystroke] = []
    for place in itertools.cycle(itertools.islice(find_places(PACKAGE), N_PLACES)):
        document = OpenDocument(client, place.path, place.text)
        for index in range(len(place.author) + 1):
            struck.append(await strike(document, place, index, interval_s(rng)))
            if len(struck) == n:
                return struck
        document.close()
    return struck


async def run(n_keystrokes: int, seed: int, options: Mapping[str, object]) -> Report:
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        readiness, folder = Readiness(), Path(name)
        settings = {"model": {"idle_exit_s": 1.0}, "completion": dict(options)}
        with own_folders(folder):
            server = start_server(WORKSPACE, settings, readiness.on_notification)
            async with server as client:
                await readiness.is_ready.wait()
                struck = await type_lines(client, n_keystrokes, random.Random(seed))
        return build_report(struck, requests_of(read_records(journal_folder(folder / "cache"))))


def build_report(struck: Sequence[Keystroke], records: Sequence[TraceRecord]) -> Report:
    pairs = list(zip(struck, records, strict=True))
    paused = [
        (keystroke.answer_ms, record.total_ms) for keystroke, record in pairs if keystroke.is_after_pause
    ]
    evaluated = [evaluated_in(record) for record in records]
    n_prompt = sum(int(record.fields.get("n_prompt") or 0) for record in records)
    cached = [record.total_ms for record in records if record.fields.get("is_cached")]
    answers, in_server = [k.answer_ms for k in struck], [record.total_ms for record in records]
    return Report(
        n_keystrokes=len(struck),
        n_pauses=len(paused),
        paused_in_10_ms=share([ms <= 10 for ms, _ in paused]),
        paused_in_10_ms_in_server=share([ms <= 10 for _, ms in paused]),
        answer_p50_ms=percentile(answers, 50),
        answer_p95_ms=percentile(answers, 95),
        answer_in_server_p50_ms=percentile(in_server, 50),
        answer_in_server_p95_ms=percentile(in_server, 95),
        evaluated_p50=percentile(evaluated, 50),
        evaluated_p95=percentile(evaluated, 95),
        reused_share=1 - sum(evaluated) / n_prompt if n_prompt else 0.0,
        n_cached=len(cached),
        n_attached=sum(bool(record.fields.get("is_attached")) for record in records),
        cached_in_server_p50_ms=percentile(cached, 50),
    )


def share(found: Sequence[bool]) -> float:
    return sum(found) / max(len(found), 1)


def evaluated_in(record: TraceRecord) -> float:
    return 0.0 if record.fields.get("is_cached") else float(record.fields.get("n_evaluated") or 0)


def draw(report: Report) -> Table:
    table = Table(title=f"{report.n_keystrokes} keystrokes, {report.n_pauses} pauses", title_justify="left")
    for name in ("", "p50", "p95", "target"):
        table.add_column(name, justify="right" if name else "left")
    times = f"{report.answer_p50_ms:.1f}", f"{report.answer_p95_ms:.1f}", "60 / 200"
    table.add_row("asked to answered, ms", *times)
    inside = f"{report.answer_in_server_p50_ms:.1f}", f"{report.answer_in_server_p95_ms:.1f}", ""
    table.add_row("  in the server, ms", *inside)
    table.add_row("after a pause, answered in 10 ms", f"{report.paused_in_10_ms:.1%}", "", "90%")
    table.add_row("  in the server", f"{report.paused_in_10_ms_in_server:.1%}", "", "")
    tokens = f"{report.evaluated_p50:.0f}", f"{report.evaluated_p95:.0f}", "3 / 48"
    table.add_row("tokens evaluated a keystroke", *tokens)
    table.add_row("prompt tokens reused", f"{report.reused_share:.1%}", "", "98.5%")
    table.add_row("typed through", str(report.n_cached), "", "")
    table.add_row("  in the server, ms", f"{report.cached_in_server_p50_ms:.2f}", "", "5")
    table.add_row("begun before they were asked", str(report.n_attached), "", "")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keystrokes", type=int, default=400)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--no-prefetch", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    report = asyncio.run(run(args.keystrokes, args.seed, {"prefetch": not args.no_prefetch}))
    if args.json:
        print(json.dumps(asdict(report)))
    else:
        Console().print(draw(report))


if __name__ == "__main__":
    main()
