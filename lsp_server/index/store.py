"""The index of one workspace folder as one SQLite file in the user's cache: schema, writing, setting aside.

Written by the index worker alone, under a lock; `reader.py` reads it. Disposable: everything in it can be
made again
from the workspace, so a file that is damaged, or of another version, is set aside or removed, and made
afresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from lsp_server.index.crawl import FoundFile, Skipped
from lsp_server.index.languages import LANGUAGES
from lsp_server.index.parse import ParsedFile

SCHEMA_VERSION = 1
DATABASE_NAME = "index.sqlite"
ASIDE_NAME = "set-aside.sqlite"
LOCK_NAME = "writer.lock"
LOG_NAME = "worker.log"

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files(
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, stem TEXT NOT NULL, language TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, checked_ns INTEGER NOT NULL, hash BLOB NOT NULL,
    has_errors INTEGER NOT NULL, skip_reason TEXT NOT NULL, skip_detail TEXT NOT NULL);
CREATE INDEX files_by_stem ON files(stem);
CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE symbols(
    id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, name_id INTEGER NOT NULL, kind TEXT NOT NULL,
    container TEXT NOT NULL, signature TEXT NOT NULL, docstring TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL, line INTEGER NOT NULL, end_line INTEGER NOT NULL);
CREATE INDEX symbols_by_name ON symbols(name_id);
CREATE INDEX symbols_by_file ON symbols(file_id);
CREATE TABLE refs(
    id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, name_id INTEGER NOT NULL, scope_id INTEGER NOT NULL,
    receiver_id INTEGER NOT NULL, start INTEGER NOT NULL, line INTEGER NOT NULL, is_call INTEGER NOT NULL);
CREATE INDEX refs_by_name ON refs(name_id);
CREATE INDEX refs_by_file ON refs(file_id);
CREATE TABLE imports(
    id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, module TEXT NOT NULL, name TEXT NOT NULL,
    alias TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, line INTEGER NOT NULL);
CREATE INDEX imports_by_file ON imports(file_id);
"""

# Enough for a list of symbols; who explains a definition parses its file anyway.
_DOCSTRING_CHARS = 400

_TABLES_OF_A_FILE = ("symbols", "refs", "imports")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH)

_T = TypeVar("_T")


class StoreDamaged(Exception):
    """The file is no index, or is broken: set it aside and make it afresh. The message says what is wrong."""


class StoreOutdated(StoreDamaged):
    """An older version of this program wrote it. Nothing to look at: remove it."""


class StoreUnusable(Exception):
    """Nothing can be written (disk full, no permission): a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the store knows of a file's content. `checked_ns` is when it was read."""

    size_bytes: int
    mtime_ns: int
    checked_ns: int
    hash: bytes
    skip_reason: str


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One file as the worker found it: parsed, or skipped for a reason that its content gives."""

    found: FoundFile
    language: str
    checked_ns: int
    hash: bytes
    parsed: ParsedFile
    skipped: Skipped | None = None


def workspace_folder(cache: Path, root: Path) -> Path:
    """The folder of a workspace's index: named for people, unique by the hash of the real path."""
    real = os.path.realpath(root)
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    name = re.sub(r"[^A-Za-z0-9._-]", "_", Path(real).name)[:40]
    return cache / "index" / f"{name or 'root'}-{digest}"


def make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def module_stem(path: str) -> str:
    """What an import calls a file last: its stem, or its folder's name for `__init__.py`, `index.ts`,
    `mod.rs`."""
    pure = PurePosixPath(path)
    stem = pure.name.partition(".")[0]
    return pure.parent.name if stem in ("__init__", "index", "mod") and pure.parent.name else stem


@cache
def extractor_version() -> str:
    """Changes whenever a file would be parsed to something else: queries, the parser's own code, grammars."""
    here = Path(__file__).parent
    names = ("parse.py", "imports.py", "signature.py", "offsets.py", "languages.py")
    digest = hashlib.sha256()
    for path in [*(here / name for name in names), *sorted((here / "queries").glob("*.scm"))]:
        digest.update(path.read_bytes())
    for module in sorted({language.grammar_module for language in LANGUAGES}):
        digest.update(importlib.metadata.version(module.replace("_", "-")).encode())
    return digest.hexdigest()


