"""What of a workspace fills a long context: files in pieces cut at definitions, by relevance to one file.

Runs in the session, in the thread that all questions to the index run in. The answer depends on the file and
on what its text names, not on the cursor: asked again a line later it is the same, piece for piece, else the
prompt would be another one from the first piece on that changed. Must not know tokens: whoever asks gives the
budget in characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from lsp_server.index.catalogue import Catalogue
from lsp_server.index.chunk import cut
from lsp_server.index.document import ImportCache
from lsp_server.index.facts import NO_FACTS
from lsp_server.index.outline import Outline, outline_of_text
from lsp_server.index.reader import Reader
from lsp_server.index.related import related_files
from lsp_server.index.secrets import is_secret
from lsp_server.index.view import OpenDocument, ParseCache
from lsp_server.types import Snippet, Symbol

FILE_SHARE = 1 / 6  # of the budget: so much of one file comes before any of the less related ones
FULL_SHARE = 0.01  # of the budget: with less room left no further file is read
REASON_WANTED = "named in the file"
REASON_RELATED = "related"
_N_FAR = 2000

_WORD = re.compile(r"[^\W\d]\w{2,}")


class Surveyor:
    """One for each workspace folder."""

    def __init__(self, reader: Reader, parses: ParseCache, imports: ImportCache) -> None:
        self._reader, self._parses, self._imports = reader, parses, imports
        self._catalogue = Catalogue(reader, parses)

    def survey(
        self, documents: Mapping[str, OpenDocument], document: OpenDocument, budget_chars: int
    ) -> tuple[Snippet, ...]:
        """Pieces in the order of a prompt: files by relevance, each in its own order. A piece's rank says
        what matters most: first the definitions that the document names."""
        imports = self._imports.imports_of(document.path, document.text, document.language_id)
        current = outline_of_text(document.path, NO_FACTS, imports)
        others = {path: item for path, item in documents.items() if path != document.path}
        self._catalogue.refresh(others, current)
        names = frozenset(_WORD.findall(document.text)) | {item.name for item in imports}
        pieces = self._pieces(others, current, names, budget_chars)
        return tuple(_ranked(_within(pieces, budget_chars)))

    def _pieces(
        self, documents: Mapping[str, OpenDocument], current: Outline, names: frozenset[str], budget: int
    ) -> Iterator[Sequence[Snippet]]:
        """File by file; the files named for what they hold come first."""
        imported = set(self._imported(current))
        for path in self._files(documents, current):
            if path == current.path or is_secret(path):
                continue
            text, symbols = self._read(documents, path)
            wanted = names if path in imported else frozenset()
            yield _cut(path, text, symbols, wanted)

    def _files(self, documents: Mapping[str, OpenDocument], current: Outline) -> Iterator[str]:
        """Imported, open, related, imported by those, then all others from near to far; each once."""
        imported = self._imported(current)
        groups = chain(
            imported,
            documents,
            related_files(self._catalogue, current),
            (path for near in imported for path in self._imported(self._catalogue.outline(near))),
            self._nearest(current.path),
        )
        seen: set[str] = set()
        for path in groups:
            if path not in seen:
                seen.add(path)
                yield path

    def _imported(self, outline: Outline) -> Sequence[str]:
        """Where what is imported is defined, and the modules that it is imported from."""
        found: dict[str, None] = {}
        for item in outline.imports:
            module = self._catalogue.resolve(outline.path, item.module) if item.module else ""
            symbol = self._catalogue.definition(module, item.name) if module and item.name else None
            member = self._catalogue.resolve_member(outline.path, item.module, item.name) if item.name else ""
            found |= dict.fromkeys(path for path in (symbol.path if symbol else member, module) if path)
        return list(found)

    def _nearest(self, path: str) -> Iterator[str]:
        """All files, those with the longest way in common first."""
        here = path.split("/")[:-1]

        def distance(other: str) -> tuple[int, str]:
            there = other.split("/")[:-1]
            common = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), None)
            n_common = min(len(here), len(there)) if common is None else common
            return len(here) + len(there) - 2 * n_common, other

        yield from sorted(self._reader.paths(), key=distance)[:_N_FAR]

    def _read(self, documents: Mapping[str, OpenDocument], path: str) -> tuple[str, Sequence[Symbol]]:
        if (document := documents.get(path)) is not None:
            parsed = self._parses.parse(path, document.text, document.language_id)
            return document.text, parsed.symbols
        _, text, symbols = self._reader.source(path)
        return text, symbols


def _cut(path: str, text: str, symbols: Sequence[Symbol], names: frozenset[str]) -> list[Snippet]:
    """The pieces that define one of the names have rank 0, the others 1."""
    spans = list(cut(text, [symbol.span.start for symbol in symbols]))
    wanted = sorted(symbol.span.start for symbol in symbols if symbol.name in names)
    pieces = []
    for span in spans:
        is_wanted = any(span.start <= start < span.end for start in wanted)
        reason = REASON_WANTED if is_wanted else REASON_RELATED
        pieces.append(Snippet(path, text[span.start : span.end], reason, int(not is_wanted)))
    return pieces


def _within(files: Iterator[Sequence[Snippet]], budget: int) -> list[list[Snippet]]:
    """Pieces of whole files until the budget is full; of a large file what it may take, the rest when there
    is room in the end."""
    kept: list[dict[int, Snippet]] = []
    rest: list[tuple[int, int, Snippet]] = []
    left = budget
    for pieces in files:
        room = min(left, int(FILE_SHARE * budget))
        kept.append({})
        for index in sorted(range(len(pieces)), key=lambda index: pieces[index].rank):
            piece = pieces[index]
            if len(piece.text) <= room:
                kept[-1][index] = piece
                room, left = room - len(piece.text), left - len(piece.text)
            else:
                rest.append((len(kept) - 1, index, piece))
        if left < budget * FULL_SHARE:
            break
    for at, index, piece in rest:
        if len(piece.text) <= left:
            kept[at][index] = piece
            left -= len(piece.text)
    return [[piece for _, piece in sorted(chosen.items())] for chosen in kept]


def _ranked(files: Sequence[Sequence[Snippet]]) -> Iterator[Snippet]:
    """Ranks that are all different: what is wanted before what is related, both in the order of the files."""
    flat = [piece for pieces in files for piece in pieces]
    order = sorted(range(len(flat)), key=lambda index: flat[index].rank)
    ranks = {index: rank for rank, index in enumerate(order)}
    for index, piece in enumerate(flat):
        yield replace(piece, rank=ranks[index])
