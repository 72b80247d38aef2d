"""What was found in one file as the rows and bytes that the store writes, and back again for the reader.

Packed in the parsing processes: what crosses to the one writer is plain and quick to send. Unpacked in the
session. Must not know SQL.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from lsp_server.index.chunk import cut, words_in
from lsp_server.index.fact_readers import read_facts
from lsp_server.index.facts import write_facts
from lsp_server.index.offsets import encode
from lsp_server.index.parse import ParsedFile
from lsp_server.index.references import ReferenceRow
from lsp_server.types import Reference, Span, Symbol

# Enough for a list of symbols; who explains a definition parses its file anyway.
_DOCSTRING_CHARS = 400
_FASTEST = 1

Row: TypeAlias = tuple[Any, ...]


class Packed(NamedTuple):
    """What makes a file searchable. `rows` by table, in the order of the columns in `schema.TABLES`."""

    rows: dict[str, list[Row]]
    refs: bytes
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
        refs=_pack_references(parsed.reference_rows),
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


def _pack_references(rows: Sequence[ReferenceRow]) -> bytes:
    """Column by column: names repeat, and so do scopes. The end is where the name is."""
    columns = list(zip(*rows, strict=True))[:-1]
    return zlib.compress(json.dumps(columns, separators=(",", ":")).encode(), _FASTEST) if rows else b""


def unpack_references(path: str, refs: bytes, name: str) -> list[Reference]:
    """Those of one name in one file, in the order of the text. Nothing of what is not as it was packed."""
    try:
        columns = json.loads(zlib.decompress(refs)) if refs else ((),) * 6
        return [
            Reference(name, path, Span(start, start + len(name)), line, scope, bool(is_call), receiver)
            for found, scope, receiver, start, line, is_call in zip(*columns, strict=True)
            if found == name
        ]
    except (ValueError, TypeError, zlib.error):
        return []


def unpack_text(packed: bytes) -> str:
    try:
        return zlib.decompress(packed).decode("utf-8", "surrogatepass")
    except (ValueError, zlib.error):
        return ""
