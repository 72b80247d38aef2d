"""notebookDocument/didOpen, didChange, didSave, didClose: cells become documents, in the notebook's order.

Runs in the session.
"""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from lsp_server.handlers.documents import build_edit
from lsp_server.handlers.window import Window
from lsp_server.notebooks import Cell, Notebook

# Every notebook, whatever made it, with cells of every language.
SYNC = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithNotebook(
            notebook="*", cells=[types.NotebookCellLanguage(language="*")]
        )
    ],
    save=True,
)


def on_did_open(window: Window, params: types.DidOpenNotebookDocumentParams) -> None:
    _open_cells(window, params.cell_text_documents)
    cells = tuple(map(_cell, params.notebook_document.cells))
    window.session.put_notebook(Notebook(params.notebook_document.uri, cells))


def on_did_change(window: Window, params: types.DidChangeNotebookDocumentParams) -> None:
    """Structure first: text changes are of the cells that are there afterwards."""
    session, changes = window.session, params.change.cells
    notebook = session.notebook(params.notebook_document.uri)
    if notebook is None or changes is None:
        return
    if changes.structure is not None:
        array = changes.structure.array
        _open_cells(window, changes.structure.did_open or ())
        added = tuple(map(_cell, array.cells or ()))
        session.put_notebook(notebook.spliced(array.start, array.delete_count, added))
        for closed in changes.structure.did_close or ():
            session.close_document(closed.uri)
    for content in changes.text_content or ():
        edits = [build_edit(change) for change in content.changes]
        session.edit_document(content.document.uri, content.document.version, edits)


def on_did_save(window: Window, params: types.DidSaveNotebookDocumentParams) -> None:
    window.session.file_changed(params.notebook_document.uri)


def on_did_close(window: Window, params: types.DidCloseNotebookDocumentParams) -> None:
    window.session.remove_notebook(params.notebook_document.uri)
    for cell in params.cell_text_documents:
        window.session.close_document(cell.uri)


def _open_cells(window: Window, cells: Iterable[types.TextDocumentItem]) -> None:
    for cell in cells:
        window.session.open_document(cell.uri, cell.language_id, cell.version, cell.text)


def _cell(cell: types.NotebookCell) -> Cell:
    return Cell(cell.document, cell.kind is types.NotebookCellKind.Code)
