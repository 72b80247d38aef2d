"""Whether the editor is answered while a workspace is read that is far too large and full of bad files.

    python -m tests.bench.index.crowd [--files 100000]

Makes so many small files in a temporary folder, and among them what no index should choke on: 20 MB, one line
of 5 MB, 10,000 levels of nesting, UTF-16, NUL bytes, a broken notebook (those of `test_bad_input.py`). Then
the real server is started there, with its own settings, and asked for a completion again and again until the
index is ready. Prints one table. It judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from lsp_server.commands.bench_index import PeakMemory
from lsp_server.demo.client import OpenDocument, start_server
from lsp_server.demo.screen import percentile
from lsp_server.index.service import IndexService
from lsp_server.settings import CACHE_VARIABLE
from tests.lsp_server.index.test_bad_input import LEFT_OUT, READ

FILES_A_FOLDER = 200
BETWEEN_S = 0.1
HERE = "here.py"
TEXT = "import os\n\n\ndef main() -> None:\n    path = os.\n"


@dataclass(slots=True)
class Figures:
    """`answers_ms`: of the completions asked for while the files were read."""

    answers_ms: list[float] = field(default_factory=list)
    ready_s: float = 0.0
    session_mb: float = 0.0
    children_mb: float = 0.0
    index_mb: float = 0.0
    n_files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def fill(root: Path, n_files: int) -> None:
    for number in range(n_files):
        folder = root / f"part{number // FILES_A_FOLDER}"
        if not number % FILES_A_FOLDER:
            folder.mkdir(parents=True)
        text = f"from part0.module0 import call_0\n\n\ndef call_{number}(rows: list) -> int:\n    return 1\n"
        (folder / f"module{number}.py").write_text(text)
    bad = {name: content for name, (content, _) in LEFT_OUT.items()} | READ
    for name, content in bad.items():
        (root / "bad" / name).parent.mkdir(exist_ok=True)
        (root / "bad" / name).write_bytes(content)
    (root / HERE).write_text(TEXT)


async def measure(root: Path) -> Figures:
    figures, ready = Figures(), asyncio.Event()

    def on_notification(method: str, params: Mapping[str, Any]) -> None:
        if method == "edgewise/status" and params.get("index", {}).get("ready"):
            ready.set()

    started, peak = time.perf_counter(), PeakMemory()
    async with peak.watched(), start_server(root, {"model": {"idle_exit_s": 1.0}}, on_notification) as client:
        document = OpenDocument(client, root / HERE, TEXT)
        while not ready.is_set():
            _, took_ms = await document.complete(len(TEXT) - 1)
            figures.answers_ms.append(took_ms)
            await asyncio.sleep(BETWEEN_S)
        figures.ready_s = time.perf_counter() - started
        figures.session_mb = psutil.Process(client.pid).memory_info().rss / 1e6
    figures.children_mb = peak.mb
    return figures


async def look(root: Path, cache: Path, figures: Figures) -> None:
    """What the index says of itself, asked again as a second window would."""
    service = IndexService([root], cache)
    try:
        await service.start(watch=False)
        await service.wait_ready()
        figures.n_files = service.status.n_files
        figures.skipped.update(item.reason.value for item in service.status.skipped)
    finally:
        await service.aclose()


def draw(figures: Figures) -> Table:
    table = Table(show_header=False)
    answers = figures.answers_ms
    table.add_row("files read", str(figures.n_files))
    table.add_row("left out", ", ".join(f"{reason}: {n}" for reason, n in figures.skipped.most_common()))
    table.add_row("from the start to ready", f"{figures.ready_s:.0f} s")
    shares = ", ".join(f"p{share} {percentile(answers, share):.0f}" for share in (50, 95, 100))
    table.add_row("completions meanwhile", f"{len(answers)}: {shares} ms")
    table.add_row("memory of the session", f"{figures.session_mb:.0f} MB")
    table.add_row("memory of all processes, the host's too, peak", f"{figures.children_mb:.0f} MB")
    table.add_row("index file", f"{figures.index_mb:.0f} MB")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    n_files = parser.parse_args().files
    with tempfile.TemporaryDirectory(prefix="edgewise-crowd-") as scratch:
        root, cache = Path(scratch, "workspace"), Path(scratch, "cache")
        fill(root, n_files)
        os.environ[CACHE_VARIABLE] = str(cache)
        figures = asyncio.run(measure(root))
        asyncio.run(look(root, cache, figures))
        figures.index_mb = sum(path.stat().st_size for path in cache.rglob("index.sqlite*")) / 1e6
    Console(width=120).print(draw(figures))


if __name__ == "__main__":
    main()