def set_aside(folder: Path) -> None:
    """Keeps one damaged file for whoever wants to look; the next takes its place."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            (folder / f"{DATABASE_NAME}{suffix}").replace(folder / f"{ASIDE_NAME}{suffix}")


def remove(folder: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{DATABASE_NAME}{suffix}").unlink(missing_ok=True)


class Store:
    """The writing side. One at a time on a file: whoever makes one holds the lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / DATABASE_NAME
        is_new = not self._path.exists()
        self._connection = _guarded(lambda: sqlite3.connect(self._path, isolation_level=None))
        try:
            _guarded(self._create if is_new else self._check)
        except (StoreDamaged, StoreUnusable):
            self.close()
            raise
        self._path.chmod(0o600)
        self._identity = _identity(self._path)
        self._name_ids: dict[str, int] = {}

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def is_current(self) -> bool:
        """False when somebody removed or replaced the file under us."""
        return _identity(self._path) == self._identity

    def stamps(self) -> dict[str, Stamp]:
        """Of every file, by path."""
        rows = self._read("SELECT path, size_bytes, mtime_ns, checked_ns, hash, skip_reason FROM files")
        return {path: Stamp(*rest) for path, *rest in rows}

    def stamp(self, path: str) -> Stamp | None:
        rows = self._read(
            "SELECT size_bytes, mtime_ns, checked_ns, hash, skip_reason FROM files WHERE path = ?", (path,)
        )
        return Stamp(*rows[0]) if rows else None

    def paths_below(self, folder: str) -> list[str]:
        """`folder` ends with a slash."""
        rows = self._read("SELECT path FROM files WHERE path >= ? AND path < ?", (folder, folder[:-1] + "0"))
        return [path for (path,) in rows]

    def write(self, files: Iterable[IndexedFile]) -> None:
        """One transaction: readers see all of it or nothing."""
        self._transaction(self._write_file, files)

    def touch(self, files: Iterable[tuple[FoundFile, int]]) -> None:
        """Same content, new time: (file, when it was checked)."""
        self._transaction(self._touch_file, files)

    def remove(self, paths: Iterable[str]) -> None:
        self._transaction(self._remove_file, paths)

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Files and folders that the crawl leaves out."""
        self._transaction(self._write_skipped, skipped)

    def mark_complete(self) -> None:
        """From now on readers may say that the index is ready."""
        self._transaction(self._write_meta, [("complete", "1")])

    def _create(self) -> None:
        self._path.touch(mode=0o600)
        self._pragmas()
        self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        self._connection.execute("INSERT INTO meta VALUES('extractor', ?)", (extractor_version(),))

    def _check(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreDamaged(f"it is of schema version {version}, this program knows {SCHEMA_VERSION}")
        if 0 < version < SCHEMA_VERSION:
            raise StoreOutdated(f"it is of schema version {version}")
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'extractor'").fetchone()
        if row != (extractor_version(),):
            raise StoreOutdated("it was made by another version of the parser")
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")}
        if not tables.issuperset(("files", "names", *_TABLES_OF_A_FILE)):
            raise StoreDamaged("tables are missing")
        self._pragmas()

    def _pragmas(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA journal_size_limit = 8000000")

    def _read(self, sql: str, arguments: Sequence[object] = ()) -> list[Any]:
        return _guarded(lambda: self._connection.execute(sql, arguments).fetchall())

    def _many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self._connection.executemany(sql, rows)

    def _transaction(self, write: Callable[[_T], None], items: Iterable[_T]) -> None:
        _guarded(lambda: self._in_transaction(write, items))

    def _in_transaction(self, write: Callable[[_T], None], items: Iterable[_T]) -> None:
        """Rolled back when anything goes wrong, and then the names that were new are not there."""
        is_whole = False
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            with self._connection:
                for item in items:
                    write(item)
            is_whole = True
        finally:
            if not is_whole:
                self._name_ids.clear()

    def _write_meta(self, row: tuple[str, str]) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", row)

    def _touch_file(self, file: tuple[FoundFile, int]) -> None:
        found, checked_ns = file
        row = (found.mtime_ns, checked_ns, found.path)
        self._connection.execute("UPDATE files SET mtime_ns = ?, checked_ns = ? WHERE path = ?", row)

    def _remove_file(self, path: str) -> None:
        row = self._connection.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        for table in _TABLES_OF_A_FILE if row else ():
            self._connection.execute(f"DELETE FROM {table} WHERE file_id = ?", row)
        self._connection.execute("DELETE FROM files WHERE path = ?", (path,))

    def _write_skipped(self, skipped: Skipped) -> None:
        self._remove_file(skipped.path)
        self._insert_file(FoundFile(skipped.path, -1, -1), "", 0, b"", ParsedFile(), skipped)

    def _write_file(self, file: IndexedFile) -> None:
        self._remove_file(file.found.path)
        file_id = self._insert_file(
            file.found, file.language, file.checked_ns, file.hash, file.parsed, file.skipped
        )
        parsed = file.parsed
        self._many(
            "INSERT INTO symbols(file_id, name_id, kind, container, signature, docstring, start,"
            " stop, line, end_line)"
            " VALUES(?,?,?,?,?,?,?,?,?,?)",
            [
                (
                    *(file_id, self._name_id(s.name), s.kind.value, s.container, s.signature),
                    *(s.docstring[:_DOCSTRING_CHARS], s.span.start, s.span.end, s.line, s.end_line),
                )
                for s in parsed.symbols
            ],
        )
        self._many(
            "INSERT INTO refs(file_id, name_id, scope_id, receiver_id, start, line, is_call)"
            " VALUES(?,?,?,?,?,?,?)",
            [
                (
                    *(file_id, self._name_id(r.name), self._name_id(r.scope), self._name_id(r.receiver)),
                    *(r.span.start, r.line, r.is_call),
                )
                for r in parsed.references
            ],
        )
        self._many(
            "INSERT INTO imports(file_id, module, name, alias, start, stop, line) VALUES(?,?,?,?,?,?,?)",
            [(file_id, i.module, i.name, i.alias, i.span.start, i.span.end, i.line) for i in parsed.imports],
        )

    def _insert_file(
        self,
        found: FoundFile,
        language: str,
        checked_ns: int,
        content_hash: bytes,
        parsed: ParsedFile,
        skipped: Skipped | None,
    ) -> int:
        reason, detail = (skipped.reason.value, skipped.detail) if skipped else ("", "")
        cursor = self._connection.execute(
            "INSERT INTO files(path, stem, language, size_bytes, mtime_ns, checked_ns, hash,"
            " has_errors, skip_reason,"
            " skip_detail) VALUES(?,?,?,?,?,?,?,?,?,?)",
            (
                *(found.path, module_stem(found.path), language, found.size_bytes, found.mtime_ns),
                *(checked_ns, content_hash, parsed.has_errors, reason, detail),
            ),
        )
        return cursor.lastrowid or 0

    def _name_id(self, name: str) -> int:
        known = self._name_ids.get(name)
        if known is not None:
            return known
        self._connection.execute("INSERT OR IGNORE INTO names(name) VALUES(?)", (name,))
        (name_id,) = self._connection.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()
        self._name_ids[name] = int(name_id)
        return int(name_id)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, -1)
    return status.st_dev, status.st_ino


def _guarded(work: Callable[[], _T]) -> _T:
    """Sorts SQLite's errors into those that a fresh file cures and those that it does not."""
    try:
        return work()
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _DAMAGED:
            raise StoreDamaged(str(error)) from error
        raise StoreUnusable(str(error)) from error
    except OSError as error:
        raise StoreUnusable(error.strerror or str(error)) from error
