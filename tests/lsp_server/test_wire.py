"""Frames and JSON: whatever bytes arrive, the next good frame is found."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.wire import BadMessage, FrameParser, MessageReader, MessageWriter, parse_body


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def feed_all(*chunks: bytes) -> list[bytes]:
    parser = FrameParser()
    return [body for chunk in chunks for body in parser.feed(chunk)]


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 50))
def test_frames_in_chunks_of_any_size(bodies, size):
    stream = b"".join(map(frame, bodies))
    assert feed_all(*(stream[i : i + size] for i in range(0, len(stream), size))) == bodies


@pytest.mark.parametrize(
    "bad",
    [
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: 99999999999999999\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Nothing: 3\r\n\r\n",
        b"\r\n\r\n",
        b"\xff\xfe\x00",
        b'{"jsonrpc": "2.0"}',
        b"x" * 200_000,
    ],
)
def test_after_a_bad_header_the_next_frame_is_found(bad):
    assert feed_all(bad, frame(b"good"), frame(b"better")) == [b"good", b"better"]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length:2\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: x\r\n\r\n",
        b"Content-Length: 2\n\n",
    ],
)
def test_headers_that_clients_send(header):
    assert feed_all(header + b"{}") == [b"{}"]


def test_a_length_that_is_too_short_costs_that_message_alone():
    assert feed_all(b'Content-Length: 2\r\n\r\n{"id": 1}' + frame(b"{}")) == [b'{"', b"{}"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'a': 1}", b"[NaN]", b"[-Infinity]", b"[" * 100_000, b"1" * 5000, b'"\xff'],
)
def test_a_body_that_is_no_json_is_told(body):
    assert isinstance(parse_body(body), BadMessage)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"\xff"', "\ufffd"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"\\ud800"', "\ud800"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"[1e400]", [float("inf")]),
    ],
)
def test_a_body_that_is_odd_json_is_read(body, value):
    assert parse_body(body) == value


async def test_a_reader_hands_over_in_order_and_says_when_it_ends():
    source, target = os.pipe()
    n_messages = 500
    reading = asyncio.create_task(read_all(source))
    await asyncio.to_thread(os.write, target, b"".join(frame(b"%d" % i) for i in range(n_messages)))
    os.close(target)
    assert await reading == list(range(n_messages))
    os.close(source)


async def test_a_reader_of_a_file(tmp_path):
    """Which no loop can wait for."""
    path = tmp_path / "messages"
    path.write_bytes(b"".join(frame(b"%d" % i) for i in range(500)))
    with path.open("rb") as file:
        assert await read_all(file.fileno()) == list(range(500))


async def test_the_loop_breathes_between_messages_that_come_together():
    source, target = os.pipe()
    loop, turns, ended = asyncio.get_running_loop(), [0], asyncio.Event()
    seen: list[int] = []

    def on_message(_: object) -> None:
        seen.append(turns[0])
        loop.call_soon(lambda: turns.append(turns.pop() + 1))

    os.write(target, b"".join(frame(b"1") for _ in range(5)))
    os.close(target)
    MessageReader(source, loop, on_message, ended.set).start()
    await asyncio.wait_for(ended.wait(), 10)
    os.close(source)
    assert seen == [0, 0, 1, 2, 3]  # the second overtakes what the first left to do, as a cancellation must


async def test_a_message_that_is_not_handled_does_not_stop_the_next():
    source, target = os.pipe()
    loop, errors, seen, ended = asyncio.get_running_loop(), [], [], asyncio.Event()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))

    def on_message(message: object) -> None:
        seen.append(message)
        raise ValueError(message)

    os.write(target, frame(b"1") + frame(b"2"))
    MessageReader(source, loop, on_message, ended.set).start()
    os.write(target, frame(b"3"))
    os.close(target)
    await asyncio.wait_for(ended.wait(), 10)
    os.close(source)
    assert seen == [1, 2, 3] and len(errors) == 3


async def read_all(source: int) -> list[object]:
    seen: list[object] = []
    ended = asyncio.Event()
    MessageReader(source, asyncio.get_running_loop(), seen.append, ended.set).start()
    await asyncio.wait_for(ended.wait(), 10)
    return seen


async def test_a_client_that_does_not_read_does_not_block_the_writer():
    source, target = os.pipe()
    writer = MessageWriter(target)
    size = 1 << 20  # far more than a pipe holds
    writer.write(b"x" * size)
    read = 0
    while read < size:
        read += len(await asyncio.to_thread(os.read, source, 1 << 16))
    writer.close()
    os.close(source)
    os.close(target)
    assert read == size


def test_a_short_message_is_out_when_write_returns():
    source, target = os.pipe()
    writer = MessageWriter(target)
    writer.write(b"short")
    os.set_blocking(source, False)
    assert os.read(source, 10) == b"short"
    writer.close()
    os.close(source)
    os.close(target)


async def test_short_messages_do_not_overtake_long_ones():
    source, target = os.pipe()
    writer = MessageWriter(target)
    parts = [b"a" * (1 << 20), b"b", b"c" * 100_000, b"d"]
    for part in parts:
        writer.write(part)
    read = b""
    while len(read) < sum(map(len, parts)):
        read += await asyncio.to_thread(os.read, source, 1 << 16)
    writer.write(b"e")
    writer.close()
    assert read == b"".join(parts)
    assert os.read(source, 10) == b"e"
    os.close(source)
    os.close(target)


def test_a_client_that_is_gone_ends_the_writer_quietly():
    source, target = os.pipe()
    os.close(source)
    writer = MessageWriter(target)
    writer.write(b"x")
    writer.close()
    os.close(target)
