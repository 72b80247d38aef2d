"""One POST to an engine host: bytes out, a status and a stream of bytes back. Two ways, one small protocol.

Runs in the editor session. On the host's private socket h11 speaks HTTP/1.1 right on asyncio's streams, which
takes half the time of the full client (0.69 ms of CPU for a small request, not 1.52). Everything else
(loopback ports, other machines) goes through the full client. Must not know the API, prompts or how hosts
start.

A connection for each request: a kept one holds one of llama-server's few HTTP threads while it is idle, and
often dies silently after a stream; opening a unix socket costs 0.1 ms. Leaving the answer closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import h11

from model.protocol import Endpoint

SILENCE_S: Final = 120.0  # a long prompt on a slow machine takes a while before its first token
CONNECT_S: Final = 5.0
SEND_S: Final = 10.0
READ_BYTES: Final = 64 * 1024


class TransportFailed(Exception):
    """The connection was refused, broke off, or was silent for too long."""


class Response(Protocol):
    """The head of an answer has arrived."""

    @property
    def status(self) -> int: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Raises TransportFailed when the answer breaks off."""
        ...


class Transport(Protocol):
    """How requests travel to one host."""

    def post(self, path: str, content: bytes) -> AbstractAsyncContextManager[Response]:
        """Raises TransportFailed when no head of an answer comes. Without content it is a GET."""
        ...

    async def aclose(self) -> None: ...


def build_headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Connection": "close"}
    return headers | ({"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {})


class SocketTransport:
    """To a unix socket."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._path = endpoint.socket_path
        self._headers = [("Host", "localhost"), *build_headers(endpoint).items()]

    @asynccontextmanager
    async def post(self, path: str, content: bytes) -> AsyncIterator[Response]:
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise TransportFailed("no connection") from error
        try:
            answer = _SocketResponse(reader)
            await answer.begin(writer, self._request(answer.state, path, content))
            yield answer
        finally:
            writer.transport.abort()

    def _request(self, state: h11.Connection, path: str, content: bytes) -> bytes:
        headers = [*self._headers, ("Content-Length", str(len(content)))]
        method = "POST" if content else "GET"
        head = state.send(h11.Request(method=method, target=path, headers=headers)) or b""
        return head + (state.send(h11.Data(data=content)) or b"") + (state.send(h11.EndOfMessage()) or b"")

    async def aclose(self) -> None:
        """Nothing is kept open."""


class _SocketResponse:
    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.state = h11.Connection(h11.CLIENT)
        self.status = 0
        self._reader = reader

    async def begin(self, writer: asyncio.StreamWriter, request: bytes) -> None:
        try:
            writer.write(request)
            async with asyncio.timeout(SEND_S):
                await writer.drain()
        except OSError as error:
            raise TransportFailed("the request was not taken") from error
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise TransportFailed("no answer")
        self.status = event.status_code

    async def chunks(self) -> AsyncIterator[bytes]:
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise TransportFailed("the answer broke off")
            yield bytes(event.data)

    async def _next(self) -> object:
        """The next event of the protocol; a stream that ends too early is none."""
        try:
            while (event := self.state.next_event()) is h11.NEED_DATA:
                async with asyncio.timeout(SILENCE_S):
                    self.state.receive_data(await self._reader.read(READ_BYTES))
        except (OSError, h11.ProtocolError) as error:
            raise TransportFailed("the answer broke off") from error
        return event
