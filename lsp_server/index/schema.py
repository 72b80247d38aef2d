"""The tables of a workspace's index, and how they are asked: plain data for `store.py` and `reader.py`.

Runs in the index worker and in the session. Must not know files, processes or what the rows are good for.

A table of rows that belong to one file is one entry of `TABLES` here and one in `pack.ROWS`; the store writes
and removes all of them alike. A file gets its rows in two steps: what makes it searchable when it is read,
its details (`chunks`, `terms`, `facts`) when all files are searchable.

`bodies` holds what is asked for file by file, compressed: where names are used (`pack.unpack_references`)
and the text (`pack.unpack_text`); `facts` the types (`facts.parse_facts`). `terms` finds the chunks that hold
some words (`chunk.py` makes both); its row ids are those of `chunks`:

    SELECT files.path, chunks.start, chunks.stop, chunks.line, bm25(terms) AS score
    FROM terms JOIN chunks ON chunks.id = terms.rowid JOIN files ON files.id = chunks.file_id
    WHERE terms MATCH ? ORDER BY score LIMIT ?

with `chunk.match_any(words)` (or `match_all`) as the first argument. A smaller score is a better match. A
chunk holds each of its words once, whole and in its parts (`read_file`, `read`, `file`), in small letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one file. `columns` follow `id` and `file_id`; those in `indexed` are looked up by value."""

    name: str
    columns: tuple[str, ...]
    indexed: tuple[str, ...] = ()

    @property
    def insert(self) -> str:
        """With the row's own id and its file's before the columns."""
        names = [column.split()[0] for column in self.columns]
        marks = ", ".join("?" * (len(names) + 2))
        return f"INSERT INTO {self.name}(id, file_id, {', '.join(names)}) VALUES({marks})"

    @property
    def statements(self) -> Iterator[str]:
        columns = ", ".join(f"{column} NOT NULL" for column in self.columns)
        yield f"CREATE TABLE {self.name}(id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, {columns})"
        for column in ("file_id", *self.indexed):
            yield f"CREATE INDEX {self.name}_by_{column} ON {self.name}({column})"


CHUNKS = Table("chunks", ("start INTEGER", "stop INTEGER", "line INTEGER"))

TABLES: tuple[Table, ...] = (
    Table(
        "symbols",
        (
            *("name TEXT", "kind TEXT", "container TEXT", "signature TEXT", "docstring TEXT"),
            *("start INTEGER", "stop INTEGER", "line INTEGER", "end_line INTEGER"),
        ),
        indexed=("name",),
    ),
    Table(
        "imports",
        ("module TEXT", "name TEXT", "alias TEXT", "start INTEGER", "stop INTEGER", "line INTEGER"),
        indexed=("name",),
    ),
    CHUNKS,
)

_FIXED = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE files("
    "id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, stem TEXT NOT NULL, language TEXT NOT NULL, "
    "size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, checked_ns INTEGER NOT NULL, "
    "hash BLOB NOT NULL, has_errors INTEGER NOT NULL, skip_reason TEXT NOT NULL, skip_detail TEXT NOT NULL)",
    "CREATE INDEX files_by_stem ON files(stem)",
    "CREATE INDEX files_skipped ON files(path) WHERE skip_reason != ''",
    "CREATE TABLE bodies(file_id INTEGER PRIMARY KEY, places BLOB NOT NULL, text BLOB NOT NULL)",
    "CREATE TABLE facts(file_id INTEGER PRIMARY KEY, facts TEXT NOT NULL)",
    """CREATE VIRTUAL TABLE terms USING fts5(words, content='', tokenize="ascii tokenchars '_'")""",
    # More words in memory before they are written: fewer pieces to be merged, and to be looked through.
    "INSERT INTO terms(terms, rank) VALUES('hashsize', 8000000)",
)

# Without these a file is no index.
NEEDED = frozenset({"meta", "files", "bodies", "facts", "terms", *(table.name for table in TABLES)})

# Whose rows go with their file's, besides those of TABLES.
ONE_ROW_TABLES = ("bodies", "facts")


def statements() -> Iterator[str]:
    """Makes every table in an empty file."""
    yield from _FIXED
    for table in TABLES:
        yield from table.statements
