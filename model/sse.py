"""Reads a server-sent event stream of JSON objects, as llama-server and OpenAI-compatible servers write it.

Pure: bytes in, objects out. Runs in the session. Must not know HTTP or what the objects mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

MAX_EVENT_BYTES: Final = 1 << 20  # the last event of a long answer has some kilobytes
DONE: Final = b"[DONE]"


class MalformedStream(ValueError):
    """The bytes are no event stream of JSON objects."""


class EventReader:
    """Feed it chunks as they arrive; it yields each event that is complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        if not self._rest and chunk.startswith(b"data: {") and chunk.find(b"\n") == len(chunk) - 2:
            yield _parse(b"data", chunk[6:])  # one event, as most chunks are
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise MalformedStream("an event without an end")
        for line in lines:
            name, colon, data = line.strip().partition(b":")
            if colon and name in (b"data", b"error") and (data := data.strip()) != DONE:
                yield _parse(name, data)


def _parse(name: bytes, data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data.decode())
    except ValueError as error:
        raise MalformedStream("an event that is not JSON") from error
    if not isinstance(event, dict):
        raise MalformedStream("an event that is not an object")
    return {"error": event} if name == b"error" else event
