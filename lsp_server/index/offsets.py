"""From byte offsets, which tree-sitter counts, to `str` offsets, which everything else counts.

Runs in the session and in the index worker. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def encode(text: str) -> bytes:
    """UTF-8 that never fails: half a surrogate pair becomes three bytes of its own."""
    return text.encode("utf-8", "surrogatepass")


class ByteOffsets:
    """Calling it maps an offset in `encode(text)` to one in `text`."""

    def __init__(self, text: str) -> None:
        self._ends: list[int] = []
        self._extras: list[int] = []
        extra = 0
        for match in () if text.isascii() else _NOT_ASCII.finditer(text):
            extra += _n_bytes(match[0]) - 1
            self._ends.append(match.end() + extra)
            self._extras.append(extra)

    def __call__(self, byte: int) -> int:
        before = bisect_right(self._ends, byte) - 1
        return byte - self._extras[before] if before >= 0 else byte


def _n_bytes(character: str) -> int:
    code = ord(character)
    return 2 if code < 0x800 else 3 if code < 0x10000 else 4


def n_bytes_before(text: str, offset: int) -> int:
    """The other way, for a single offset."""
    return offset if text.isascii() else len(encode(text[:offset]))
