"""Newest wins: the older request is answered at once, its work is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from lsp_server.turns import Turns, run_in_turn


class Work:
    """Work that ends when it is told to, and knows whether it was cancelled; it takes its time to clean
    up."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.finish = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.cleaned_up = asyncio.Event()

    async def run(self) -> str:
        self.started.set()
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.cleaned_up.wait()
            raise ValueError("an error while cleaning up concerns nobody") from None
        return "done"


async def test_work_that_ends_in_its_turn():
    work = Work()
    work.finish.set()
    assert await run_in_turn(Turns().take("a"), work.run(), "superseded") == "done"


async def test_a_newer_request_answers_the_older_before_its_work_is_over():
    turns, work = Turns(), Work()
    older = asyncio.create_task(run_in_turn(turns.take("a"), work.run(), "superseded"))
    await work.started.wait()
    turns.take("a")
    assert await older == "superseded"
    await work.cancelled.wait()
    assert not work.cleaned_up.is_set()
    work.cleaned_up.set()


async def test_a_turn_that_is_over_before_the_work_began():
    turns, work = Turns(), Work()
    turn = turns.take("a")
    turns.take("a")
    assert await run_in_turn(turn, work.run(), "superseded") == "superseded"


async def test_other_documents_are_not_disturbed():
    turns, work = Turns(), Work()
    task = asyncio.create_task(run_in_turn(turns.take("a"), work.run(), "superseded"))
    await work.started.wait()
    turns.take("b")
    turns.end("b")
    work.finish.set()
    assert await task == "done"


async def test_cancelling_cancels_the_work():
    work = Work()
    task = asyncio.create_task(run_in_turn(Turns().take("a"), work.run(), "superseded"))
    await work.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await work.cancelled.wait()
    work.cleaned_up.set()


async def test_an_error_of_the_work_is_raised():
    async def fail() -> str:
        raise KeyError

    with pytest.raises(KeyError):
        await run_in_turn(Turns().take("a"), fail(), "superseded")
