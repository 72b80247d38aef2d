"""Which files of a folder are indexed, and their bytes: `source.py` makes text of them.

Runs in the index worker. Reads the workspace, never writes to it. Must not know SQL or syntax trees.
Symbolic links are not followed: no loops, nothing outside of the folder, nothing twice.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lsp_server.index.ignore import IGNORE_FILES, IgnoreRules, is_generated, root_rules
from lsp_server.index.languages import language_of, suffix_of
from lsp_server.index.secrets import is_secret

_READ_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)
_CACHE_TAG = "CACHEDIR.TAG"
_VENV_MARK = "pyvenv.cfg"

# Files that are no text, or text that nobody reads: they are not even listed.
_SUFFIXES_OF_NO_TEXT = """
.png .jpg .jpeg .gif .bmp .ico .webp .avif .tif .tiff .psd .svg .heic .mp3 .mp4 .wav .ogg .flac .avi .mov
.mkv .webm .m4a .pdf .doc .docx .xls .xlsx .ppt .pptx .odt .ods .zip .gz .bz2 .xz .zst .7z .rar .tar .tgz
.jar .war .whl .egg .deb .rpm .dmg .iso .exe .dll .so .dylib .a .o .obj .lib .pdb .class .pyc .pyo .pyd
.wasm .node .bin .dat .db .sqlite .sqlite3 .parquet .arrow .feather .npy .npz .pkl .pickle .pt .pth .onnx
.safetensors .gguf .ggml .h5 .hdf5 .tflite .ttf .otf .woff .woff2 .eot .map .csv .tsv .jsonl .ndjson .log
.diff .patch .snap .po .mo .dump .swp .bak .orig .rej .pack .idx .rdb .lockb .crx .swf .blend .fbx .glb
"""
_NO_TEXT = frozenset(_SUFFIXES_OF_NO_TEXT.split())

# Of what no grammar reads, only what a person may have written: data is larger.
_MAX_TEXT_BYTES = 200_000


class SkipReason(StrEnum):
    """Why a file or folder that looked like source is not in the index."""

    TOO_LARGE = "too large"
    BINARY = "binary"
    MINIFIED = "minified"
    GENERATED = "generated"
    UNREADABLE = "unreadable"
    SECRET = "may hold secrets"
    TOO_MANY = "more files than index.max_files"
    TOO_COSTLY = "nested too deeply, or no code at all"
    CRASHED = "the parser crashed or took too long"
    FAILED = "the parser failed"


@dataclass(frozen=True, slots=True)
class Limits:
    """From the settings `index.*`."""

    max_files: int = 20_000
    max_file_bytes: int = 1_000_000
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """`path` is relative to the root, with forward slashes."""

    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    path: str
    reason: SkipReason
    detail: str = ""


def crawl(root: Path, limits: Limits) -> Iterator[FoundFile | Skipped]:
    """Every file to index below `root`, folder by folder in alphabetical order, and what was left out in
    passing."""
    folders: list[tuple[str, IgnoreRules]] = [("", root_rules(root, limits.exclude))]
    n_files = 0
    while folders:
        folder, rules = folders.pop()
        try:
            entries = _read_folder(root, folder)
        except (OSError, ValueError) as error:
            yield Skipped(folder or ".", SkipReason.UNREADABLE, _why(error))
            continue
        names = {entry.name for entry in entries}
        if folder and not names.isdisjoint((_CACHE_TAG, _VENV_MARK)):
            continue
        rules = rules.enter(root, folder, names)
        inner = [f"{folder}{entry.name}/" for entry in entries if _is_folder(entry)]
        folders += [(path, rules) for path in reversed(inner) if not _is_left_out(path, rules)]
        for entry in entries:
            found = _file(entry, folder, rules, limits)
            if found is None:
                continue
            n_files += isinstance(found, FoundFile)
            if n_files > limits.max_files:
                yield Skipped(
                    found.path,
                    SkipReason.TOO_MANY,
                    f"{limits.max_files} are read; not this one, nor any after it",
                )
                return
            yield found


def find(root: Path, path: str, limits: Limits) -> FoundFile | Skipped | None:
    """One file, by the rules of the crawl. None: no such file, or not one to index."""
    rules = root_rules(root, limits.exclude)
    folder = ""
    *folders, name = path.split("/")
    for part in folders:
        rules = _enter(root, folder, rules)
        folder = f"{folder}{part}/"
        if _is_left_out(folder, rules) or _is_marked(root / folder) or (root / folder).is_symlink():
            return None
    rules = _enter(root, folder, rules)
    try:
        entry = next((entry for entry in os.scandir(root / folder) if entry.name == name), None)
    except (OSError, ValueError):
        return None
    return _file(entry, folder, rules, limits) if entry is not None else None


def _enter(root: Path, folder: str, rules: IgnoreRules) -> IgnoreRules:
    return rules.enter(root, folder, (".gitignore", ".edgewiseignore"))


def _is_marked(folder: Path) -> bool:
    return (folder / _CACHE_TAG).exists() or (folder / _VENV_MARK).exists()


def _read_folder(root: Path, folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(root / folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_left_out(path: str, rules: IgnoreRules) -> bool:
    return not _is_text(path) or is_secret(path) or rules.is_ignored(path)


def _is_text(path: str) -> bool:
    """A name that is no valid UTF-8 cannot be written into a prompt or the store."""
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)


def _file(
    entry: os.DirEntry[str], folder: str, rules: IgnoreRules, limits: Limits
) -> FoundFile | Skipped | None:
    path = folder + entry.name
    if not may_be_text(entry.name) or not _is_text(path) or rules.is_ignored(path):
        return None
    if is_secret(path):
        return Skipped(path, SkipReason.SECRET)
    if is_generated(entry.name):
        return Skipped(path, SkipReason.GENERATED)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    if status.st_size > _max_bytes(entry.name, limits):
        return Skipped(path, SkipReason.TOO_LARGE, f"{status.st_size} bytes")
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def may_be_text(name: str) -> bool:
    return name not in IGNORE_FILES and suffix_of(name).lower() not in _NO_TEXT


def _max_bytes(name: str, limits: Limits) -> int:
    return (
        limits.max_file_bytes
        if language_of(name) is not None
        else min(_MAX_TEXT_BYTES, limits.max_file_bytes)
    )


def read_source(path: Path, max_bytes: int) -> bytes | Skipped | None:
    """The bytes of a file that was found. None: it is gone. What took its place since then, a link or a pipe,
    is not followed and not waited for."""
    try:
        with os.fdopen(os.open(path, _READ_FLAGS), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            content = file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return Skipped(str(path), SkipReason.UNREADABLE, _why(error))
    return content if len(content) <= max_bytes else Skipped(str(path), SkipReason.TOO_LARGE)


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
