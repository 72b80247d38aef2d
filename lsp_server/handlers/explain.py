"""The command `edgewise.explain`.

Runs in the session. The answer is Markdown. Each piece also goes to the client as soon as it is there, under
the argument's `partialResultToken`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from lsprotocol import types

from lsp_server.handlers.showing import send_pieces, show_dropped
from lsp_server.handlers.target import Target, parse_target
from lsp_server.handlers.window import Window
from lsp_server.trace import TraceDraft

EXPLAIN_COMMAND = "edgewise.explain"


def on_explain(
    window: Window, params: types.ExecuteCommandParams
) -> Coroutine[Any, Any, types.MarkupContent]:
    return _explain(window, parse_target(window, params), params.work_done_token)


async def _explain(window: Window, target: Target, token: types.ProgressToken | None) -> types.MarkupContent:
    trace = TraceDraft(EXPLAIN_COMMAND)
    with window.editor.cancellable_work(token, "Explaining"):
        try:
            markdown = await window.session.explain(target.snapshot, target.span, send_pieces(window, target))
        finally:
            window.session.traces.add(trace)
    await show_dropped(window, target, "explain", markdown)
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=markdown)
