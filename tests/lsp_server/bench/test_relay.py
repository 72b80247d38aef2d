"""The relay counts what the real engine states, whoever asks and however it ends."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from lsp_server.bench.relay import PROGRESS, Stated, Tally, joined, read_event, with_progress
from lsp_server.bench.room import Room, open_room, own_folders
from lsp_server.settings import ModelSettings
from model.fit import Fit
from model.protocol import GenerationOptions, SegmentKind, TokenPrompt, TokenSegment

FIT = Fit(1, 1500.0, 300.0)
TEXT = "".join(f"value_{n} = compute({n}, other_{n})\n" for n in range(120))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A host of the built-in model under a relay."""
    settings = ModelSettings(n_threads=1, idle_exit_s=0.5)
    with tempfile.TemporaryDirectory(prefix="ew-") as name, own_folders(Path(name)):
        async with open_room(settings, FIT) as room:
            yield room


def prompt_of(ids: list[int]) -> TokenPrompt:
    return TokenPrompt((TokenSegment(SegmentKind.PREFIX, "", "", tuple(ids)),))


async def test_streams_and_prefills_are_counted_as_the_engine_states_them(room: Room) -> None:
    ids = (await room.tokens.ids(TEXT))[:300]
    usage = await room.client.prefill(prompt_of(ids[:200]), slot=0)
    assert room.tally.total.n_evaluated == usage.n_evaluated == 200
    pieces = [piece async for piece in room.generate(ids, GenerationOptions(n_predict=4))]
    assert "".join(pieces)
    assert [(one.n_cached, one.n_evaluated) for one in room.tally.requests] == [(0, 200), (200, 100)]


async def test_a_request_that_is_given_up_is_counted_as_far_as_it_came(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = (await room.tokens.ids(TEXT * 3))[:1500]

    async def ask() -> None:
        async with aclosing(room.generate(ids, GenerationOptions(n_predict=4))) as pieces:
            async for _ in pieces:
                pass

    begun, note = asyncio.Event(), Tally.note

    def noted(tally: Tally, number: int, event: Mapping[str, Any]) -> None:
        note(tally, number, event)
        if tally.total.n_evaluated:
            begun.set()

    monkeypatch.setattr(Tally, "note", noted)
    asking = asyncio.create_task(ask())
    await begun.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    first = room.tally.total.n_evaluated
    await ask()
    last = room.tally.requests[-1]
    assert 0 < first <= 1500
    assert last.n_cached + last.n_evaluated == 1500


def test_events() -> None:
    progress = {PROGRESS: {"total": 50, "cache": 10, "processed": 30, "time_ms": 1}}
    begun = read_event(progress, Stated())
    assert begun == Stated(50, 10, 20)
    assert begun.cut_off(8) == Stated(50, 10, 28)
    assert begun.cut_off(64) == Stated(50, 10, 40)
    assert read_event({"content": "a"}, begun) == begun
    assert read_event({"timings": {"cache_n": 10, "prompt_n": 40}}, begun) == Stated(50, 10, 40)


def test_a_tally_adds_up() -> None:
    tally = Tally(n_batch=4)
    for n in (3, 5):
        tally.note(tally.begin(), {"timings": {"cache_n": 1, "prompt_n": n}})
    assert (tally.total.n_evaluated, tally.total.n_cached) == (8, 2)


def test_the_request_is_asked_with_its_progress_and_answered_in_one_piece() -> None:
    asked = with_progress({"prompt": [1], "response_fields": ("content",)})
    assert asked["stream"]
    assert asked["response_fields"] == ["content", PROGRESS]
    assert joined([{"content": "a"}, {"content": "b", "stop": True}]) == {"content": "ab", "stop": True}
