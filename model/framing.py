"""Where the body of an HTTP/1.1 answer begins and ends: by its size, in chunks, or with the connection.

Pure: bytes in, content out; runs in the session. An answer is read token by token, and a general parser's
events took a fifth of the time that the session spends on one. Must not know sockets or what the content
means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

MAX_LINE: Final = 1024
CRLF: Final = b"\r\n"
_ONE_CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")


class Malformed(ValueError):
    """The bytes are no HTTP/1.1 body."""


class Body(Protocol):
    """One answer's body."""

    @property
    def is_whole(self) -> bool: ...

    def feed(self, data: bytes) -> bytes:
        """The content in these bytes. Raises Malformed."""
        ...

    def end(self) -> None:
        """The connection has ended. Raises Malformed where something is missing."""
        ...


class Sized:
    """So many bytes."""

    def __init__(self, n_bytes: int) -> None:
        self._n_left = n_bytes

    @property
    def is_whole(self) -> bool:
        return self._n_left == 0

    def feed(self, data: bytes) -> bytes:
        content = data[: self._n_left]
        self._n_left -= len(content)
        return content

    def end(self) -> None:
        if self._n_left:
            raise Malformed("less than was said")


class UntilEnd:
    """As much as comes."""

    is_whole = False

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> None:
        self.is_whole = True


class Chunked:
    """A size, so many bytes, and again; a size of nothing is the end, behind which more headers may stand."""

    def __init__(self) -> None:
        self.is_whole = False
        self._rest = b""  # of a line whose end has not come
        self._n_left = 0  # of a chunk, with the line end behind it
        self._is_last = False

    def feed(self, data: bytes) -> bytes:
        if not self._rest and not self._n_left and (one := _ONE_CHUNK.match(data)):
            content = data[one.end() : -len(CRLF)]
            if content and len(content) == int(one[1], 16) and data.endswith(CRLF) and not self._is_last:
                return content  # what a token comes in
        return self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        data, self._rest = self._rest + data, b""
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and not self.is_whole:
            if self._n_left > len(CRLF):
                pieces.append(data[at : at + self._n_left - len(CRLF)])
                at += len(pieces[-1])
                self._n_left -= len(pieces[-1])
            elif self._n_left:
                at += self._pass_line_end(data[at : at + self._n_left])
            else:
                at = self._read_line(data, at)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pass_line_end(self, data: bytes) -> int:
        if not CRLF[len(CRLF) - self._n_left :].startswith(data):
            raise Malformed("a chunk longer than was said")
        self._n_left -= len(data)
        return len(data)

    def _read_line(self, data: bytes, at: int) -> int:
        """A size, or what stands behind the last one. Returns where it ends."""
        end = data.find(CRLF, at)
        if (end if end >= 0 else len(data)) - at > MAX_LINE:
            raise Malformed("a size without an end")
        if end < 0:
            self._rest = data[at:]
            return len(data)
        line = data[at:end]
        if self._is_last:
            self.is_whole = not line
        else:
            self._begin(line.partition(b";")[0].strip())
        return end + len(CRLF)

    def _begin(self, size: bytes) -> None:
        if not size.isalnum():
            raise Malformed("no size")
        try:
            n_bytes = int(size, 16)
        except ValueError as error:
            raise Malformed("no size") from error
        self._is_last = n_bytes == 0
        self._n_left = n_bytes + len(CRLF) if n_bytes else 0

    def end(self) -> None:
        if not self.is_whole:
            raise Malformed("no last chunk")


def body_of(headers: Iterable[tuple[bytes, bytes]]) -> Body:
    """By the headers, whose names are in lower case."""
    named = dict(headers)
    if b"transfer-encoding" in named:
        return Chunked()
    if b"content-length" in named:
        return Sized(int(named[b"content-length"]))
    return UntilEnd()
