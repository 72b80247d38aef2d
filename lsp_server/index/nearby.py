"""The texts of the files around a document, flat: where precedents for what is typed in it are looked for.

Runs in the session. Read in the thread of the index, used in the event loop, which never waits for it and
sees what was read last. Masked like everything that is stored. Must not know what a precedent is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lsp_server.index.languages import language_for
from lsp_server.index.reader import Reader
from lsp_server.index.view import OpenDocument
from lsp_server.masking import mask_secrets
from lsp_server.text import flatten, to_lf

MOST_CHARS = 1_000_000
MOST_FILE_CHARS = 150_000
MOST_FILES = 500
OLD_S = 2.0  # what was read so long ago is looked at again
NOTHING_S = 0.2  # so is nothing: the index may only just be written


@dataclass(frozen=True, slots=True)
class _Flat:
    """A file's text, and what tells whether it is still the same."""

    stamp: bytes | str
    text: str


class Nearby:
    """One for each workspace folder. Holds the texts for one document, that of the last question."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._flat: Mapping[str, _Flat] = {}
        self._claimed = ("", float("-inf"))  # for which document, and when

    def texts(self, path: str) -> tuple[str, ...]:
        """What was read last, but for the document itself."""
        return tuple(flat.text for other, flat in self._flat.items() if other != path)

    def claim(self, path: str) -> bool:
        """Whether to read for a document now. The next claim waits."""
        claimed_for, at = self._claimed
        now = time.monotonic()
        if claimed_for == path and now < at + (OLD_S if self._flat else NOTHING_S):
            return False
        self._claimed = (path, now)
        return True

    def read(
        self, document: OpenDocument, documents: Mapping[str, OpenDocument], recent: Sequence[str]
    ) -> None:
        """The open documents, those that were edited of late, then the stored files of the document's
        language from its own folder outward. An open document that is not stored is an ignored one, or so
        new that it was never saved: it is left out."""
        self._reader.refresh()
        found: dict[str, _Flat] = {}
        n_left = MOST_CHARS
        for path, stamp in self._wanted(document, documents, recent):
            flat = self._flat.get(path)
            if flat is None or flat.stamp != stamp:
                flat = _Flat(stamp, self._text(path, stamp))
            if flat.text and path not in found and len(flat.text) <= n_left:
                found[path] = flat
                n_left -= len(flat.text)
            if n_left <= 0 or len(found) >= MOST_FILES:
                break
        self._flat = found

    def _wanted(
        self, document: OpenDocument, documents: Mapping[str, OpenDocument], recent: Sequence[str]
    ) -> Iterator[tuple[str, bytes | str]]:
        """Path and stamp; of an open document the stamp is its text."""
        language = language_for(document.language_id, document.path)
        name = language.id if language is not None else ""
        are_stored = self._reader.existing(list(documents))
        for other in documents.values():
            is_alike = language_for(other.language_id, other.path) == language
            if is_alike and other.path in are_stored and other.path != document.path:
                yield other.path, other.text
        stored = self._reader.files_around(document.path, name, MOST_FILES) if name else []
        stamps = dict(stored)
        for path in (*(path for path in recent if path in stamps), *stamps):
            if path not in documents and path != document.path:
                yield path, stamps[path]

    def _text(self, path: str, stamp: bytes | str) -> str:
        text = mask_secrets(to_lf(stamp)) if isinstance(stamp, str) else self._reader.text_of(path)
        return flatten("\n" + text) if len(text) <= MOST_FILE_CHARS else ""
