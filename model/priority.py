"""Who goes first when one session wants two answers: a completion is waited for now, an explanation is read.

Runs in the editor session. While a completion is computed, an explanation lets go of its slot, whose KV cache
stays, and goes on behind what it had said. Must not know HTTP or prompts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class Way:
    """Free while no completion is computed."""

    def __init__(self) -> None:
        self._n_completing = 0
        self._freed = asyncio.Event()

    @property
    def is_free(self) -> bool:
        return self._n_completing == 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """As long as a completion is computed."""
        self._n_completing += 1
        self._freed.clear()
        try:
            yield
        finally:
            self._n_completing -= 1
            if self.is_free:
                self._freed.set()

    async def wait_free(self) -> None:
        while not self.is_free:
            await self._freed.wait()


SESSIONS_WAY: Final = Way()  # a process is one session, whatever number of models it asks
