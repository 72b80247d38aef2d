"""Retrieval in one workspace folder, from a document and an offset to snippets; keeps what is reused.

Runs in the session, in the thread that all questions to the index run in. A question may take so long and no
longer: who is late gets what is there so far, or nothing; what was read meanwhile is kept, so that the next
one is in time.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from lsp_server.index.catalogue import Catalogue, Late
from lsp_server.index.document import ImportCache
from lsp_server.index.habits import Users
from lsp_server.index.languages import language_for
from lsp_server.index.live import LiveTexts
from lsp_server.index.outline import Outline, outline_of_text
from lsp_server.index.patterns import Patterns, cost_of, wanted_at, within
from lsp_server.index.place import Place, cut_line, read_place
from lsp_server.index.rank import with_typed
from lsp_server.index.reader import Reader
from lsp_server.index.recent import Lately, Recent
from lsp_server.index.related import Found, build_snippets, find
from lsp_server.index.view import OpenDocument, ParseCache
from lsp_server.index.weights import weights_for
from lsp_server.types import Retrieval, Snippet

# What a token of code is counted as where no model is at hand; so does the benchmark.
CHARS_PER_TOKEN = 3.5
_MIN_TYPED = 3
_WARM_UP_CHARS = 8000
_WARM_UP_NAMES = 800
_AT_ONCE = 100
# Of the time that a question may take, for what comes after the search: ranking, filling, the way back.
_RESERVED = 0.35


# Path, language, the text before the word and below the line; the other documents; what happened of late; the
# store's version.
_Asked: TypeAlias = tuple[str, str, str, str, Mapping[str, OpenDocument], Lately, int]


class Retriever:
    """One for each workspace folder."""

    def __init__(self, reader: Reader, parses: ParseCache, imports: ImportCache) -> None:
        self._catalogue = Catalogue(reader, parses)
        self._imports = imports
        self._live = LiveTexts()
        self._users = Users()
        self._is_frozen = False
        self._last: tuple[_Asked, Found] | None = None
        self._patterns = Patterns(reader)
        self.recent = Recent()

    def retrieve(
        self,
        documents: Mapping[str, OpenDocument],
        document: OpenDocument,
        offset: int,
        budget_chars: int,
        deadline_s: float | None = None,
    ) -> Retrieval:
        """`deadline_s` is a time of `time.monotonic`."""
        if deadline_s is not None:
            deadline_s -= _RESERVED * max(0.0, deadline_s - time.monotonic())
        try:
            found = self.find(documents, document, offset, deadline_s)
            if is_in_file(found):
                return Retrieval(note="in-file")
            patterns = within(self._show(document, found, may_read=deadline_s is None), budget_chars)
            left = budget_chars - sum(map(cost_of, patterns))
            snippets = (*build_snippets(self._catalogue, found, left), *patterns)
        except Late:
            return Retrieval(note="late", is_late=True)
        if found.is_late:
            return Retrieval(snippets, "late", is_late=True)
        return Retrieval(snippets, "" if snippets else "nothing")

    def study(self, document: OpenDocument) -> None:
        """Reads the patterns for a place, once the answer for it is out: the next question there has them."""
        if self._last is not None and self._last[0][0] == document.path:
            self._show(document, self._last[1], may_read=True)

    def _show(self, document: OpenDocument, found: Found, *, may_read: bool) -> tuple[Snippet, ...]:
        wanted = wanted_at(document.path, document.text, found.place, self._catalogue.version)
        return self._patterns.read(wanted) if may_read else self._patterns.known(wanted)

    def find(
        self,
        documents: Mapping[str, OpenDocument],
        document: OpenDocument,
        offset: int,
        deadline_s: float | None = None,
    ) -> Found:
        """The candidates in order, with the evidence for each.

        They are gathered for where the word at the cursor begins: while it is typed, no more than their order
        changes."""
        language = language_for(document.language_id, document.path)
        weights = weights_for(language.id if language is not None else "")
        start = _word_start(document.text, offset)
        others = {path: item for path, item in documents.items() if path != document.path}
        rest = (document.path, document.language_id, document.text[:start], _below(document.text, offset))
        lately = self.recent.lately(document.path)
        asked = (*rest, others, lately, self._catalogue.current_version())
        self._catalogue.limit(deadline_s)
        if self._last is not None and self._last[0] == asked:
            found = self._last[1]
        else:
            current, place = self._look(document, start)
            self._catalogue.refresh(others, current, deadline_s)
            found = find(self._catalogue, self._users, current, place, weights, lately)
            self._last = None if found.is_late else (asked, found)
        typed = document.text[start:offset]
        return replace(
            found,
            place=replace(found.place, typed=typed),
            ranked=with_typed(found.ranked, typed, weights),
        )

    def warm_up(self, documents: Mapping[str, OpenDocument], document: OpenDocument) -> None:
        """Reads what the first question about a document will need, for as long as it takes."""
        found = self.find(documents, document, len(document.text))
        build_snippets(self._catalogue, found, _WARM_UP_CHARS)
        names = self._users.most_used(_WARM_UP_NAMES)
        for start in range(0, len(names), _AT_ONCE):
            self._catalogue.symbols_named(names[start : start + _AT_ONCE])
        self._freeze()

    def _freeze(self) -> None:
        """What was read stays: looking through it for garbage would stop a question now and then. Once: what
        is garbage at that moment is never collected, and ended computations are, with their texts."""
        if not self._is_frozen:
            self._is_frozen = True
            gc.freeze()

    def _look(self, document: OpenDocument, offset: int) -> tuple[Outline, Place]:
        """At a place, as if the rest of its line were not there."""
        imports = self._imports.imports_of(document.path, document.text, document.language_id)
        language = language_for(document.language_id, document.path)
        live = self._live.read(language.id if language is not None else "", cut_line(document.text, offset))
        return outline_of_text(document.path, live.facts, imports), read_place(live, offset)


def _word_start(text: str, offset: int) -> int:
    """Where the word begins that ends at `offset`. A line of one word without indentation is left whole: it
    tells that the cursor is in no block."""
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return offset if start == 0 or text[start - 1] == "\n" else start


def _below(text: str, offset: int) -> str:
    end = text.find("\n", offset)
    return text[end:] if end >= 0 else ""


def is_in_file(found: Found) -> bool:
    """What is being typed is the beginning of a name that the file has, and of none elsewhere."""
    place = found.place
    if len(place.typed) < _MIN_TYPED or any("typed" in item.candidate.evidence for item in found.ranked):
        return False
    words = place.before | place.soon | place.later
    return any(word != place.typed and word.startswith(place.typed) for word in words)
