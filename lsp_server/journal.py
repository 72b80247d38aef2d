"""The records of all requests in files that other processes read: `edgewise stats` and `edgewise why`.

Runs in the session, which writes, and in the command-line process, which reads. Records hold names, numbers
and times, never code. A file for each session, in the user's cache folder, readable by the user alone; it is
cut in half when it grows too large, and of old sessions' files only the newest stay. A full or missing disk
costs the records and nothing else. Must not know LSP or what the records mean.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lsp_server.trace import TraceRecord

MAX_FILE_BYTES = 2_000_000
MAX_FILES = 8
FLUSH_S = 0.5
MAX_WAITING = 2000


def journal_folder(cache: Path) -> Path:
    return cache / "traces"


class Journal:
    """Writes from a thread of its own, now and then: a slow disk never delays a request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{time.time_ns():020d}-{os.getpid()}.jsonl"
        self._lock = threading.Lock()
        self._waiting: list[TraceRecord] = []
        self._timer: threading.Timer | None = None

    def write(self, record: TraceRecord) -> None:
        with self._lock:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(record)
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_S, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        with self._lock:
            records, self._waiting, self._timer = self._waiting, [], None
        if records:
            with suppress(OSError):
                self._append("".join(json.dumps(asdict(record)) + "\n" for record in records).encode())

    def close(self) -> None:
        with self._lock:
            timer = self._timer
        if timer is not None:
            timer.cancel()
        self.flush()

    def _append(self, lines: bytes) -> None:
        if not self._path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _remove_oldest(self._folder)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(lines)
            size = file.tell()
        if size > MAX_FILE_BYTES:
            self._halve()

    def _halve(self) -> None:
        kept = self._path.read_bytes()[-MAX_FILE_BYTES // 2 :]
        part = self._path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(kept[kept.find(b"\n") + 1 :])
        part.replace(self._path)


def _remove_oldest(folder: Path) -> None:
    """Those not written to for the longest time: a window that stays open keeps its records, whatever comes
    and goes beside it."""
    for path in sorted(folder.glob("*.jsonl"), key=_changed_at)[: -(MAX_FILES - 1)]:
        with suppress(OSError):
            path.unlink()


def _changed_at(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name  # another session has removed it


def read_records(folder: Path) -> list[TraceRecord]:
    """Of all sessions, oldest first. What cannot be read is left out. The records of one session stay in the
    order in which they were written, also where the clock was set back meanwhile."""
    dated: list[tuple[float, TraceRecord]] = []
    for path in folder.glob("*.jsonl"):
        latest = 0.0
        for record in _read_file(path):
            latest = max(latest, record.at)
            dated.append((latest, record))
    return [record for _, record in sorted(dated, key=lambda pair: pair[0])]


def _read_file(path: Path) -> Iterator[TraceRecord]:
    try:
        lines = path.read_bytes()[-2 * MAX_FILE_BYTES :].splitlines()
    except OSError:
        return
    for line in lines:
        with suppress(ValueError, TypeError):
            yield _checked(json.loads(line))


def _checked(values: dict[str, Any]) -> TraceRecord:
    """Raises ValueError or TypeError: the file may be cut, or of another version."""
    record = TraceRecord(**values)
    if not isinstance(record.stages_ms, dict) or not isinstance(record.fields, dict):
        raise TypeError("not a record")
    numbers = (record.total_ms, record.at, *record.stages_ms.values())
    if not all(isinstance(number, int | float) for number in numbers) or not isinstance(record.method, str):
        raise TypeError("not a record")
    return record
