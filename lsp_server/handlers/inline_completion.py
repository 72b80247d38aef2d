"""textDocument/inlineCompletion.

Runs in the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from uuid import uuid4

from lsprotocol import types

from lsp_server.documents import Document
from lsp_server.handlers.positions import offset_of, range_of, span_of
from lsp_server.handlers.window import Window
from lsp_server.trace import TraceDraft
from lsp_server.turns import run_in_turn
from lsp_server.types import (
    Completion,
    CompletionRequest,
    NoCompletion,
    Reason,
    SelectedCompletion,
    Trigger,
)

ACCEPTED_COMMAND = "edgewise.accepted"
SUPERSEDED = NoCompletion(Reason.SUPERSEDED)
_NO_ITEMS = types.InlineCompletionList(items=[])
# Answered `null`: a newer request speaks for the document. All else without a suggestion is an empty list, so
# that a client that keeps what it shows until it hears of something else takes it away.
_TAKEN_BACK = frozenset({Reason.SUPERSEDED, Reason.CANCELLED})


def tolerate(params: object) -> object:
    """Older clients send `triggerKind: 0` or no context at all: they mean that nobody asked by hand."""
    if not isinstance(params, dict):
        return params
    context = params.get("context")
    context = context if isinstance(context, dict) else {}
    kind = context.get("triggerKind")
    known = {trigger.value for trigger in types.InlineCompletionTriggerKind}
    if type(kind) is not int or kind not in known:
        context = {**context, "triggerKind": types.InlineCompletionTriggerKind.Automatic.value}
    return {**params, "context": context}


def on_inline_completion(
    window: Window, params: types.InlineCompletionParams
) -> Awaitable[types.InlineCompletionList | None] | types.InlineCompletionList:
    """The snapshot, and the document's turn, are taken before the next message is read."""
    session = window.session
    document = session.document(params.text_document.uri)
    request = build_request(window, document, params) if document is not None else None
    if document is None or request is None:
        trace = TraceDraft(types.TEXT_DOCUMENT_INLINE_COMPLETION)
        trace.set(outcome=refusal_of(document))
        session.traces.add(trace)
        return _NO_ITEMS
    return _answer(window, document, request, session.turns.take(document.uri))


def refusal_of(document: Document | None) -> str:
    """Why no request can be made of these parameters."""
    if document is None:
        return "not-open"
    return Reason.FILE_TOO_LARGE if document.buffer is None else Reason.BAD_POSITION


def build_request(
    window: Window, document: Document, params: types.InlineCompletionParams
) -> CompletionRequest | None:
    session, buffer = window.session, document.buffer
    offset = offset_of(buffer, params.position, session.encoding) if buffer else None
    if buffer is None or offset is None:
        return None
    invoked = params.context.trigger_kind is types.InlineCompletionTriggerKind.Invoked
    selected, info = None, params.context.selected_completion_info
    if info is not None and (span := span_of(buffer, info.range, session.encoding)):
        selected = SelectedCompletion(span, info.text)
    trigger = Trigger.INVOKED if invoked else Trigger.AUTOMATIC
    return CompletionRequest(session.take_snapshot(document), offset, trigger, selected, wants_others=invoked)


async def _answer(
    window: Window, document: Document, request: CompletionRequest, turn: asyncio.Future[None]
) -> types.InlineCompletionList | None:
    trace = TraceDraft(types.TEXT_DOCUMENT_INLINE_COMPLETION)
    trace.set(outcome=Reason.CANCELLED)
    try:
        result = await run_in_turn(turn, window.session.complete(request, trace), SUPERSEDED)
        if isinstance(result, NoCompletion):
            trace.set(outcome=result.reason)
            return None if result.reason in _TAKEN_BACK else _NO_ITEMS
        completion_id = uuid4().hex
        trace.set(completion_id=completion_id, suggestion=_note_shown(window, request, result, completion_id))
        ids = [completion_id, *(uuid4().hex for _ in result.others)]
        window.session.verdicts.join(completion_id, ids[1:])
        offered = zip((result, *result.others), ids, strict=True)
        return types.InlineCompletionList([build_item(window, document, *one) for one in offered])
    finally:
        window.session.traces.add(trace)


def _note_shown(
    window: Window, request: CompletionRequest, completion: Completion, completion_id: str
) -> str:
    """The id of the suggestion. What comes after the text went on is seen by nobody, and not watched."""
    session, snapshot = window.session, request.snapshot
    now = session.document(snapshot.uri)
    if now is None or now.version != snapshot.version:
        return completion_id
    return session.verdicts.show(completion_id, request, completion)


def build_item(
    window: Window, document: Document, completion: Completion, completion_id: str
) -> types.InlineCompletionItem:
    assert document.buffer is not None
    return types.InlineCompletionItem(
        insert_text=completion.text,
        range=range_of(document.buffer, completion.span, window.session.encoding),
        command=types.Command(title="Accepted", command=ACCEPTED_COMMAND, arguments=[completion_id]),
    )
