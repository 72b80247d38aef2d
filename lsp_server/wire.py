"""Messages on stdin and stdout: frames, JSON, and reads and writes that never block the loop.

Runs in the session. Must not know a method, LSP or pygls. Whatever bytes arrive, the reader goes on with the
next frame: a bad header is skipped up to the next `Content-Length`, and a body that is no JSON is handed over
as `BadMessage`, to be answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import re
import select
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

MAX_BODY_BYTES = 512 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
READ_BYTES = 256 * 1024
MAX_UNDELIVERED = 64  # the loop breathes between so many messages, however fast the client writes
CLOSE_TIMEOUT_S = 2.0

logger = logging.getLogger(__name__)

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_CONTENT_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A body that is not JSON, and why."""

    reason: str


class FrameParser:
    """Cuts a stream of bytes into bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_bytes: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Every body that is complete now."""
        self._buffer += data
        while (body := self._next_body()) is not None:
            yield body

    def _next_body(self) -> bytes | None:
        while self._body_bytes is None:
            if not self._read_header():
                return None
        if len(self._buffer) < self._body_bytes:
            return None
        body = bytes(self._buffer[: self._body_bytes])
        del self._buffer[: self._body_bytes]
        self._body_bytes = None
        return body

    def _read_header(self) -> bool:
        """Takes one header block off the buffer, good or bad. False when there is no whole one."""
        end = _HEADER_END.search(self._buffer)
        if end is None:
            del self._buffer[:-MAX_HEADER_BYTES]
            return False
        lengths = _CONTENT_LENGTH.findall(self._buffer[: end.end()])
        del self._buffer[: end.end()]
        if lengths and int(lengths[-1]) <= MAX_BODY_BYTES:
            self._body_bytes = int(lengths[-1])
        else:
            logger.warning("Skipped a header without a usable Content-Length.")
        return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_body(body: bytes) -> object:
    """The JSON value of a body, or `BadMessage`. Bytes that are not UTF-8 count as U+FFFD."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return BadMessage(f"The message is not JSON: {error}")


class MessageReader:
    """Reads a file descriptor and hands each message to the loop: in the loop itself where it can wait for
    the descriptor, which spares a hand-over between threads for each key; else in a thread."""

    def __init__(
        self,
        descriptor: int,
        loop: asyncio.AbstractEventLoop,
        on_message: Callable[[object], None],
        on_end: Callable[[], None],
    ) -> None:
        self._descriptor = descriptor
        self._loop = loop
        self._on_message = on_message
        self._on_end = on_end
        self._parser = FrameParser()
        self._messages: deque[object] = deque()
        self._is_paused = False
        self._room = threading.Semaphore(MAX_UNDELIVERED)

    def start(self) -> None:
        try:
            self._loop.add_reader(self._descriptor, self._on_readable)
        except (NotImplementedError, OSError):  # a file; a pipe on Windows
            threading.Thread(target=self._run, name="edgewise-reader", daemon=True).start()

    def _on_readable(self) -> None:
        data = self._read()
        self._messages.extend(map(parse_body, self._parser.feed(data)))
        if not data or len(self._messages) > 1:
            self._loop.remove_reader(self._descriptor)
            self._is_paused = True
        if not data:
            self._on_end()
        elif self._messages:
            self._loop.call_soon(self._deliver_next)

    def _deliver_next(self) -> None:
        """Where several came together, the loop breathes in between, and nothing is read before the last."""
        message = self._messages.popleft()
        if self._messages:
            self._loop.call_soon(self._deliver_next)
        elif self._is_paused:
            self._is_paused = False
            self._loop.add_reader(self._descriptor, self._on_readable)
        self._on_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, READ_BYTES)
        except OSError:
            return b""

    # --- where the loop cannot wait for the descriptor -----------------------------------------------------

    def _run(self) -> None:
        try:
            while data := self._read():
                for body in self._parser.feed(data):
                    self._room.acquire()
                    self._loop.call_soon_threadsafe(self._deliver, parse_body(body))
            self._loop.call_soon_threadsafe(self._on_end)
        except RuntimeError:
            logger.debug("The loop was closed while messages still arrived.")

    def _deliver(self, message: object) -> None:
        self._room.release()
        self._on_message(message)


class MessageWriter:
    """Writes to a file descriptor: what is short at once, where it takes that; the rest in a thread, so that
    a client that does not read never blocks the loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._n_queued = 0  # counted by the loop
        self._n_written = 0  # counted by the thread
        self._thread = threading.Thread(target=self._run, name="edgewise-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        n_out = 0
        if self._n_queued == self._n_written and _takes_at_once(self._descriptor, len(data)):
            n_out = self._write_some(data)
        if n_out < len(data):
            self._n_queued += 1
            self._queue.put(data[n_out:])

    def close(self) -> None:
        """Returns when what was written is out, or the client does not take it."""
        self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            view = memoryview(data)
            while view:
                view = view[self._write_some(view) :]
            self._n_written += 1

    def _write_some(self, data: bytes | memoryview) -> int:
        """How many bytes are dealt with: all of them when nobody will read them any more."""
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            logger.info("The client does not read any more: %s", error)
            return len(data)


def _takes_at_once(descriptor: int, n_bytes: int) -> bool:
    """Whether a write would not block: a pipe that polls as writable takes so much."""
    if not hasattr(select, "poll") or n_bytes > select.PIPE_BUF:
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def take_stdio() -> tuple[int, int]:
    """Descriptors of our own for the client's pipes. From then on a stray `print`, ours or a library's, goes
    to stderr, and child processes do not inherit the pipes."""
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, target
