"""Everything that a store holds, by path instead of by number: what two stores of a workspace must share."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lsp_server.index.pack import unpack_text
from lsp_server.index.schema import TABLES
from lsp_server.index.store import DATABASE_NAME

_FILES = "path, stem, language, size_bytes, mtime_ns, hash, has_errors, skip_reason, skip_detail"


def contents(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table -> its rows in order. All but when a file was last looked at."""
    connection = sqlite3.connect(folder / DATABASE_NAME)
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, terms, instance)")
        found = {
            "files": connection.execute(f"SELECT {_FILES} FROM files").fetchall(),
            "facts": _of_files(connection, "facts", "facts"),
            "places": _of_files(connection, "bodies", "places"),
            "texts": [(path, unpack_text(text)) for path, text in _of_files(connection, "bodies", "text")],
            "terms": connection.execute(
                "SELECT files.path, chunks.start, words.term FROM words JOIN chunks ON chunks.id = words.doc"
                " JOIN files ON files.id = chunks.file_id"
            ).fetchall(),
            "n_terms": connection.execute("SELECT count(*) FROM words").fetchall(),
        }
        for table in TABLES:
            columns = ", ".join(f"t.{column.split()[0]}" for column in table.columns)
            found[table.name] = _of_files(connection, table.name, columns.removeprefix("t."))
        return {name: sorted(rows, key=repr) for name, rows in found.items()}
    finally:
        connection.close()


def _of_files(connection: sqlite3.Connection, table: str, columns: str) -> list[tuple[object, ...]]:
    return connection.execute(
        f"SELECT files.path, t.{columns} FROM {table} AS t JOIN files ON files.id = t.file_id"
    ).fetchall()
