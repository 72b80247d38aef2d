"""The index of one workspace folder as one SQLite file in the user's cache: writing, checking, replacing.

Written by the index worker alone, under a lock; `reader.py` reads it, `schema.py` says what is in it. All of
it can be made again from the workspace, so a file that is damaged, or of another version, is set aside or
removed, and made afresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from lsp_server.index import schema
from lsp_server.index.chunk import words_in
from lsp_server.index.crawl import FoundFile, Skipped
from lsp_server.index.languages import LANGUAGES
from lsp_server.index.pack import Details, Packed, unpack_text

DATABASE_NAME = "index.sqlite"
ASIDE_NAME = "set-aside.sqlite"
LOCK_NAME = "writer.lock"
LOG_NAME = "worker.log"

# A bulk load appends a lot: fewer checkpoints write each page fewer times.
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 8000",
    "journal_size_limit = 8000000",
    "cache_size = -32000",
)

_STAMP = "size_bytes, mtime_ns, checked_ns, hash, skip_reason, skip_detail"

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH)

_IMPORT = re.compile(r"^from (lsp_server[\w.]*) import (\([^)]*\)|[\w, ]*)", re.MULTILINE)

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
    skip_detail: str


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One file as it was found: packed, or skipped for a reason that its content gives."""

    found: FoundFile
    checked_ns: int
    hash: bytes = b""
    language: str = ""
    packed: Packed | None = None
    skipped: Skipped | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes visible at once. `touch`: same content, new time (file, when it was checked).
    `skip`: files and folders that the crawl leaves out. `blame`: files that are known and do not go."""

    write: Sequence[IndexedFile] = ()
    touch: Sequence[tuple[FoundFile, int]] = ()
    remove: Sequence[str] = ()
    skip: Sequence[Skipped] = ()
    details: Sequence[tuple[str, Details]] = ()
    blame: Sequence[Skipped] = ()


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
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return PurePosixPath(folder).name if stem in ("__init__", "index", "mod") and folder else stem


@cache
def extractor_version() -> str:
    """Changes whenever a file would be indexed as something else: the code for it, queries, grammars."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    outside = [here.parent / "cells.py", here.parent / "masking.py"]
    for path in [*outside, *extractor_sources(), *sorted((here / "queries").glob("*.scm"))]:
        digest.update(path.read_bytes())
    for module in sorted({language.grammar_module for language in LANGUAGES}):
        digest.update(_version_of(module.replace("_", "-")).encode())
    return digest.hexdigest()


