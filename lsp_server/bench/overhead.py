"""What the server adds to the engine, and how fast the engine decodes for us beside what it states itself.

Runs in the command-line process. After each key that the real server answers, the same pipeline runs here and
posts the same prompt to a second host that nobody else uses: both KV caches see the same history, and a busy
machine slows both sides. No human intervals. Must not know other tools.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lsp_server.bench.contenders import Scene, Straight
from lsp_server.bench.keys import Key, Script
from lsp_server.bench.replay import Bench, open_straight, running_server
from lsp_server.bench.room import Room, open_room, own_folders
from lsp_server.demo.client import EditorClient, OpenDocument, start_server
from lsp_server.types import Span
from model.protocol import GenerationOptions, SegmentKind, TokenPrompt, TokenSegment
from model.speed import connect

N_DECODES = 5
N_STARTS = 3
N_TRIES = 20
N_DECODED = 128
N_PROMPT = 256
GREEDY = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}
ENDING = "ending"  # a record has it when the model was asked and answered


@dataclass(frozen=True, slots=True)
class Overhead:
    """Times of the requests that asked the model; None where none did."""

    n_asked: int
    through_server_p50_ms: float | None
    engine_p50_ms: float | None
    added_p50_ms: float | None
    decode_per_s: float  # as the client sees it
    start_p50_ms: float | None  # from no process at all to the first answer
    bare_decode_per_s: float  # the same posted by itself, the answer in one piece

    @property
    def decode_share(self) -> float:
        return self.decode_per_s / self.bare_decode_per_s if self.bare_decode_per_s else 0.0


async def measure_overhead(bench: Bench, n_keys: int) -> Overhead:
    starts = [await measure_start(bench, number) for number in range(N_STARTS)]
    async with AsyncExitStack() as stack:
        with own_folders(bench.scratch / "straight"):
            straight = await stack.enter_async_context(open_straight(bench, is_counted=False))
        with own_folders(bench.scratch / "server"):
            opened = open_room(bench.settings.model, bench.fit, is_counted=False)
            room = await stack.enter_async_context(opened)
            client = await stack.enter_async_context(running_server(bench, room, asks_model_always=True))
        pairs = [pair async for pair in _pairs(bench, client, straight, n_keys)]
        decode, bare = await _measure_decode(bench, straight.room)
        return build_overhead(pairs, [ms for ms in starts if ms is not None], decode, bare)


def build_overhead(
    pairs: list[tuple[float, float]], starts_ms: list[float], decode_per_s: float, bare_per_s: float
) -> Overhead:
    """`pairs`: milliseconds through the server and at the engine, of the same prompt."""

    def median(numbers: list[float]) -> float | None:
        return round(statistics.median(numbers), 2) if numbers else None

    return Overhead(
        n_asked=len(pairs),
        through_server_p50_ms=median([server for server, _ in pairs]),
        engine_p50_ms=median([engine for _, engine in pairs]),
        added_p50_ms=median([server - engine for server, engine in pairs]),
        decode_per_s=decode_per_s,
        start_p50_ms=median(starts_ms),
        bare_decode_per_s=bare_per_s,
    )


async def _pairs(
    bench: Bench, client: EditorClient, straight: Straight, n_keys: int
) -> AsyncIterator[tuple[float, float]]:
    """Only of prompts that both sides posted."""
    n_left = n_keys
    for script in bench.scripts:
        document = OpenDocument(client, bench.workspace / script.path, script.start)
        text = script.start
        for key in islice(_typed(script), max(n_left, 0)):
            n_left -= 1
            text = key.applied(text)
            server_ms = await _strike(client, document, key)
            await straight.suggest(Scene(0, script.path, text, key.cursor))
            if server_ms is not None and straight.engine_ms is not None:
                yield server_ms, straight.engine_ms


def _typed(script: Script) -> list[Key]:
    return [key for key in script.keys if not key.is_jump]


async def _strike(client: EditorClient, document: OpenDocument, key: Key) -> float | None:
    """Milliseconds from the change to the answer; None when the model was not asked."""
    started = time.perf_counter()
    document.replace(Span(key.offset, key.offset + key.n_removed), key.text)
    await document.complete(key.cursor)
    elapsed_ms = (time.perf_counter() - started) * 1000
    fields = await _last_fields(client)
    return elapsed_ms if ENDING in fields else None


async def _last_fields(client: EditorClient) -> Mapping[str, Any]:
    status = await client.request("workspace/executeCommand", {"command": "edgewise.status", "arguments": []})
    found = [one for one in status["traces"] if one["method"] == "textDocument/inlineCompletion"]
    fields: Mapping[str, Any] = found[-1]["fields"] if found else {}
    return fields


async def _measure_decode(bench: Bench, room: Room) -> tuple[float, float]:
    """Tokens a second, the post included: the best of a few, by turns, since what else runs here only makes
    them slower."""
    ids = (await room.tokens.ids(bench.scripts[0].whole))[:N_PROMPT]
    streamed, bare = [0.0], [0.0]
    for _ in range(N_DECODES):
        streamed.append(await _decode_streamed(room, ids))
        bare.append(await asyncio.to_thread(_decode_bare, room, ids))
    return max(streamed), max(bare)


async def _decode_streamed(room: Room, ids: list[int]) -> float:
    segment = TokenSegment(SegmentKind.PREFIX, "", "", tuple(ids))
    options, n_generated = GenerationOptions(n_predict=N_DECODED, slot=0), 0
    started = time.perf_counter()
    async for piece in room.client.complete(TokenPrompt((segment,)), options):
        n_generated = piece.usage.n_generated if piece.usage else n_generated
    return n_generated / (time.perf_counter() - started)


def _decode_bare(room: Room, ids: list[int]) -> float:
    """The same request by itself, its answer in one piece."""
    body = {"prompt": ids, "id_slot": 0, "cache_prompt": True, "n_predict": N_DECODED}
    started = time.perf_counter()
    answer = connect(room.endpoint).post("/completion", {**body, **GREEDY})
    return int(answer["timings"]["predicted_n"]) / (time.perf_counter() - started)


async def measure_start(bench: Bench, number: int) -> float | None:
    """Milliseconds from nothing, the engine host included, to the first answer that the model computed."""
    script = bench.scripts[0]
    options = bench.settings.model_dump(mode="json")
    with own_folders(bench.scratch / f"start{number}"):
        started = time.perf_counter()
        async with start_server(bench.workspace, options) as client:
            document = OpenDocument(client, bench.workspace / script.path, script.start)
            for _ in range(N_TRIES):
                await document.complete(script.cursor)
                elapsed_ms = (time.perf_counter() - started) * 1000
                if ENDING in await _last_fields(client):
                    return elapsed_ms
    return None
