"""Sees files change when the editor does not tell. Feeds the same queue as `workspace/didChangeWatchedFiles`.

Runs in the session: watchdog's threads call `on_change` with a path relative to the root.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from lsp_server.index.crawl import may_be_text
from lsp_server.index.ignore import DEFAULTS, IGNORE_FILES

# It reports as an error that its own thread still runs for a moment after `stop`.
logging.getLogger("watchdog.observers.inotify").addFilter(
    lambda record: "called when the thread is inactive" not in record.getMessage()
)

_WANTED = frozenset({"created", "modified", "deleted", "moved"})
_NOT_FOLDERS = frozenset(name.rstrip("/") for name in DEFAULTS if "*" not in name)


def is_relevant(path: str, *, is_folder: bool) -> bool:
    """Whether a change of `path` (relative to the root) can change the index. Cheap, may say yes too
    often."""
    *folders, name = path.split("/")
    if not name or not _NOT_FOLDERS.isdisjoint(folders):
        return False
    if is_folder:
        return name not in _NOT_FOLDERS
    return name in IGNORE_FILES or may_be_text(name)


class Watcher:
    """Watches one folder until `stop`."""

    def __init__(self, root: Path, on_change: Callable[[str], None]) -> None:
        self._observer = Observer()
        self._observer.schedule(_Handler(root, on_change), str(root), recursive=True)

    def start(self) -> str:
        """Blocks while the folders are registered. Returns why there will be no events, or ""."""
        try:
            self._observer.start()
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def stop(self) -> None:
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, root: Path, on_change: Callable[[str], None]) -> None:
        self._prefix = str(root) + os.sep
        self._on_change = on_change

    def dispatch(self, event: FileSystemEvent) -> None:
        if event.event_type not in _WANTED or (event.is_directory and event.event_type == "modified"):
            return
        for path in (event.src_path, event.dest_path):
            name = os.fsdecode(path)
            if name.startswith(self._prefix):
                relative = name[len(self._prefix) :].replace(os.sep, "/")
                if is_relevant(relative, is_folder=event.is_directory):
                    self._on_change(relative)
