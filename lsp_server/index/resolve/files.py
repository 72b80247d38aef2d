"""What a resolver may ask of the workspace, and how paths are compared. Pure.

Runs in the session. Paths are relative to the root, with forward slashes; a folder ends with a slash, and
the root is "".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Protocol


class Files(Protocol):
    """Which files exist, and what is written in those that configure imports."""

    def existing(self, paths: Sequence[str]) -> set[str]: ...

    def paths_with_stem(self, stem: str) -> list[str]: ...

    def text_of(self, path: str) -> str: ...

    def files_in(self, folder: str) -> Sequence[str]: ...


def first_existing(candidates: Sequence[str], files: Files) -> str:
    existing = files.existing(candidates) if candidates else set()
    return next((path for path in candidates if path in existing), "")


def ancestors(path: str) -> Iterator[str]:
    """The folder of a file and all above it, the innermost first."""
    folder = posixpath.dirname(path)
    while folder:
        yield folder + "/"
        folder = posixpath.dirname(folder)
    yield ""


def folder_of(path: str) -> str:
    return path[: path.rfind("/") + 1]


def joined(folder: str, path: str) -> str:
    """Without dots; "" when it lies outside of the workspace."""
    whole = posixpath.normpath(posixpath.join(folder, path))
    return "" if whole in (".", "..") or whole.startswith(("../", "/")) else whole


def nearest(paths: Sequence[str], importer: str) -> str:
    """The one that shares most folders with the importer, and then lies least deep; "" of none."""
    own = importer.split("/")[:-1]

    def distance(path: str) -> tuple[int, int, str]:
        return -len(posixpath.commonprefix([path.split("/")[:-1], own])), path.count("/"), path

    return min(paths, key=distance, default="")


def ending_with(tail: str, stem: str, files: Files) -> list[str]:
    """The files called `stem` whose path ends with `tail`, whole parts of it."""
    return [path for path in files.paths_with_stem(stem) if path == tail or path.endswith("/" + tail)]
