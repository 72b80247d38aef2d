"""Bodies of answers, however their bytes arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.framing import MAX_LINE, Body, Chunked, Malformed, Sized, UntilEnd, body_of


def fed(body: Body, data: bytes, cuts: list[int]) -> bytes:
    """The content of bytes that arrive in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return b"".join(body.feed(data[start:end]) for start, end in pairwise(edges))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(0, 400), max_size=12))
def test_chunks_give_the_same_content_wherever_they_are_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(b"%x;note\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    body = Chunked()
    assert fed(body, data + b"0\r\nMore: headers\r\n\r\n", cuts) == b"".join(pieces)
    assert body.is_whole
    body.end()


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=6))
def test_any_bytes_are_content_or_malformed(data: bytes, cuts: list[int]) -> None:
    def read(cuts: list[int]) -> bytes | None:
        try:
            return fed(Chunked(), data, cuts)
        except Malformed:
            return None

    assert read(cuts) == read([])
    assert len(read([]) or b"") < max(1, len(data))


@pytest.mark.parametrize(
    "data", [b"zz\r\n", b"-1\r\n", b"1_0\r\n", b"\r\n", b"1\r\nab", b"2\r\nab\rx", b"1" * (MAX_LINE + 1)]
)
def test_malformed_chunks(data: bytes) -> None:
    with pytest.raises(Malformed):
        Chunked().feed(data)


@pytest.mark.parametrize("data", [b"", b"2\r\na", b"2\r\nab\r\n", b"0\r\n"])
def test_chunks_that_end_too_early(data: bytes) -> None:
    body = Chunked()
    body.feed(data)
    with pytest.raises(Malformed):
        body.end()


def test_a_size_and_no_more() -> None:
    body = Sized(4)
    assert body.feed(b"go") + body.feed(b"od and more") == b"good"
    assert body.is_whole
    with pytest.raises(Malformed):
        Sized(1).end()


def test_which_body_it_is() -> None:
    assert isinstance(body_of([(b"transfer-encoding", b"chunked")]), Chunked)
    assert isinstance(body_of([(b"content-length", b"3")]), Sized)
    assert isinstance(body_of([]), UntilEnd)
