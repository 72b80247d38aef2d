"""Reads the store of one workspace folder: plain look-ups, no judgement.

Runs in the session, in the one thread that all questions to the index run in. Sees any committed state,
notices
when the file was replaced, and answers with nothing when there is no file yet, or a broken one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from lsp_server.index.chunk import match_name
from lsp_server.index.crawl import Skipped, SkipReason
from lsp_server.index.facts import parse_facts
from lsp_server.index.imports import Import
from lsp_server.index.languages import language_by_id
from lsp_server.index.outline import Outline
from lsp_server.index.pack import unpack_references, unpack_text
from lsp_server.index.schema import SCHEMA_VERSION
from lsp_server.index.store import DATABASE_NAME
from lsp_server.types import Reference, Span, Symbol, SymbolKind

_BUSY_S = 0.02  # a question is for somebody who types
_PATIENCE_S = 10.0  # the totals are for the status: not to know them would be to say that nothing is read
_MANY = 500
_MANY_OF_A_FILE = 3000
_MANY_NAMED = 2000
_MANY_FOLDERS = 20
_KINDS = {kind.value: kind for kind in SymbolKind}

_SYMBOL = (
    "SELECT symbols.name, symbols.kind, files.path, symbols.start, symbols.stop, symbols.line,"
    " symbols.signature,"
    " symbols.container, symbols.docstring, symbols.end_line FROM symbols"
    " JOIN files ON files.id = symbols.file_id "
)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the store holds."""

    n_files: int = 0
    n_symbols: int = 0
    is_complete: bool = False
    skipped: tuple[Skipped, ...] = ()
    n_skipped: int = 0


