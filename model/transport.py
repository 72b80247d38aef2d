"""One POST to an engine host: bytes out, a status and a stream of bytes back. Two ways, one small protocol.

Runs in the editor session. On the host's private socket h11 writes requests and reads the heads of answers,
right on asyncio's streams, which takes half the time of the full client (0.69 ms of CPU for a small request,
not 1.52); their bodies are read by `framing`. Everything else (loopback ports, other machines) goes through
the full client. Must not know the API, prompts or how hosts start.

A connection for each request: a kept one holds one of llama-server's few HTTP threads while it is idle, and
often dies silently after a stream; opening a unix socket costs 0.1 ms. Leaving the answer closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import h11

from model.framing import Body, Malformed, UntilEnd, body_of
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
            answer = _SocketResponse(reader, writer)
            await answer.begin(self._request(answer.state, path, content))
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


class Silence:
    """Ends a connection that says nothing for SILENCE_S, or up to twice that: one timer for an answer, not
    one for each token."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.is_heard, self.is_over = False, False
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SILENCE_S, self._look)

    def _look(self) -> None:
        if self.is_heard:
            self.is_heard = False
            self.watch()
        else:
            self.is_over = True
            self._transport.abort()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class _SocketResponse:
    """h11 reads the head; the body, which comes token by token, is cut out of its frame here."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.state = h11.Connection(h11.CLIENT)
        self.status = 0
        self._reader, self._writer = reader, writer
        self._body: Body = UntilEnd()
        self._silence = Silence(writer.transport)

    async def begin(self, request: bytes) -> None:
        try:
            self._writer.write(request)
            async with asyncio.timeout(SEND_S):
                await self._writer.drain()
        except OSError as error:
            raise TransportFailed("the request was not taken") from error
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise TransportFailed("no answer")
        self.status = event.status_code
        self._body = body_of(event.headers)

    async def _next(self) -> object:
        """The next event of the head; a stream that ends too early is none."""
        try:
            while (event := self.state.next_event()) is h11.NEED_DATA:
                async with asyncio.timeout(SILENCE_S):
                    self.state.receive_data(await self._reader.read(READ_BYTES))
        except (OSError, h11.ProtocolError) as error:
            raise TransportFailed("the answer broke off") from error
        return event

    async def chunks(self) -> AsyncIterator[bytes]:
        content = self._cut_out(bytes(self.state.trailing_data[0]))
        self._silence.watch()
        try:
            while content or not self._body.is_whole:
                if content:
                    yield content
                content = b"" if self._body.is_whole else await self._read()
        finally:
            self._silence.close()

    async def _read(self) -> bytes:
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as error:
            raise TransportFailed("the answer broke off") from error
        self._silence.is_heard = True
        if self._silence.is_over:
            raise TransportFailed("the answer was silent for too long")
        return self._cut_out(data, is_end=not data)

    def _cut_out(self, data: bytes, *, is_end: bool = False) -> bytes:
        try:
            if is_end:
                self._body.end()
            return self._body.feed(data)
        except Malformed as error:
            raise TransportFailed("the answer broke off") from error
