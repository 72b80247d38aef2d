"""The event stream, however it is cut into chunks."""

from __future__ import annotations

import pytest

from model.sse import MAX_EVENT_BYTES, EventReader, MalformedStream

STREAM = (
    b'data: {"content":"a"}\n\n: a comment\r\n'
    b'data: {"content":"\xc3\xa9","stop":true}\r\n\r\ndata: [DONE]\n\n'
)
EVENTS = [{"content": "a"}, {"content": "é", "stop": True}]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_any_chunks(size: int) -> None:
    reader = EventReader()
    chunks = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for chunk in chunks for event in reader.feed(chunk)] == EVENTS


def test_an_error_line() -> None:
    assert list(EventReader().feed(b'error: {"code":500}\n')) == [{"error": {"code": 500}}]


@pytest.mark.parametrize(
    "bad", [b"data: {oops}\n", b"data: [1]\n", b"data: \xff\n", b"x" * (MAX_EVENT_BYTES + 1)]
)
def test_malformed(bad: bytes) -> None:
    with pytest.raises(MalformedStream):
        list(EventReader().feed(bad))
