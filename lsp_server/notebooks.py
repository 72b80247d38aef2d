"""The notebooks that the editor has open: which cells each has, in what order, and what is around a cell.

Runs in the session. The text of a cell is a document like any other (`documents.py`); here is only how they
hang together. A change makes a new value. Must not know LSP types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lsp_server.cells import BETWEEN, join_cells
from lsp_server.documents import Document
from lsp_server.types import DocumentSnapshot


@dataclass(frozen=True, slots=True)
class Cell:
    """Not `is_code`: words or raw text, no part of the file that completion and index see."""

    uri: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class Notebook:
    uri: str
    cells: tuple[Cell, ...]

    def spliced(self, start: int, n_deleted: int, added: Sequence[Cell]) -> Notebook:
        cells = (*self.cells[:start], *added, *self.cells[start + n_deleted :])
        return replace(self, cells=cells)

    def language_id(self, documents: Mapping[str, Document]) -> str:
        """That of its first code cell."""
        return next((document.language_id for document in self._code(documents)), "")

    def text(self, documents: Mapping[str, Document]) -> str:
        """Its code cells, those of its language, as one file."""
        alike = self._alike(documents, self.language_id(documents))
        return join_cells(map(_text, alike))[0]

    def around(self, uri: str, documents: Mapping[str, Document]) -> tuple[str, str]:
        """What stands before and after a code cell, in cells of its language."""
        alike = self._alike(documents, documents[uri].language_id if uri in documents else "")
        at = next((index for index, document in enumerate(alike) if document.uri == uri), None)
        if at is None:
            return "", ""
        before, after = (join_cells(map(_text, part))[0] for part in (alike[:at], alike[at + 1 :]))
        return (before + BETWEEN if alike[:at] else ""), (BETWEEN + after if alike[at + 1 :] else "")

    def _code(self, documents: Mapping[str, Document]) -> list[Document]:
        return [documents[cell.uri] for cell in self.cells if cell.is_code and cell.uri in documents]

    def _alike(self, documents: Mapping[str, Document], language_id: str) -> list[Document]:
        return [document for document in self._code(documents) if document.language_id == language_id]


class Notebooks:
    """All of one window."""

    def __init__(self) -> None:
        self._open: dict[str, Notebook] = {}
        self._of_cell: dict[str, str] = {}

    def put(self, notebook: Notebook) -> None:
        self.remove(notebook.uri)
        self._open[notebook.uri] = notebook
        self._of_cell.update((cell.uri, notebook.uri) for cell in notebook.cells)

    def remove(self, uri: str) -> Notebook | None:
        notebook = self._open.pop(uri, None)
        for cell in notebook.cells if notebook is not None else ():
            self._of_cell.pop(cell.uri, None)
        return notebook

    def get(self, uri: str) -> Notebook | None:
        return self._open.get(uri)

    def of_cell(self, uri: str) -> Notebook | None:
        return self._open.get(self._of_cell.get(uri, ""))


def whole_notebook(snapshot: DocumentSnapshot, offset: int) -> tuple[DocumentSnapshot, int]:
    """The cells as the one file that the index knows, and the place in it. Any other document as it is."""
    text = snapshot.before + snapshot.text + snapshot.after
    return replace(snapshot, text=text, before="", after=""), offset + len(snapshot.before)


def _text(document: Document) -> str:
    return document.buffer.text if document.buffer is not None else ""
