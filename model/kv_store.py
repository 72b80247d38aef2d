"""KV caches on disk: what a slot had computed, kept for the next start.

    FOLDER/KEY/NAME.kv      as the engine wrote it: the tokens of a prompt, and their keys and values
    FOLDER/KEY/NAME.json    its size and SHA-256, without which it is not trusted

KEY is a model's weights, the layout of prompts and the context, so that what does not fit is never found. The
folder is the user's alone (0700, files 0600). Files go away by age and by the size of them all; one that is
damaged or foreign is deleted where it is met.

Runs in the editor session, in threads. Does not decide what may be kept; must not know HTTP or slots.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model.meeting import make_private_folder
from model.protocol import ModelError, ModelInfo
from model.sequences import count_common

LAYOUT_VERSION: Final = 1  # of prompts: another number finds none of the older files
MAX_BYTES: Final = 512 << 20
MAX_AGE_S: Final = 7 * 86_400.0
SAME_SHARE: Final = 0.9  # of its tokens in common with a newer one: the older one is of no more use
MAGIC: Final = b"qsgg"
MAX_TOKENS: Final = 1 << 20
CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class KvFile:
    """One kept KV cache and the tokens that it is of."""

    path: Path
    tokens: tuple[int, ...]
    size_bytes: int


def find_key(info: ModelInfo) -> str:
    """Which files fit a host: empty when it cannot keep any."""
    if not (info.fingerprint and info.kv_folder):
        return ""
    named = json.dumps([LAYOUT_VERSION, info.fingerprint, info.engine, info.n_ctx])
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def read_tokens(path: Path) -> tuple[int, ...]:
    """The tokens in the head of a file that llama.cpp saved; none when it is another kind of file.

    Since version 4 the list begins with -1 and the number of texts that it holds; before, it is the tokens.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                return ()
            head = array("I", file.read(8))
            n_words = head[1]
            words = array("i", file.read(4 * n_words)) if n_words <= MAX_TOKENS else array("i")
    except (OSError, IndexError, ValueError):
        return ()
    if len(words) != n_words or not n_words:
        return ()
    return tuple(words[3 : 3 + words[2]]) if words[0] == -1 and n_words > 3 else tuple(words)


class KvStore:
    """The kept KV caches of one key."""

    def __init__(self, folder: Path, key: str, max_bytes: int = MAX_BYTES) -> None:
        self._root, self._folder, self._max_bytes = folder, folder / key, max_bytes

    def find(self, ids: Sequence[int], n_least: int) -> KvFile | None:
        """The file that has most of a prompt's beginning, at least `n_least` tokens; checked."""
        known = [(count_common(file.tokens, ids), file) for file in self._read_all()]
        for n_common, file in sorted(known, key=lambda pair: pair[0], reverse=True):
            if n_common < n_least:
                return None
            if self._is_whole(file.path):
                return file
            self.drop(file.path)
        return None

    def put(self, written: Path, tokens: Sequence[int]) -> bool:
        """Takes over what the engine wrote, if it is of these tokens and nothing else; else deletes it."""
        found = read_tokens(written)
        if not found or count_common(found, tokens) < min(len(found), len(tokens)):
            written.unlink(missing_ok=True)
            return False
        try:
            make_private_folder(self._root)
            make_private_folder(self._folder)
            taken = self._take(written)
        except (OSError, ModelError):
            return False
        finally:
            written.unlink(missing_ok=True)
        self._forget_others(taken, found)
        self.evict(taken)
        return True

    def drop(self, path: Path) -> None:
        """Damaged, foreign, or of no more use."""
        for each in (path, path.with_suffix(".json")):
            with contextlib.suppress(OSError):
                each.unlink(missing_ok=True)

    def evict(self, newest: Path | None = None) -> None:
        """The oldest files of every key go, until the rest is young and small enough. `newest` is the one
        just taken: when the clock was set back, its date does not say so."""
        files = sorted(
            _stat_all(self._root), key=lambda found: (found[0] == newest, found[1].st_mtime), reverse=True
        )
        total = 0
        for path, found in files:
            total += found.st_size
            if total > self._max_bytes or time.time() - found.st_mtime > MAX_AGE_S:
                self.drop(path)

    def _take(self, written: Path) -> Path:
        """The note comes last: a file without one is not trusted."""
        target = self._folder / f"{secrets.token_hex(8)}.kv"
        digest = _copy(written, target)
        note = json.dumps({"sha256": digest, "size_bytes": target.stat().st_size})
        beside = target.with_suffix(".tmp")
        beside.write_text(note, encoding="ascii")
        beside.chmod(0o600)
        beside.replace(target.with_suffix(".json"))
        return target

    def _read_all(self) -> Iterator[KvFile]:
        for path, found in _stat_all(self._folder):
            tokens = read_tokens(path) if path.with_suffix(".json").exists() else ()
            if tokens:
                yield KvFile(path, tokens, found.st_size)
            elif time.time() - found.st_mtime > 60:  # a young one may be about to get its note
                self.drop(path)

    def _is_whole(self, path: Path) -> bool:
        try:
            note = json.loads(path.with_suffix(".json").read_text(encoding="ascii"))
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return bool(note["sha256"] == digest)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _forget_others(self, taken: Path, tokens: Sequence[int]) -> None:
        """Of files that begin alike the one just taken is enough, whatever the clock said of the others."""
        for file in list(self._read_all()):
            if file.path != taken and count_common(file.tokens, tokens) >= SAME_SHARE * len(file.tokens):
                self.drop(file.path)


def _copy(source: Path, target: Path) -> str:
    """Copies into a file that only the user reads; gives the SHA-256."""
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as write:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            write.write(chunk)
    return digest.hexdigest()


def _stat_all(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.rglob("*.kv"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                yield path, path.stat()


def count_bytes(folder: Path) -> int:
    """What all kept KV caches take."""
    return sum(found.st_size for _, found in _stat_all(folder))


def clear(folder: Path) -> None:
    """Forgets every kept KV cache."""
    shutil.rmtree(folder, ignore_errors=True)
