"""HTTP/1.1 on a unix socket: what a host may say, and how it may break off."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from model.protocol import Endpoint, ModelInfo
from model.transport import SocketTransport, TransportFailed

INFO = ModelInfo("m", "", "llama", "llama", "edgewise", "llama_cpp", 512, 1)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class FakeHost:
    """Answers each connection with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        n_body = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(n_body))
        writer.write(self.answer)
        if self.answer.endswith(b"..."):
            await reader.read()
            self.left.set()
        writer.close()


@asynccontextmanager
async def host_that_says(answer: bytes) -> AsyncIterator[tuple[FakeHost, SocketTransport]]:
    host = FakeHost(answer)
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        path = str(Path(folder) / "s")
        async with await asyncio.start_unix_server(host.serve, path):
            yield host, SocketTransport(Endpoint(INFO, socket_path=path, api_key="secret"))


async def read(transport: SocketTransport) -> tuple[int, bytes]:
    async with transport.post("/completion", b'{"n": 1}') as response:
        return response.status, b"".join([chunk async for chunk in response.chunks()])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", (200, b"good")),
        (CHUNKED + b"2\r\ngo\r\n2\r\nod\r\n0\r\n\r\n", (200, b"good")),
        (b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad", (500, b"bad")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", (200, b"good")),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", (200, b"to the end")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", (200, b"")),
    ],
)
async def test_answers(answer: bytes, expected: tuple[int, bytes]) -> None:
    async with host_that_says(answer) as (host, transport):
        assert await read(transport) == expected
        [request] = host.requests
        assert request.startswith(b"POST /completion HTTP/1.1\r\n")
        assert b"authorization: bearer secret\r\n" in request.lower()
        assert b"connection: close\r\n" in request.lower()
        assert request.endswith(b'\r\n\r\n{"n": 1}')


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        CHUNKED + b"5\r\nab",
        CHUNKED + b"zz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000,
    ],
)
async def test_an_answer_that_breaks_off(answer: bytes) -> None:
    async with host_that_says(answer) as (_, transport):
        with pytest.raises(TransportFailed):
            await read(transport)


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(TransportFailed):
        await read(SocketTransport(Endpoint(INFO, socket_path=str(tmp_path / "none"))))


async def test_leaving_the_answer_closes_the_connection() -> None:
    async with host_that_says(CHUNKED + b"3\r\n...") as (host, transport):
        async with transport.post("/completion", b"{}") as response:
            assert response.status == 200
        await host.left.wait()
