"""didOpen, didChange, didSave, didClose; and `edgewise/cursorMoved`, by which an editor may tell where the
cursor was put, so that the prompt for that place is ready before anything is typed there.

Runs in the session.
"""

from __future__ import annotations

from lsprotocol import types

from lsp_server.documents import Edit, Place
from lsp_server.handlers.positions import offset_of
from lsp_server.handlers.window import Window

CURSOR_MOVED = "edgewise/cursorMoved"


def on_did_open(window: Window, params: types.DidOpenTextDocumentParams) -> None:
    item = params.text_document
    window.session.open_document(item.uri, item.language_id, item.version, item.text)


def tolerate(params: object) -> object:
    """Clients of LSP 3.0 say `version: null`, or nothing."""
    document = params.get("textDocument") if isinstance(params, dict) else None
    if not isinstance(params, dict) or not isinstance(document, dict) or document.get("version") is not None:
        return params
    return {**params, "textDocument": {**document, "version": 0}}


def on_did_change(window: Window, params: types.DidChangeTextDocumentParams) -> None:
    edits = [build_edit(change) for change in params.content_changes]
    window.session.edit_document(params.text_document.uri, params.text_document.version, edits)


def build_edit(change: types.TextDocumentContentChangeEvent) -> Edit:
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return Edit(change.text)
    start, end = change.range.start, change.range.end
    return Edit(change.text, Place(start.line, start.character), Place(end.line, end.character))


def on_cursor_moved(window: Window, params: object) -> None:
    """`{textDocument: {uri}, position: {line, character}}`: a notification for when the cursor of the active
    document was put somewhere else than behind what was just typed (an arrow key, a click, a jump to a
    definition), once it rests, say 100 ms. It may come after each key, too: behind `didChange`, never before.
    A suggestion that stood elsewhere in the document counts as left. Anything else changes nothing."""
    match params:
        case {
            "textDocument": {"uri": str(uri)},
            "position": {"line": int(line), "character": int(character)},
        } if line >= 0 and character >= 0:
            put_cursor(window, uri, types.Position(line, character))


def put_cursor(window: Window, uri: str, position: types.Position) -> None:
    document = window.session.document(uri)
    if document is None or document.buffer is None:
        return
    offset = offset_of(document.buffer, position, window.session.encoding)
    if offset is not None:
        window.session.put_cursor(uri, offset)


def on_did_save(window: Window, params: types.DidSaveTextDocumentParams) -> None:
    window.session.file_changed(params.text_document.uri)


def on_did_close(window: Window, params: types.DidCloseTextDocumentParams) -> None:
    window.session.close_document(params.text_document.uri)
