"""The code action and the command `edgewise.explain`.

Runs in the session. The command's argument is `{"uri", "range"}` or `{"uri", "position"}`; the answer is
Markdown. Each piece also goes to the client as soon as it is there, under the argument's
`partialResultToken`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.handlers.positions import span_of
from lsp_server.handlers.window import Window
from lsp_server.trace import TraceDraft
from lsp_server.types import DocumentSnapshot, Span

EXPLAIN_COMMAND = "edgewise.explain"
EXPLAIN_KIND = EXPLAIN_COMMAND


def tolerate(params: object) -> object:
    """Of the context only `only` matters; diagnostics of any shape are dropped unread."""
    if not isinstance(params, dict):
        return params
    context = params.get("context")
    only = context.get("only") if isinstance(context, dict) else None
    wanted = {"only": [kind for kind in only if isinstance(kind, str)]} if isinstance(only, list) else {}
    return {**params, "context": {"diagnostics": [], **wanted}}


def on_code_action(window: Window, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = window.session.document(params.text_document.uri)
    if document is None or document.buffer is None or not is_wanted(params.context.only):
        return []
    if span_of(document.buffer, params.range, window.session.encoding) is None:
        return []
    title = "Explain this code" if params.range.start != params.range.end else "Explain this function"
    arguments = [{"uri": document.uri, "range": _range_json(params.range)}]
    command = types.Command(title=title, command=EXPLAIN_COMMAND, arguments=arguments)
    return [types.CodeAction(title=title, kind=EXPLAIN_KIND, command=command)]


def _range_json(range_: types.Range) -> dict[str, dict[str, int]]:
    ends = {"start": range_.start, "end": range_.end}
    return {name: {"line": end.line, "character": end.character} for name, end in ends.items()}


def is_wanted(only: object) -> bool:
    """No filter, or one that our kind, or a kind above it, is in."""
    if not isinstance(only, list | tuple):
        return True
    kinds = [str(getattr(kind, "value", kind)) for kind in only]
    return any(not kind or f"{EXPLAIN_KIND}.".startswith(f"{kind}.") for kind in kinds)


@dataclass(frozen=True, slots=True)
class ExplainTarget:
    snapshot: DocumentSnapshot
    span: Span
    partial_token: types.ProgressToken | None


def on_explain(
    window: Window, params: types.ExecuteCommandParams
) -> Coroutine[Any, Any, types.MarkupContent]:
    argument = params.arguments[0] if params.arguments else None
    if not isinstance(argument, Mapping):
        raise JsonRpcInvalidParams(f"{EXPLAIN_COMMAND} needs an argument with uri and range.")
    return _explain(window, build_target(window, argument), params.work_done_token)


def build_target(window: Window, argument: Mapping[str, Any]) -> ExplainTarget:
    document = window.session.document(str(argument.get("uri")))
    if document is None or document.buffer is None:
        raise JsonRpcInvalidParams("The document is not open, or too large to explain.")
    span = span_of(document.buffer, _parse_range(argument), window.session.encoding)
    if span is None:
        raise JsonRpcInvalidParams("The range is outside of the document.")
    token = argument.get("partialResultToken")
    partial_token = token if isinstance(token, str | int) else None
    return ExplainTarget(window.session.take_snapshot(document), span, partial_token)


def _parse_range(argument: Mapping[str, Any]) -> types.Range:
    try:
        ends = (
            argument["range"]
            if "range" in argument
            else dict.fromkeys(("start", "end"), argument["position"])
        )
        start, end = (
            types.Position(ends[name]["line"], ends[name]["character"]) for name in ("start", "end")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise JsonRpcInvalidParams(f"{EXPLAIN_COMMAND} needs a range or a position.") from error
    return types.Range(start, end)


async def _explain(
    window: Window, target: ExplainTarget, token: types.ProgressToken | None
) -> types.MarkupContent:
    def send(text: str) -> None:
        if target.partial_token is not None:
            window.editor.send_partial(target.partial_token, {"kind": "markdown", "value": text})

    trace = TraceDraft(EXPLAIN_COMMAND)
    with window.editor.cancellable_work(token, "Explaining"):
        try:
            markdown = await window.session.explain(target.snapshot, target.span, send)
        finally:
            window.session.traces.add(trace)
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=markdown)
