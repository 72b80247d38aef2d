"""Suggestions that were made already, and type-through: a suggestion stays while a person types it.

Runs in the session. Values are frozen; the cache is bounded and belongs to one session. A suggestion is
served where the text before the cursor is what it was made for plus a beginning of the suggestion itself,
in the same document, with the same text after the cursor and the same settings. So it survives backspacing
to where it began, and no further: who deletes on wants something else. Must not know LSP or the model.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.completion.context import CompletionContext
from lsp_server.settings import CompletionSettings

PREFIX_TAIL_CHARS = 2048


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text as it came out of the filters, with LF line ends, and how many characters behind the cursor it
    replaces."""

    text: str
    n_replaced: int = 0


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where a suggestion holds: all but the text before the cursor. `suffix_hash` spares keeping every
    suffix."""

    uri: str
    language_id: str
    settings: CompletionSettings
    n_suffix: int
    suffix_hash: int

    @classmethod
    def of(cls, context: CompletionContext, settings: CompletionSettings) -> _Scene:
        snapshot, suffix = context.snapshot, context.suffix
        return cls(snapshot.uri, snapshot.language_id, settings, len(suffix), hash(suffix))


@dataclass(frozen=True, slots=True)
class _Place:
    """A scene and the text before the cursor, of which the end and the length are kept."""

    n_prefix: int
    prefix_tail: str
    scene: _Scene

    def rest_of(self, text: str, prefix: str) -> str:
        """What of a text made for this place is still to be typed behind `prefix`, or ""."""
        n_typed = len(prefix) - self.n_prefix
        if not 0 <= n_typed < len(text):
            return ""
        is_typed_through = prefix.endswith(text[:n_typed])
        is_same_before = prefix.endswith(self.prefix_tail, 0, self.n_prefix)
        return text[n_typed:] if is_typed_through and is_same_before else ""


class Suggestions:
    """The suggestions made last, the newest asked first. A list: to hash a place takes longer than to look at
    all of them."""

    def __init__(self, n_kept: int = 64) -> None:
        self._n_kept = n_kept
        self._kept: list[tuple[_Place, Suggestion]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, context: CompletionContext, settings: CompletionSettings) -> Suggestion | None:
        """The rest of a suggestion that holds at the cursor."""
        scene = _Scene.of(context, settings)
        for index in range(len(self._kept) - 1, -1, -1):
            place, suggestion = self._kept[index]
            if context.selected is not None and suggestion.n_replaced:
                continue  # the entry fixes what is replaced
            if (rest := place.rest_of(suggestion.text, context.prefix)) and place.scene == scene:
                self._kept.append(self._kept.pop(index))
                return Suggestion(rest, suggestion.n_replaced)
        return None

    def put(self, context: CompletionContext, settings: CompletionSettings, suggestion: Suggestion) -> None:
        tail = context.prefix[-PREFIX_TAIL_CHARS:]
        place = _Place(len(context.prefix), tail, _Scene.of(context, settings))
        self._kept = [kept for kept in self._kept if kept[0] != place]
        self._kept.append((place, suggestion))
        del self._kept[: -self._n_kept]

    def forget(self, uri: str) -> None:
        self._kept = [kept for kept in self._kept if kept[0].scene.uri != uri]

    def clear(self) -> None:
        self._kept.clear()
