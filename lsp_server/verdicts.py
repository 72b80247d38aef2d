"""What became of the suggestions: taken, refused or passed over. Each counts once.

Runs in the session. What an editor says (`edgewise.accepted`, `edgewise.rejected`) counts most. Few editors
say everything, so what happens to the document is watched, too: a suggestion that was typed, or taken word by
word, to its end is accepted; one that stood long enough to be read and was typed over with something else is
rejected; one that was typed past before that, left, or replaced by another one is ignored. Typing through a
suggestion shows the rest of it again and again: that is one suggestion, by the id of its first showing.
Verdicts are noted for `edgewise stats`; nothing leaves the machine. Must not know LSP.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lsp_server.trace import ACCEPTED, IGNORED, REJECTED, TraceDraft, TraceLog
from lsp_server.types import Change, Completion, CompletionRequest

READ_S = 0.3  # nobody refuses what stood for a shorter time
MAX_SHOWN = 32  # documents with a suggestion on the screen
MAX_KNOWN = 1024
_WEIGHT = {ACCEPTED: 2, REJECTED: 1, IGNORED: 0}


@dataclass(slots=True)
class _Shown:
    """A suggestion on the screen. `wanted` is the document once it is taken whole; from `start` to `end`
    stands its text there. `first` is where the cursor was when it appeared, `cursor` where it is now."""

    suggestion_id: str
    wanted: str
    start: int
    end: int
    first: int
    cursor: int
    at_s: float


class Verdicts:
    """By the id of an item that was sent."""

    def __init__(self, traces: TraceLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._traces = traces
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._verdicts: OrderedDict[str, str] = OrderedDict()
        self._suggestions: OrderedDict[str, str] = OrderedDict()  # an item's id -> its suggestion's
        self._shown: OrderedDict[str, _Shown] = OrderedDict()

    @property
    def n_accepted(self) -> int:
        return self._counts[ACCEPTED]

    @property
    def n_rejected(self) -> int:
        return self._counts[REJECTED]

    @property
    def n_ignored(self) -> int:
        return self._counts[IGNORED]

    # --- told by the editor ---------------------------------------------------------------------------------

    def accept(self, item_id: str) -> None:
        self._decide(self._suggestions.get(item_id, item_id), ACCEPTED, "told")

    def reject(self, item_id: str) -> None:
        self._decide(self._suggestions.get(item_id, item_id), REJECTED, "told")

    # --- seen -----------------------------------------------------------------------------------------------

    def show(self, item_id: str, request: CompletionRequest, completion: Completion) -> str:
        """An item goes to the editor. Returns the id of the suggestion that it belongs to."""
        uri, text, span = request.snapshot.uri, request.snapshot.text, completion.span
        wanted = text[: span.start] + completion.text + text[span.end :]
        shown = self._shown.get(uri)
        if shown is None or shown.wanted != wanted:
            self._close(uri, "replaced")
            end = span.start + len(completion.text)
            shown = _Shown(item_id, wanted, span.start, end, request.offset, request.offset, self._clock())
            self._shown[uri] = shown
            if len(self._shown) > MAX_SHOWN:
                self._close(next(iter(self._shown)), "left")
        _remember(self._suggestions, item_id, shown.suggestion_id)
        return shown.suggestion_id

    def join(self, item_id: str, other_ids: Iterable[str]) -> None:
        """Items that went with another one: they count as one suggestion."""
        suggestion_id = self._suggestions.get(item_id, item_id)
        for other_id in other_ids:
            _remember(self._suggestions, other_id, suggestion_id)

    def on_edit(self, uri: str, text: str, change: Change | None) -> None:
        """A document was edited; `change` is the one edit, if it was one."""
        shown = self._shown.get(uri)
        if shown is None:
            return
        if text == shown.wanted:
            self._decide(shown.suggestion_id, ACCEPTED, "typed")
        elif change is None or change.offset < shown.start or change.offset > shown.cursor:
            self._close(uri, "left")
        elif not _follows(shown, text, change.cursor):
            is_read = self._clock() - shown.at_s >= READ_S
            self._decide(shown.suggestion_id, REJECTED if is_read else IGNORED, "typed-over")

    def on_cursor(self, uri: str, offset: int) -> None:
        shown = self._shown.get(uri)
        if shown is not None and offset != shown.cursor:
            self._close(uri, "left")

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._close(uri, "left")

    def _close(self, uri: str, how: str) -> None:
        if (shown := self._shown.get(uri)) is not None:
            self._decide(shown.suggestion_id, IGNORED, how)

    def _decide(self, suggestion_id: str, verdict: str, how: str) -> None:
        """The heavier verdict stays: who takes a suggestion after all has accepted it."""
        for uri in [uri for uri, one in self._shown.items() if one.suggestion_id == suggestion_id]:
            del self._shown[uri]
        before = self._verdicts.get(suggestion_id)
        if before is not None and _WEIGHT[before] >= _WEIGHT[verdict]:
            return
        if before is not None:
            self._counts[before] -= 1
        self._counts[verdict] += 1
        _remember(self._verdicts, suggestion_id, verdict)
        trace = TraceDraft(verdict)
        trace.set(suggestion=suggestion_id, how=how)
        self._traces.note(trace)


def _follows(shown: _Shown, text: str, cursor: int) -> bool:
    """Whether the edit went on in the suggestion, or back in it; then the cursor is there now."""
    if not shown.first <= cursor <= shown.end:
        return False
    shown.cursor = cursor
    return text.startswith(shown.wanted[shown.start : cursor], shown.start)


def _remember(table: OrderedDict[str, str], key: str, value: str) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > MAX_KNOWN:
        table.popitem(last=False)
