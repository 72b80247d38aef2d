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
from pathlib import Path
from typing import Any

from lsp_server.index.crawl import Skipped, SkipReason
from lsp_server.index.imports import Import
from lsp_server.index.store import DATABASE_NAME, SCHEMA_VERSION
from lsp_server.types import Reference, Span, Symbol, SymbolKind

_BUSY_S = 0.02
_MANY = 500

_SYMBOL = (
    "SELECT names.name, symbols.kind, files.path, symbols.start, symbols.stop, symbols.line,"
    " symbols.signature,"
    " symbols.container, symbols.docstring, symbols.end_line FROM symbols"
    " JOIN names ON names.id = symbols.name_id JOIN files ON files.id = symbols.file_id "
)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the store holds."""

    n_files: int = 0
    n_symbols: int = 0
    is_complete: bool = False
    skipped: tuple[Skipped, ...] = ()


class Reader:
    """Opens the store when it is first asked, and again when another file has taken its place."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE_NAME
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

    def top_level(self, path: str) -> list[Symbol]:
        """Symbols of a file that lie in nothing else, in the order of the text."""
        return self._symbols("WHERE files.path = ? AND symbols.container = ''", (path,))

    def named(self, path: str, name: str) -> list[Symbol]:
        return self._symbols(
            "WHERE files.path = ? AND names.name = ? AND symbols.container = ''", (path, name)
        )

    def members(self, path: str, container: str) -> list[Symbol]:
        return self._symbols("WHERE files.path = ? AND symbols.container = ?", (path, container))

    def definitions(self, name: str) -> list[Symbol]:
        return self._symbols("WHERE names.name = ?", (name,))

    def imports_of(self, path: str) -> list[Import]:
        rows = self._read(
            "SELECT module, name, alias, start, stop, line FROM imports"
            " JOIN files ON files.id = imports.file_id WHERE files.path = ? ORDER BY imports.id",
            (path,),
        )
        return [Import(module, name, alias, Span(a, b), line) for module, name, alias, a, b, line in rows]

    def references(self, name: str) -> list[Reference]:
        rows = self._read(
            "SELECT files.path, refs.start, refs.line, scopes.name, refs.is_call, receivers.name FROM refs"
            " JOIN names ON names.id = refs.name_id JOIN names AS scopes ON scopes.id = refs.scope_id"
            " JOIN names AS receivers ON receivers.id = refs.receiver_id"
            " JOIN files ON files.id = refs.file_id"
            f" WHERE names.name = ? ORDER BY files.path, refs.start LIMIT {_MANY}",
            (name,),
        )
        return [
            Reference(name, path, Span(start, start + len(name)), line, scope, bool(is_call), receiver)
            for path, start, line, scope, is_call, receiver in rows
        ]

    def totals(self) -> Totals:
        counts = self._read(
            "SELECT (SELECT count(*) FROM files WHERE skip_reason = ''), (SELECT count(*) FROM symbols)"
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
            is_complete=bool(self._read("SELECT 1 FROM meta WHERE key = 'complete'")),
            skipped=tuple(Skipped(path, SkipReason(reason), detail) for path, reason, detail in skipped),
        )

    def _symbols(self, where: str, arguments: Sequence[str]) -> list[Symbol]:
        rows = self._read(f"{_SYMBOL} {where} ORDER BY files.path, symbols.start LIMIT {_MANY}", arguments)
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
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S
            )
        except sqlite3.Error:
            return None
        with contextlib.suppress(sqlite3.Error):
            if connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,):
                return connection
        connection.close()
        return None

    def _read(self, sql: str, arguments: Sequence[str] = ()) -> list[Any]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, arguments).fetchall()
        except sqlite3.Error:
            self.close()
            return []
