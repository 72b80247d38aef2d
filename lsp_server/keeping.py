"""Which prompts may be kept on disk: those about files that the index has read, as no rule leaves them out.

Runs in the session. An answer is good for a while, so that a keystroke seldom asks. Must not know the rules.
"""

from __future__ import annotations

import time
from typing import Final, Protocol

GOOD_FOR_S: Final = 30.0
MAX_PATHS: Final = 256


class Files(Protocol):
    """What is asked of the index."""

    async def is_read(self, relative_path: str) -> bool: ...


class Keeping:
    """Remembers what the index said of each path."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bool, float]] = {}

    async def may_keep(self, relative_path: str, files: Files | None) -> bool:
        """No without an index: then nobody knows which files are ignored."""
        if files is None or not relative_path:
            return False
        known = self._known.get(relative_path)
        if known is None or time.monotonic() - known[1] > GOOD_FOR_S:
            known = (await files.is_read(relative_path), time.monotonic())
            if len(self._known) >= MAX_PATHS:
                self._known.clear()
            self._known[relative_path] = known
        return known[0]
