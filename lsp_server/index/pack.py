"""What was found in one file as the rows and bytes that the store writes, and back again for the reader.

Packed in the parsing processes: what crosses to the one writer is plain and quick to send. Unpacked in the
session. Must not know SQL.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from lsp_server.index.chunk import cut, words_in
from lsp_server.index.fact_readers import read_facts
from lsp_server.index.facts import write_facts
from lsp_server.index.languages import Language
from lsp_server.index.offsets import encode
from lsp_server.index.parse import ParsedFile
from lsp_server.index.references import Places, Scope, find_references
from lsp_server.types import Reference, Span, Symbol

# Enough for a list of symbols; who explains a definition parses its file anyway.
_DOCSTRING_CHARS = 400
_FASTEST = 1
_NUMBER = array("I").itemsize

Row: TypeAlias = tuple[Any, ...]


class Packed(NamedTuple):
    """What makes a file searchable. `rows` by table, in the order of the columns in `schema.TABLES`."""

    rows: dict[str, list[Row]]
    places: bytes
    text: bytes
    has_errors: bool


class Details(NamedTuple):
    """What is added once all files are searchable, from what is stored. `words` are those of each chunk."""

    chunks: list[Row]
    words: list[str]
    facts: str


def pack(parsed: ParsedFile, text: str) -> Packed:
    return Packed(
        rows={name: rows_of(parsed) for name, rows_of in ROWS.items()},
        places=_pack_places(parsed.places),
        text=zlib.compress(encode(text), _FASTEST),
        has_errors=parsed.has_errors,
    )


def pack_details(language_id: str, text: str, symbols: Sequence[Symbol]) -> Details:
    chunks = [(c.start, c.end, c.line) for c in cut(text, [symbol.span.start for symbol in symbols])]
    return Details(
        chunks=chunks,
        words=[words_in(text[start:end]) for start, end, _ in chunks],
        facts=write_facts(read_facts(language_id, text, symbols)) if language_id else "",
    )


def _symbols(parsed: ParsedFile) -> list[Row]:
    return [
        (*row[:4], row[4][:_DOCSTRING_CHARS], *row[5:]) if len(row[4]) > _DOCSTRING_CHARS else row
        for row in parsed.symbol_rows
    ]


def _imports(parsed: ParsedFile) -> list[Row]:
    return [(i.module, i.name, i.alias, i.span.start, i.span.end, i.line) for i in parsed.imports]


# Table -> its rows.
ROWS: Mapping[str, Callable[[ParsedFile], list[Row]]] = {"symbols": _symbols, "imports": _imports}


def _pack_places(places: Places) -> bytes:
    """Three counts, where each call, use and scope starts and ends, and the scopes' names. Nothing where
    nothing is used."""
    calls, uses, scopes = places
    if not calls and not uses:
        return b""
    numbers = array("I", (len(calls), len(uses), len(scopes)))
    for column in (calls, calls.values(), uses, uses.values()):
        numbers.extend(column)
    numbers.extend(start for start, _ in scopes)
    numbers.extend(scope.end_byte for _, scope in scopes)
    names = json.dumps([scope.name for _, scope in scopes], separators=(",", ":"))
    return zlib.compress(numbers.tobytes() + names.encode(), _FASTEST)


def _unpack_places(packed: bytes) -> Places:
    content = memoryview(zlib.decompress(packed))
    counts = array("I", bytes(content[: 3 * _NUMBER]))
    n_numbers = 3 + 2 * sum(counts)
    numbers = iter(array("I", bytes(content[3 * _NUMBER : n_numbers * _NUMBER])))
    calls, uses, bounds = (list(zip(*([*islice(numbers, n)] for _ in range(2)), strict=True)) for n in counts)
    names = json.loads(bytes(content[n_numbers * _NUMBER :]))
    scopes = [(a, Scope(b, str(name), None)) for (a, b), name in zip(bounds, names, strict=True)]
    return Places(dict(calls), dict(uses), scopes)


def unpack_references(path: str, packed: bytes, text: str, language: Language, name: str) -> list[Reference]:
    """Those of one name in one file, in the order of the text. Nothing of what is not as it was packed."""
    try:
        rows = find_references(text, language, _unpack_places(packed), name) if packed else ()
    except (ValueError, TypeError, zlib.error):
        return []
    return [
        Reference(name, path, Span(start, end), line, scope, bool(is_call), receiver)
        for _, scope, receiver, start, line, is_call, end in rows
    ]


def unpack_text(packed: bytes) -> str:
    try:
        return zlib.decompress(packed).decode("utf-8", "surrogatepass")
    except (ValueError, zlib.error):
        return ""
