"""Newest wins: of all requests for one document only the last is worked on.

Runs in the session. Must not know what the work is, or LSP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Turns:
    """Whose turn it is, by document."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[None]] = {}

    def take(self, uri: str) -> asyncio.Future[None]:
        """Supersedes the older request of this document. The future is done when a newer one comes."""
        self.end(uri)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last[uri] = turn
        return turn

    def end(self, uri: str) -> None:
        """The document changed hands or was closed: what still runs for it is in vain."""
        older = self._last.pop(uri, None)
        if older is not None and not older.done():
            older.set_result(None)


async def run_in_turn(turn: asyncio.Future[None], work: Coroutine[Any, Any, T], superseded: T) -> T:
    """The work's result, or `superseded` as soon as the turn is over; the work is then cancelled and not
    waited for. Cancelling this cancels the work."""
    task = asyncio.create_task(work)
    task.add_done_callback(_retrieve)
    try:
        await asyncio.wait((task, turn), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else superseded
    finally:
        task.cancel()


def _retrieve(task: asyncio.Task[T]) -> None:
    """What a cancelled task raises while it ends concerns nobody."""
    if not task.cancelled():
        task.exception()
