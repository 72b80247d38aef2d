"""The documents that the editor has open, as values: an edit makes a new one.

Runs in the session. Must not know LSP types, files or the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from lsp_server.text import PositionEncoding, TextBuffer, path_of_uri
from lsp_server.types import Change, DocumentSnapshot, Span

MAX_KEPT_CHARS = 8_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A position as the editor counts it."""

    line: int
    character: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. Without a range `text` is the whole new document."""

    text: str
    start: Place | None = None
    end: Place | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """An open document. Of one that is larger than `MAX_KEPT_CHARS` no text is kept: `buffer` is None."""

    uri: str
    language_id: str
    version: int
    buffer: TextBuffer | None

    def edited(self, edits: Iterable[Edit], version: int, encoding: PositionEncoding) -> Document:
        """The document after the edits, each of which counts in the result of the one before."""
        buffer = self.buffer
        for edit in edits:
            buffer = _applied(buffer, edit, encoding)
        return replace(self, version=version, buffer=buffer)


def open_document(uri: str, language_id: str, version: int, text: str) -> Document:
    return Document(uri, language_id, version, _kept(text))


def _kept(text: str) -> TextBuffer | None:
    return TextBuffer.of(text) if len(text) <= MAX_KEPT_CHARS else None


def _applied(buffer: TextBuffer | None, edit: Edit, encoding: PositionEncoding) -> TextBuffer | None:
    if edit.start is None or edit.end is None:
        return _kept(edit.text)
    if buffer is None:
        return None
    start = buffer.clamped_offset_at(edit.start.line, edit.start.character, encoding)
    end = buffer.clamped_offset_at(edit.end.line, edit.end.character, encoding)
    changed = buffer.replaced(Span(min(start, end), max(start, end)), edit.text)
    return changed if len(changed.text) <= MAX_KEPT_CHARS else None


def find_change(document: Document, edits: Sequence[Edit], encoding: PositionEncoding) -> Change | None:
    """The one change in one place that the edits make in `document`; None when they are more than that."""
    buffer = document.buffer
    if buffer is None or len(edits) != 1 or (edit := edits[0]).start is None or edit.end is None:
        return None
    start = buffer.clamped_offset_at(edit.start.line, edit.start.character, encoding)
    end = buffer.clamped_offset_at(edit.end.line, edit.end.character, encoding)
    return Change(min(start, end), abs(end - start), edit.text)


def take_snapshot(document: Document, roots: Iterable[str]) -> DocumentSnapshot:
    """The document as it is now, and where it stands in the innermost workspace folder that holds it."""
    path = path_of_uri(document.uri)
    root = max((root for root in roots if is_inside(path, root)), key=len, default="")
    return DocumentSnapshot(
        uri=document.uri,
        path=path,
        relative_path=relative_path(path, root),
        workspace_root=root,
        language_id=document.language_id,
        version=document.version,
        text=document.buffer.text if document.buffer else "",
    )


def is_inside(path: str, root: str) -> bool:
    return bool(path) and PurePath(path).is_relative_to(root)


def relative_path(path: str, root: str) -> str:
    """As a prompt shows it: forward slashes; outside of every workspace folder only the file's name."""
    if root and is_inside(path, root):
        return PurePath(path).relative_to(root).as_posix()
    return PurePath(path).name