class Reader:
    """Opens the store when it is first asked, and again when another file has taken its place."""

    def __init__(self, folder: Path, busy_s: float = _BUSY_S) -> None:
        self._path = folder / DATABASE_NAME
        self._busy_s = busy_s
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def refresh(self) -> None:
        """To be called before a question: is it still the same file?"""
        try:
            status = self._path.stat()
        except OSError:
            self.close()
            self._identity = None
            return
        identity = (status.st_dev, status.st_ino)
        if identity != self._identity or self._connection is None:
            self.close()
            self._identity = identity
            self._connection = self._open()

    def existing(self, paths: Sequence[str]) -> set[str]:
        marks = ",".join("?" * len(paths))
        rows = self._read(f"SELECT path FROM files WHERE skip_reason = '' AND path IN ({marks})", paths)
        return {path for (path,) in rows}

    def paths_with_stem(self, stem: str) -> list[str]:
        sql = f"SELECT path FROM files WHERE stem = ? AND skip_reason = '' ORDER BY path LIMIT {_MANY}"
        return [path for (path,) in self._read(sql, (stem,))]

    def paths(self) -> list[str]:
        """Every file that was read."""
        return [path for (path,) in self._read("SELECT path FROM files WHERE skip_reason = '' ORDER BY path")]

    def top_level(self, path: str) -> list[Symbol]:
        """Symbols of a file that lie in nothing else, in the order of the text."""
        return self._symbols("WHERE files.path = ? AND symbols.container = ''", (path,))

    def named(self, path: str, name: str) -> list[Symbol]:
        return self._symbols(
            "WHERE files.path = ? AND symbols.name = ? AND symbols.container = ''", (path, name)
        )

    def members(self, path: str, container: str) -> list[Symbol]:
        return self._symbols("WHERE files.path = ? AND symbols.container = ?", (path, container))

    def definitions(self, name: str) -> list[Symbol]:
        return self._symbols("WHERE symbols.name = ?", (name,))

    def imports_of(self, path: str) -> list[Import]:
        rows = self._read(
            "SELECT module, name, alias, start, stop, line FROM imports"
            " JOIN files ON files.id = imports.file_id WHERE files.path = ? ORDER BY imports.id",
            (path,),
        )
        return [Import(module, name, alias, Span(a, b), line) for module, name, alias, a, b, line in rows]

    def version(self) -> int:
        """Another number after every commit of the worker, and after the file was replaced."""
        rows = self._read("PRAGMA data_version")
        return hash((self._identity, rows[0][0] if rows else -1))

    def stamp(self, path: str) -> bytes:
        """What tells whether a file's content is the same as before, and whether its details are there."""
        rows = self._read(
            "SELECT files.hash, facts.file_id IS NOT NULL FROM files"
            " LEFT JOIN facts ON facts.file_id = files.id WHERE path = ?",
            (path,),
        )
        return bytes(rows[0][0]) + bytes([rows[0][1]]) if rows else b""

    def outline(self, path: str) -> Outline:
        """Without docstrings."""
        row = self._read("SELECT id, facts FROM files JOIN facts ON file_id = id WHERE path = ?", (path,))
        if not row:
            return Outline(path)
        file_id, facts = row[0]
        symbols = self._read(
            "SELECT name, kind, start, stop, line, signature, container, end_line FROM symbols"
            f" WHERE file_id = ? ORDER BY start LIMIT {_MANY_OF_A_FILE}",
            (file_id,),
        )
        imports = self._read(
            "SELECT module, name, alias, start, stop, line FROM imports WHERE file_id = ? ORDER BY id",
            (file_id,),
        )
        return Outline(
            path,
            [
                Symbol(name, _KINDS[kind], path, Span(start, stop), line, signature, container, "", end)
                for name, kind, start, stop, line, signature, container, end in symbols
            ],
            [Import(module, name, alias, Span(a, b), line) for module, name, alias, a, b, line in imports],
            parse_facts(facts),
        )

    def importers(self, names: Sequence[str], path: str, n_files: int) -> list[str]:
        """The files that import most of these names."""
        marks = ",".join("?" * len(names))
        rows = self._read(
            "SELECT files.path FROM imports JOIN files ON files.id = imports.file_id"
            f" WHERE imports.name IN ({marks}) AND files.path != ?"
            " GROUP BY imports.file_id ORDER BY count(*) DESC, files.path LIMIT ?",
            (*names, path, n_files),
        )
        return [other for (other,) in rows]

    def files_beside(self, path: str, n_files: int) -> list[str]:
        """Of the same folder, those with the nearest names first, by the alphabet."""
        folder = path.rpartition("/")[0]
        start, stop = (f"{folder}/", f"{folder}0") if folder else ("", "\U0010ffff")
        rows = self._read(
            "SELECT path FROM files WHERE path > ? AND path < ? AND skip_reason = ''"
            " AND instr(substr(path, ?), '/') = 0 ORDER BY path LIMIT ?",
            (start, stop, len(start) + 1, n_files),
        )
        return [other for (other,) in rows]

    def files_around(self, path: str, language: str, n_files: int) -> list[tuple[str, bytes]]:
        """Path and content hash of files of a language: of the same folder first, then of the folder that
        this one lies in with all that is below it, and so on."""
        found: dict[str, bytes] = {}
        folder, depth = path.rpartition("/")[0], 0
        while len(found) < n_files:
            start, stop = (f"{folder}/", f"{folder}0") if folder else ("", "\U0010ffff")
            rows = self._read(
                "SELECT path, hash FROM files WHERE path > ? AND path < ? AND language = ?"
                " AND skip_reason = '' AND path != ? ORDER BY instr(substr(path, ?), '/') != 0, path LIMIT ?",
                (start, stop, language, path, len(start) + 1, n_files),
            )
            for other, content_hash in rows:
                found.setdefault(other, bytes(content_hash))
            if not folder or depth == _MANY_FOLDERS:
                break
            folder, depth = folder.rpartition("/")[0], depth + 1
        return list(found.items())[:n_files]

    def symbols_named(self, names: Sequence[str]) -> list[Symbol]:
        """Whatever has one of these names, by file; without docstrings."""
        rows = self._read(
            "SELECT name, kind, path, start, stop, line, signature, container, end_line"
            " FROM symbols JOIN files ON files.id = symbols.file_id"
            f" WHERE name IN ({','.join('?' * len(names))}) LIMIT {_MANY_NAMED}",
            names,
        )
        rows.sort(key=itemgetter(2, 3))
        return [
            Symbol(name, _KINDS[kind], path, Span(start, stop), line, signature, container, "", end)
            for name, kind, path, start, stop, line, signature, container, end in rows
        ]

    def references(self, name: str) -> list[Reference]:
        """By file, in the order of the text; at most so many, from the first files that have any."""
        words = match_name(name)
        if not words:
            return []
        files = self._read(
            "SELECT DISTINCT files.path, files.id, files.language FROM terms"
            " JOIN chunks ON chunks.id = terms.rowid JOIN files ON files.id = chunks.file_id"
            " WHERE terms MATCH ? ORDER BY files.path",
            (words,),
        )
        found: list[Reference] = []
        for path, file_id, language_id in files:
            rows = self._read("SELECT places, text FROM bodies WHERE file_id = ?", (file_id,))
            if rows and (language := language_by_id(language_id)) is not None:
                places, text = rows[0]
                found += unpack_references(path, places, unpack_text(text), language, name)
            if len(found) >= _MANY:
                break
        return found[:_MANY]

    def chunks_matching(self, match: str, but: str, limit: int) -> list[tuple[str, int, int]]:
        """(path, start, end) of chunks of other files, the best match first: `match` as `chunk.py` makes it.
        Of words that very many chunks have, not all are looked at."""
        return self._read(
            "SELECT files.path, chunks.start, chunks.stop FROM"
            f" (SELECT rowid, bm25(terms) AS score FROM terms WHERE terms MATCH ? LIMIT {_MANY}) AS found"
            " JOIN chunks ON chunks.id = found.rowid JOIN files ON files.id = chunks.file_id"
            " WHERE files.path != ? ORDER BY score, files.path, chunks.start LIMIT ?",
            (match, but, limit),
        )

    def text_of(self, path: str) -> str:
        """ "" for what is not in the index."""
        rows = self._read(
            "SELECT bodies.text FROM files JOIN bodies ON bodies.file_id = files.id WHERE files.path = ?",
            (path,),
        )
        return unpack_text(rows[0][0]) if rows else ""

    def source(self, path: str) -> tuple[str, str, list[Symbol]]:
        """(language, text, symbols): what a file's details are made of."""
        rows = self._read(
            "SELECT files.language, bodies.text FROM files JOIN bodies ON bodies.file_id = files.id"
            " WHERE files.path = ?",
            (path,),
        )
        language, text = rows[0] if rows else ("", b"")
        return language, unpack_text(text), self._symbols("WHERE files.path = ?", (path,), limit=-1)

    def matching(self, query: str, limit: int) -> list[Symbol]:
        """By the letters of their names, in whatever case: `gtu` finds `getUser`. Best first."""
        letters = [f"\\{letter}" if letter in "\\%_" else letter for letter in query]
        loose, exact = "%".join(letters), "".join(letters)
        is_like = "symbols.name LIKE ? ESCAPE '\\'"
        return self._symbols(
            f"WHERE {is_like}",
            (f"%{loose}%", query, query, f"{exact}%", f"%{exact}%"),
            limit,
            f"symbols.name = ? DESC, symbols.name = ? COLLATE NOCASE DESC, {is_like} DESC, {is_like} DESC,"
            " length(symbols.name), ",
        )

    def totals(self) -> Totals:
        counts = self._read(
            "SELECT (SELECT count(*) FROM files WHERE skip_reason = ''), (SELECT count(*) FROM symbols),"
            " (SELECT count(*) FROM files WHERE skip_reason != '')"
        )
        if not counts:
            return Totals()
        skipped = self._read(
            "SELECT path, skip_reason, skip_detail FROM files WHERE skip_reason != ''"
            f" ORDER BY path LIMIT {_MANY}"
        )
        return Totals(
            n_files=counts[0][0],
            n_symbols=counts[0][1],
            n_skipped=counts[0][2],
            is_complete=bool(self._read("SELECT 1 FROM meta WHERE key = 'complete'")),
            skipped=tuple(Skipped(path, SkipReason(reason), detail) for path, reason, detail in skipped),
        )

    def _symbols(
        self, where: str, arguments: Sequence[str], limit: int = _MANY, best_first: str = ""
    ) -> list[Symbol]:
        order = f"{best_first}files.path, symbols.start"
        rows = self._read(f"{_SYMBOL} {where} ORDER BY {order} LIMIT {limit}", arguments)
        return [
            Symbol(
                name, SymbolKind(kind), path, Span(start, stop), line, signature, container, docstring, end
            )
            for name, kind, path, start, stop, line, signature, container, docstring, end in rows
        ]

    def _open(self) -> sqlite3.Connection | None:
        """None when it is not (yet) a store that this program reads; the worker will see to it."""
        try:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=self._busy_s
            )
        except sqlite3.Error:
            return None
        with contextlib.suppress(sqlite3.Error):
            if connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,):
                return connection
        connection.close()
        return None

    def _read(self, sql: str, arguments: Sequence[str | int] = ()) -> list[Any]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, arguments).fetchall()
        except sqlite3.Error:
            self.close()
            return []


def read_totals(folder: Path) -> Totals:
    """With a connection of its own: it runs in any thread."""
    reader = Reader(folder, _PATIENCE_S)
    reader.refresh()
    try:
        return reader.totals()
    finally:
        reader.close()
