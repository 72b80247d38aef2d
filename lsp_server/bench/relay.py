"""A relay on an engine host's private socket, which counts what the engine states that it evaluated, also for
requests that were given up.

Runs in the benchmark's process, on its event loop. It takes the socket's name while the host goes on under
another one; whoever connects is counted. Completions are asked as streams with their progress, which is left
out of what goes back; everything else passes as it is. It costs every contender the same: about a
millisecond a request. Must not know what is asked or why.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lsp_server.bench.ledger import Evaluated

COUNTED = "/completion"
PROGRESS = "prompt_progress"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_BODY_LIMIT = 1 << 24
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Stated:
    """How far the prompt of one request is, in tokens."""

    n_total: int = 0
    n_cached: int = 0
    n_evaluated: int = 0

    def cut_off(self, n_batch: int) -> Stated:
        """An engine finishes the batch that it has begun, and no longer says so."""
        n_left = max(0, self.n_total - self.n_cached - self.n_evaluated)
        return replace(self, n_evaluated=self.n_evaluated + min(n_left, n_batch))


@dataclass(slots=True)
class Tally:
    """What has been evaluated so far. One entry for each request, updated while it runs."""

    n_batch: int = 0
    requests: list[Stated] = field(default_factory=list)

    def begin(self) -> int:
        self.requests.append(Stated())
        return len(self.requests) - 1

    def note(self, number: int, event: Mapping[str, Any]) -> None:
        self.requests[number] = read_event(event, self.requests[number])

    def cut_off(self, number: int) -> None:
        self.requests[number] = self.requests[number].cut_off(self.n_batch)

    @property
    def total(self) -> Evaluated:
        return Evaluated(sum(r.n_evaluated for r in self.requests), sum(r.n_cached for r in self.requests))


def read_event(event: Mapping[str, Any], before: Stated) -> Stated:
    """What is known after one event of an answer."""
    if progress := event.get(PROGRESS):
        cached = int(progress["cache"])
        return Stated(int(progress["total"]), cached, int(progress["processed"]) - cached)
    if timings := event.get("timings"):
        cached, evaluated = int(timings["cache_n"]), int(timings["prompt_n"])
        return Stated(cached + evaluated, cached, evaluated)
    return before


def with_progress(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same request, streamed, and stating how far the prompt is."""
    asked = {**body, "stream": True, "return_progress": True}
    if "response_fields" in asked:
        asked["response_fields"] = [*asked["response_fields"], PROGRESS]
    return asked


def joined(events: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer as it would have come in one piece."""
    last = events[-1] if events else {}
    return {**last, "content": "".join(str(event.get("content") or "") for event in events)}


class Relay:
    """Between one host's socket and whoever connects."""

    def __init__(self, path: Path, behind: Path, tally: Tally) -> None:
        self._path, self._behind, self._tally = path, behind, tally

    async def serve(self) -> asyncio.Server:
        self._path.rename(self._behind)
        return await asyncio.start_unix_server(self._accept, self._path, limit=_BODY_LIMIT)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._pass(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass  # either side has gone: the other one learns it by the closed connection
        finally:
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(head)
        body = await reader.readexactly(int(found[1])) if found else b""
        engine_reader, engine_writer = await asyncio.open_unix_connection(self._behind)
        try:
            if head.startswith(f"POST {COUNTED} ".encode()):
                answer = self._count(head, body, engine_reader, engine_writer, writer)
            else:
                engine_writer.write(head + body)
                answer = _copy(engine_reader, writer)
            await _until_gone(reader, asyncio.create_task(answer))
        finally:
            engine_writer.transport.abort()

    async def _count(
        self,
        head: bytes,
        body: bytes,
        reader: asyncio.StreamReader,
        engine: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        asked = json.loads(body)
        content = json.dumps(with_progress(asked)).encode()
        engine.write(_LENGTH.sub(b"\r\nContent-Length: %d" % len(content), head) + content)
        status = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in status.partition(b"\r\n")[0]:
            writer.write(status)
            await _copy(reader, writer)
            return
        number = self._tally.begin()
        try:
            await self._hand_on(number, _events(reader), writer, is_stream=bool(asked.get("stream")))
        except asyncio.CancelledError:
            self._tally.cut_off(number)
            raise

    async def _hand_on(
        self,
        number: int,
        events: AsyncIterator[Mapping[str, Any]],
        writer: asyncio.StreamWriter,
        *,
        is_stream: bool,
    ) -> None:
        kept: list[Mapping[str, Any]] = []
        if is_stream:
            writer.write(_STREAM_HEAD)
        async for event in events:
            self._tally.note(number, event)
            if PROGRESS in event:
                continue
            if is_stream:
                writer.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            else:
                kept.append(event)
        if not is_stream:
            _write_json(writer, joined(kept))
        await writer.drain()


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[Mapping[str, Any]]:
    """Of a stream that comes in chunks: lines that are no `data:` are its framing."""
    async for line in reader:
        if line.startswith(b"data: {"):
            yield json.loads(line[6:])
        elif line == b"0\r\n":
            return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(1 << 16):
        writer.write(piece)
        await writer.drain()


def _write_json(writer: asyncio.StreamWriter, value: Mapping[str, Any]) -> None:
    content = json.dumps(value).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
    writer.write(head.encode() + b"%d\r\n\r\n" % len(content) + content)


async def _until_gone(reader: asyncio.StreamReader, answer: asyncio.Task[None]) -> None:
    """The answer, unless the client leaves before it is whole: then the engine's stream is closed, too."""
    leaving = asyncio.create_task(reader.read())
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        answer.cancel()
        leaving.cancel()
        await asyncio.gather(answer, leaving, return_exceptions=True)


def behind_of(socket_path: Path) -> Path:
    """Where the engine itself listens meanwhile."""
    return socket_path.with_name("behind.sock")


@asynccontextmanager
async def relayed(socket_path: Path, n_batch: int) -> AsyncIterator[Tally]:
    """Counts what goes through the socket as long as the block lasts; the host keeps its own name after."""
    tally, behind = Tally(n_batch), behind_of(socket_path)
    server = await Relay(socket_path, behind, tally).serve()
    try:
        yield tally
    finally:
        server.close()
        with suppress(OSError):
            behind.rename(socket_path)
