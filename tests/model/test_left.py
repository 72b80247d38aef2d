"""What happens where a slot does not become free as expected. With a real engine: `test_client.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from model.left import Left
from model.transport import Response, TransportFailed

SLOT = 1
FREE = {"id": SLOT, "is_processing": False, "id_task": 7}
OTHER = {"id": 0, "is_processing": True, "id_task": 7}


def busy(task: int) -> dict[str, object]:
    return {"id": SLOT, "is_processing": True, "id_task": task}


@dataclass(frozen=True)
class Answer:
    content: bytes
    status: int = 200

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.content


class Script:
    """A transport to an engine that says these things, one at each look; the last for ever."""

    def __init__(self, *slots: object) -> None:
        self._left = list(slots)
        self.n_looks = 0
        self.looked = asyncio.Event()

    @asynccontextmanager
    async def post(self, path: str, content: bytes) -> AsyncIterator[Response]:
        assert (path, content) == ("/slots", b"")
        self.n_looks += 1
        self.looked.set()
        said = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(said, TransportFailed):
            raise said
        yield Answer(json.dumps(said).encode())

    async def aclose(self) -> None:
        """Nothing is open."""


CASES = [
    pytest.param([[OTHER, busy(7)], [OTHER, busy(7)], [OTHER, FREE]], 3, id="its end is seen"),
    pytest.param([[busy(7)], [busy(8)]], 2, id="another session's task is not waited for"),
    pytest.param([[busy(7)], TransportFailed()], 2, id="the host is gone"),
    pytest.param([{"error": {"code": 501}}], 1, id="an engine that shows no slots"),
    pytest.param([[FREE]], 1, id="nothing was begun"),
]


@pytest.mark.parametrize(("slots", "n_looks"), CASES)
async def test_waits_for_what_was_given_up(slots: list[object], n_looks: int) -> None:
    engine = Script(*slots)
    left = Left(engine)
    left.leave(SLOT)
    await left.wait_free(SLOT)
    assert engine.n_looks == n_looks


async def test_a_slot_that_is_never_free_holds_nobody_up_for_ever() -> None:
    engine = Script([busy(7)])
    left = Left(engine, limit_s=0.02)
    left.leave(SLOT)
    await left.wait_free(SLOT)
    assert engine.n_looks >= 1


async def test_nobody_looks_while_the_answer_is_on_its_way() -> None:
    engine = Script([FREE])
    left = Left(engine)
    left.leave(SLOT)
    await asyncio.sleep(0.001)
    assert engine.n_looks == 0
    await left.wait_free(SLOT)
    assert engine.n_looks == 1
    engine.looked.clear()
    left.leave(SLOT)
    await asyncio.wait_for(engine.looked.wait(), 10)  # later, though nobody waits


async def test_other_slots_do_not_wait() -> None:
    engine = Script([busy(7)])
    left = Left(engine)
    left.leave(SLOT)
    left.leave(-1)
    async with asyncio.timeout(0):
        await left.wait_free(0)
        await left.wait_free(-1)
    left.close()
