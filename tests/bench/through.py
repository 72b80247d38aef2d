"""Type-through: how long an answer takes that comes from the cache, while a suggestion is typed and deleted.

    python -m tests.bench.through [--rounds N] [--model M]

Prints one table; judges nothing. The real server as a subprocess; a suggestion is typed character by
character, deleted again, and the editor asks after every key. Two times of each answer that the server's own
record calls cached: from the question to the answer as the editor sees it, and within the server. Beside
them the server's processor time for a key (edit, question, and the reading of the record), which other
programs on the machine do not change much.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from lsp_server.bench.replay import Readiness
from lsp_server.bench.room import own_folders, read_cpu_s
from lsp_server.demo.client import EditorClient, OpenDocument, start_server
from lsp_server.demo.screen import percentile
from lsp_server.types import Span

TEXTS = (
    "def total(prices):\n    total = 0\n    for ",
    "import os\n\n\ndef read_lines(path):\n    with open(path) as file:\n        ",
    "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        ",
)
OPTIONS = {"completion": {"timeout_ms": 60_000}}


@dataclass(slots=True)
class Times:
    """Milliseconds of the answers from the cache, and how many were none."""

    seen_ms: list[float] = field(default_factory=list)
    inside_ms: list[float] = field(default_factory=list)
    n_computed: int = 0
    cpu_s: float = 0.0


def run(n_rounds: int, model: str) -> Times:
    with tempfile.TemporaryDirectory(prefix="ew-") as name, own_folders(Path(name)):
        workspace = Path(name, "workspace")
        workspace.mkdir()
        return asyncio.run(measure(workspace, n_rounds, model))


async def measure(workspace: Path, n_rounds: int, model: str) -> Times:
    times, readiness = Times(), Readiness()
    options = {**OPTIONS, "model": {"name": model, "idle_exit_s": 1.0}}
    async with start_server(workspace, options, readiness.on_notification) as client:
        await readiness.wait()
        server = psutil.Process(client.pid)
        before_s = read_cpu_s(server)
        for number in range(n_rounds):
            text = f"# {number}\n{TEXTS[number % len(TEXTS)]}"
            await type_through(client, OpenDocument(client, workspace / f"{number}.py", text), times)
        times.cpu_s = read_cpu_s(server) - before_s
    return times


async def type_through(client: EditorClient, document: OpenDocument, times: Times) -> None:
    cursor = begin = len(document.text)
    items, _ = await document.complete(cursor)
    shown = document.ghost_of(items[0], cursor) if items else ""
    for character in shown[:-1]:
        document.replace(Span(cursor, cursor), character)
        cursor += 1
        await note(client, document, cursor, times)
    while cursor > begin:
        document.replace(Span(cursor - 1, cursor), "")
        cursor -= 1
        await note(client, document, cursor, times)
    document.close()


async def note(client: EditorClient, document: OpenDocument, cursor: int, times: Times) -> None:
    _, elapsed_ms = await document.complete(cursor)
    status = await client.request("workspace/executeCommand", {"command": "edgewise.status"})
    record = status["traces"][-1]
    if record["fields"].get("is_cached"):
        times.seen_ms.append(elapsed_ms)
        times.inside_ms.append(record["total_ms"])
    else:
        times.n_computed += 1


def draw(times: Times) -> Table:
    title = f"{len(times.seen_ms)} answers from the cache, {times.n_computed} others"
    table = Table(title=title, title_justify="left")
    for name in ("milliseconds", "p50", "p95", "worst"):
        table.add_column(name, justify="left" if name == "milliseconds" else "right")
    table.add_row("as the editor sees it", *figures(times.seen_ms))
    table.add_row("within the server", *figures(times.inside_ms))
    n_keys = len(times.seen_ms) + times.n_computed
    table.add_row("processor time for a key, mean", f"{1000 * times.cpu_s / max(n_keys, 1):.1f}", "", "")
    return table


def figures(values: Sequence[float]) -> list[str]:
    if not values:
        return ["-"] * 3
    return [f"{figure:.1f}" for figure in (percentile(values, 50), percentile(values, 95), max(values))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", default="builtin")
    arguments = parser.parse_args()
    Console().print(draw(run(arguments.rounds, arguments.model)))


if __name__ == "__main__":
    main()
