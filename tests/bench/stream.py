"""What streaming costs: the same greedy answer in one piece, as a stream that nobody looks into, and through
the session's client.

    python -m tests.bench.stream [--rounds N] [--tokens N]

Prints one table; judges nothing. The three take turns many times, so what else runs here falls on all of
them. The middle one reads bytes off the socket and looks at nothing: what it loses against one piece is
llama-server's own, what the client loses beyond it is ours. The last column is processor time of this process
for a token; it depends little on what else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.bench.room import Room, open_room, own_folders
from lsp_server.bench.run import fixed, measure_fit
from lsp_server.bench.snapshot import unpack_snapshot
from lsp_server.commands.bench import settings_for
from model.protocol import GenerationOptions, SegmentKind, TokenPrompt, TokenSegment

N_PROMPT = 256
GREEDY = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}


@dataclass(frozen=True, slots=True)
class Run:
    """One answer: the whole request's tokens a second, and this process's microseconds for a token."""

    per_s: float
    cpu_us: float


async def timed(read: Callable[[], Awaitable[int]]) -> Run:
    began, cpu = time.perf_counter(), time.process_time()
    n_tokens = await read()
    elapsed_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return Run(n_tokens / elapsed_s, cpu_s * 1e6 / n_tokens)


class Ways:
    """Three ways to the same answer."""

    def __init__(self, room: Room, ids: list[int], n_tokens: int) -> None:
        self._room, self._ids, self._n_tokens = room, ids, n_tokens

    async def in_one_piece(self) -> int:
        answer = json.loads((await self._post(stream=False)).partition(b"\r\n\r\n")[2])
        return int(answer["timings"]["predicted_n"])

    async def unread_stream(self) -> int:
        return (await self._post(stream=True)).count(b'"stop":false')

    async def client(self) -> int:
        segment = TokenSegment(SegmentKind.PREFIX, "", "", tuple(self._ids))
        options, n_generated = GenerationOptions(n_predict=self._n_tokens, slot=0), 0
        async for piece in self._room.client.complete(TokenPrompt((segment,)), options):
            n_generated = piece.usage.n_generated if piece.usage else n_generated
        return n_generated

    async def _post(self, *, stream: bool) -> bytes:
        asked = {"prompt": self._ids, "id_slot": 0, "cache_prompt": True, "n_predict": self._n_tokens}
        body = json.dumps({**asked, **GREEDY, "stream": stream}).encode()
        head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        reader, writer = await asyncio.open_unix_connection(self._room.endpoint.socket_path)
        try:
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            pieces = []
            while piece := await reader.read(1 << 16):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            writer.close()


async def measure(scratch: Path, n_rounds: int, n_tokens: int) -> dict[str, list[Run]]:
    with settings_for(None, None) as settings, own_folders(scratch):
        model = fixed(settings.model)
        async with open_room(model, measure_fit(model), is_counted=False) as room:
            code = (unpack_snapshot(scratch / "snapshot") / "model/prompt.py").read_text("utf-8")
            ids = (await room.tokens.ids(code))[:N_PROMPT]
            ways = Ways(room, ids, n_tokens)
            named = {"in one piece": ways.in_one_piece, "unread stream": ways.unread_stream}
            named["client"] = ways.client
            runs: dict[str, list[Run]] = {name: [] for name in named}
            for _ in range(n_rounds):
                for name, read in named.items():
                    runs[name].append(await timed(read))
            return runs


def draw(runs: dict[str, list[Run]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("", "tokens/s, p50", "best", "of one piece, p50", "best of best", "client, us a token"):
        table.add_column(name, justify="right" if name else "left")
    whole = runs["in one piece"]
    for name, found in runs.items():
        shares = [one.per_s / other.per_s for one, other in zip(found, whole, strict=True)]
        best, best_whole = max(run.per_s for run in found), max(run.per_s for run in whole)
        table.add_row(
            name,
            f"{statistics.median(run.per_s for run in found):.0f}",
            f"{best:.0f}",
            f"{statistics.median(shares):.1%}",
            f"{best / best_whole:.1%}",
            f"{statistics.median(run.cpu_us for run in found):.0f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=128)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        runs = asyncio.run(measure(Path(name), given.rounds, given.tokens))
    Console().print(draw(runs))


if __name__ == "__main__":
    main()