def extractor_sources() -> list[Path]:
    """Our own modules that decide what is stored of a file: all that packing imports, and the tables."""
    here = Path(__file__).parent
    todo = [here / "source.py", here / "pack.py", here / "parse.py", here / "schema.py"]
    for path in todo:
        for package, names in _IMPORT.findall(path.read_text("utf-8")):
            whole = here.parent.joinpath(*package.split(".")[1:])
            found = [whole.with_suffix(".py"), *(whole / f"{name}.py" for name in re.findall(r"\w+", names))]
            todo += [other for other in found if other not in todo and other.is_file()]
    return sorted(todo)


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


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
        self.folder = folder
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

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def is_current(self) -> bool:
        """False when somebody removed or replaced the file under us."""
        return _identity(self._path) == self._identity

    def stamps(self) -> dict[str, Stamp]:
        """Of every file, by path."""
        rows = self._read(f"SELECT path, {_STAMP} FROM files")
        return {path: Stamp(*rest) for path, *rest in rows}

    def stamp(self, path: str) -> Stamp | None:
        rows = self._read(f"SELECT {_STAMP} FROM files WHERE path = ?", (path,))
        return Stamp(*rows[0]) if rows else None

    def paths_below(self, folder: str) -> list[str]:
        """`folder` ends with a slash."""
        rows = self._read("SELECT path FROM files WHERE path >= ? AND path < ?", (folder, folder[:-1] + "0"))
        return [path for (path,) in rows]

    def without_details(self) -> list[tuple[str, int]]:
        """(path, size) of the files whose details are still to be made."""
        return self._read(
            "SELECT path, size_bytes FROM files WHERE skip_reason = ''"
            " AND NOT EXISTS (SELECT 1 FROM facts WHERE facts.file_id = files.id) ORDER BY id"
        )

    def commit(self, changes: Changes) -> None:
        """One transaction: readers see all of it or nothing."""
        if changes != Changes():
            self._transaction(lambda: self._apply(changes))

    def mark_complete(self) -> None:
        """From now on readers may say that the index is ready."""
        row = ("complete", "1")
        self._transaction(lambda: self._execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", row))

    def _create(self) -> None:
        self._path.touch(mode=0o600)
        self._set_pragmas()
        script = "".join(f"{statement};" for statement in schema.statements())
        self._connection.executescript(
            f"BEGIN; {script} PRAGMA user_version = {schema.SCHEMA_VERSION}; COMMIT;"
        )
        self._execute("INSERT INTO meta VALUES('extractor', ?)", (extractor_version(),))

    def _check(self) -> None:
        (version,) = self._execute("PRAGMA user_version").fetchone()
        if version > schema.SCHEMA_VERSION:
            raise StoreDamaged(
                f"it is of schema version {version}, this program knows {schema.SCHEMA_VERSION}"
            )
        if 0 < version < schema.SCHEMA_VERSION:
            raise StoreOutdated(f"it is of schema version {version}")
        row = self._execute("SELECT value FROM meta WHERE key = 'extractor'").fetchone()
        if row != (extractor_version(),):
            raise StoreOutdated("it was made by another version of the parser")
        tables = {name for (name,) in self._execute("SELECT name FROM sqlite_master")}
        if not tables.issuperset(schema.NEEDED):
            raise StoreDamaged("tables are missing")
        self._set_pragmas()

    def _set_pragmas(self) -> None:
        for pragma in _PRAGMAS:
            self._execute(f"PRAGMA {pragma}")

    def _read(self, sql: str, arguments: Sequence[object] = ()) -> list[Any]:
        return _guarded(lambda: self._execute(sql, arguments).fetchall())

    def _execute(self, sql: str, arguments: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, arguments)

    def _transaction(self, write: Callable[[], object]) -> None:
        _guarded(lambda: self._in_transaction(write))

    def _in_transaction(self, write: Callable[[], object]) -> None:
        """Rolled back when anything goes wrong."""
        self._execute("BEGIN IMMEDIATE")
        with self._connection:
            write()

    def _apply(self, changes: Changes) -> None:
        self._connection.executemany(
            "UPDATE files SET mtime_ns = ?, checked_ns = ? WHERE path = ?",
            [(found.mtime_ns, checked_ns, found.path) for found, checked_ns in changes.touch],
        )
        for path in changes.remove:
            self._remove_file(path)
        for skipped in changes.skip:
            self._write_file(IndexedFile(FoundFile(skipped.path, -1, -1), 0, skipped=skipped))
        for file in changes.write:
            self._write_file(file)
        for path, details in changes.details:
            self._write_details(path, details)
        for skipped in changes.blame:
            self._blame(skipped)

    def _id_of(self, path: str) -> tuple[int] | None:
        row: tuple[int] | None = self._execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        return row

    def _remove_file(self, path: str) -> None:
        row = self._id_of(path)
        if row is not None:
            self._remove_content(row)
            self._execute("DELETE FROM files WHERE id = ?", row)

    def _remove_content(self, row: tuple[int]) -> None:
        self._forget_words(row)
        for table in (*(table.name for table in schema.TABLES), *schema.ONE_ROW_TABLES):
            self._execute(f"DELETE FROM {table} WHERE file_id = ?", row)

    def _blame(self, skipped: Skipped) -> None:
        row = self._id_of(skipped.path)
        if row is not None:
            self._remove_content(row)
            reason = (skipped.reason.value, skipped.detail, *row)
            self._execute("UPDATE files SET skip_reason = ?, skip_detail = ? WHERE id = ?", reason)

    def _forget_words(self, row: tuple[int]) -> None:
        """The word index keeps no text of its own: it must be told the words that it is to forget."""
        body = self._execute("SELECT text FROM bodies WHERE file_id = ?", row).fetchone()
        if body is None:
            return
        text = unpack_text(body[0])
        chunks = self._execute("SELECT id, start, stop FROM chunks WHERE file_id = ?", row).fetchall()
        self._connection.executemany(
            "INSERT INTO terms(terms, rowid, words) VALUES('delete', ?, ?)",
            [(chunk_id, words_in(text[start:stop])) for chunk_id, start, stop in chunks],
        )

    def _write_file(self, file: IndexedFile) -> None:
        self._remove_file(file.found.path)
        file_id = self._insert_file(file)
        if file.packed is not None:
            self._insert_packed(file_id, file.packed)

    def _insert_packed(self, file_id: int, packed: Packed) -> None:
        for table in schema.TABLES:
            rows = [(None, file_id, *row) for row in packed.rows.get(table.name, ())]
            self._connection.executemany(table.insert, rows)
        self._execute(
            "INSERT INTO bodies(file_id, places, text) VALUES(?, ?, ?)", (file_id, packed.places, packed.text)
        )

    def _write_details(self, path: str, details: Details) -> None:
        """Chunks get their numbers here, because their words are found by them."""
        row = self._id_of(path)
        if row is None:
            return
        (last,) = self._execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()
        chunks = [(number, *row, *chunk) for number, chunk in enumerate(details.chunks, last + 1)]
        self._connection.executemany(schema.CHUNKS.insert, chunks)
        self._connection.executemany(
            "INSERT INTO terms(rowid, words) VALUES(?, ?)", enumerate(details.words, last + 1)
        )
        self._execute("INSERT INTO facts(file_id, facts) VALUES(?, ?)", (*row, details.facts))

    def _insert_file(self, file: IndexedFile) -> int:
        found, skipped = file.found, file.skipped
        reason, detail = (skipped.reason.value, skipped.detail) if skipped else ("", "")
        cursor = self._execute(
            "INSERT INTO files(path, stem, language, size_bytes, mtime_ns, checked_ns, hash, has_errors,"
            " skip_reason, skip_detail) VALUES(?,?,?,?,?,?,?,?,?,?)",
            (
                *(found.path, module_stem(found.path), file.language, found.size_bytes, found.mtime_ns),
                *(file.checked_ns, file.hash, file.packed is not None and file.packed.has_errors),
                *(reason, detail),
            ),
        )
        return cursor.lastrowid or 0


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
