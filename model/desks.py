"""Which of a session's slots a prompt is computed in: the one whose KV cache begins alike.

Who turns back to a place, or to a file, finds it as it was left. Only one slot is a session's own; others it
borrows as long as they are nobody's (`slots.py`).

Runs in the editor session. Pure values; must not know HTTP, hosts or who else computes there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from model.sequences import count_common
from model.slots import ANY_SLOT

ALIKE_SHARE: Final = 0.4  # of a prompt: with less in common it is another place, and takes another slot


class Desks:
    """What was posted last to each slot. For one host."""

    def __init__(self) -> None:
        self._ids: OrderedDict[int, Sequence[int]] = OrderedDict()  # the slot that was used last stands last

    def choose(self, ids: Sequence[int], slots: Sequence[int]) -> int:
        """Of these, the one that has most of the prompt; else one that has nothing yet, else the one that was
        used longest ago."""
        known = [slot for slot in reversed(self._ids) if slot in slots]
        if len(slots) < 2:
            return slots[0] if slots else ANY_SLOT
        for share in (1 - ALIKE_SHARE, ALIKE_SHARE):
            for slot in known:
                if count_common(self._ids[slot], ids) >= share * len(ids):
                    return slot
        unused = [slot for slot in slots if slot not in self._ids]
        return unused[0] if unused else known[-1]

    def note(self, slot: int, ids: Sequence[int]) -> None:
        """A prompt is posted."""
        self._ids[slot] = ids
        self._ids.move_to_end(slot)
