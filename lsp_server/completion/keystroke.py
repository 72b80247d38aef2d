"""Where the cursor stands after an edit, when the edit is one keystroke of a person; else what kind of edit
it was.

Runs in the session. Pure. Editors tell of edits before they ask for a suggestion, and do not say where the
cursor is: behind what was typed. Pasting, undoing, formatting and typing in several places at once are edits,
too; nobody waits for a suggestion there until the editor asks. Must not know LSP.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from lsp_server.types import Change

MAX_TYPED_CHARS = 24
N_REMEMBERED = 64


class Quiet(StrEnum):
    """Edits that start nothing."""

    SEVERAL_PLACES = "several-places"
    PASTE = "paste"
    UNDO = "undo"
    BLANKS = "blanks"


@dataclass(slots=True)
class History:
    """The last states of one document, as hashes: an edit that brings one back is an undo."""

    _states: deque[int] = field(default_factory=lambda: deque(maxlen=N_REMEMBERED))

    def note(self, text: str) -> bool:
        """Whether the document stood like this before."""
        state = hash(text)
        is_known = state in self._states
        self._states.append(state)
        return is_known


def cursor_after(change: Change | None, text: str, *, was_there: bool) -> int | Quiet:
    """The offset of the cursor in `text`, the document after the edit. None: not one edit in one place."""
    if change is None:
        return Quiet.SEVERAL_PLACES
    if was_there and change.n_removed + len(change.text) > 1:
        return Quiet.UNDO
    if len(change.text) > MAX_TYPED_CHARS and change.text.strip():
        return Quiet.PASTE
    if "\n" in change.text.strip():
        return Quiet.PASTE
    if _is_blank_only(change, text):
        return Quiet.BLANKS
    return change.cursor


def _is_blank_only(change: Change, text: str) -> bool:
    """Indentation, or several blanks. A line end, and the blank behind a word, are when a suggestion is
    wanted most."""
    if not change.text or change.text.strip() or "\n" in change.text:
        return False
    line = text[text.rfind("\n", 0, change.offset) + 1 : change.offset]
    return len(change.text) > 1 or not line.strip()
