"""What the engine still computes for requests that were given up, and the newest request that waits for it.

The engine finishes a batch that nobody waits for. What is posted meanwhile is queued, and begun even when it
was given up too: one more at each key. So it waits here, and only the newest is posted. It waits for the task
that was given up and for no other's, and not for ever: what lasts longer is left to the engine's own queue.

Runs in the editor session. Looking fails silently: whoever posts next finds out what is wrong. Must not know
prompts or how hosts start.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from model.answers import parse_busy_task
from model.transport import Transport, TransportFailed

LOOK_S: Final = 0.002  # between two looks; while a batch is computed one look lasts as long as it does
FIRST_LOOK_S: Final = 0.02  # after that, unless somebody waits: the answer is on its way to the editor first
LIMIT_S: Final = 0.5  # twice what a cancelled prefill of a large model may cost


@dataclass(frozen=True, slots=True)
class _Leaving:
    task: asyncio.Task[None]
    is_wanted: asyncio.Event


class Left:
    """For one host: the slots in which something of this session's was given up."""

    def __init__(self, transport: Transport, limit_s: float = LIMIT_S) -> None:
        self._transport, self._limit_s = transport, limit_s
        self._by_slot: dict[int, _Leaving] = {}

    def leave(self, slot: int) -> None:
        """A request in this slot was given up before its end."""
        if slot >= 0:
            is_wanted = asyncio.Event()
            self._by_slot[slot] = _Leaving(asyncio.ensure_future(self._see_out(slot, is_wanted)), is_wanted)

    async def wait_free(self, slot: int) -> None:
        """Until what was given up in this slot is out of it."""
        while (leaving := self._by_slot.get(slot)) and not leaving.task.done():
            leaving.is_wanted.set()
            await asyncio.wait({leaving.task})

    def close(self) -> None:
        for leaving in self._by_slot.values():
            leaving.task.cancel()

    async def _see_out(self, slot: int, is_wanted: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await is_wanted.wait()
        with suppress(TransportFailed, TimeoutError, ValueError):
            async with asyncio.timeout(self._limit_s):
                given_up = task = await self._look(slot)
                while task is not None and task == given_up:
                    await asyncio.sleep(LOOK_S)
                    task = await self._look(slot)

    async def _look(self, slot: int) -> int | None:
        async with self._transport.post("/slots", b"") as response:
            answer = b"".join([chunk async for chunk in response.chunks()])
        return parse_busy_task(json.loads(answer), slot)
