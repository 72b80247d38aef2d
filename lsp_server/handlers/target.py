"""The arguments of the commands about code: which document, where, with which diagnostics, shown how.

Runs in the session. An argument is `{"uri", "range" or "position", "diagnostics"?, "partialResultToken"?,
"origin"?}`, or the uri and the range one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.assist.fix import Diagnostic
from lsp_server.documents import Document
from lsp_server.handlers.positions import span_of
from lsp_server.handlers.window import Window
from lsp_server.types import DocumentSnapshot, Span

CODE_ACTION = "codeAction"
MAX_DIAGNOSTICS = 50


@dataclass(frozen=True, slots=True)
class Target:
    """`is_action`: a client ran the command of a code action, and will throw the answer away unless it gave a
    token of its own."""

    document: Document
    snapshot: DocumentSnapshot
    span: Span
    diagnostics: tuple[Diagnostic, ...]
    partial_token: types.ProgressToken | None
    is_action: bool


def parse_target(window: Window, params: types.ExecuteCommandParams) -> Target:
    return build_target(window, params.command, _argument(params))


def _argument(params: types.ExecuteCommandParams) -> Mapping[str, Any]:
    arguments = params.arguments or []
    if arguments and isinstance(arguments[0], str):
        return {"uri": arguments[0], **({"range": arguments[1]} if len(arguments) > 1 else {})}
    if not arguments or not isinstance(arguments[0], Mapping):
        raise JsonRpcInvalidParams(f"{params.command[:80]} needs an argument with uri and range.")
    return arguments[0]


def build_target(window: Window, command: str, argument: Mapping[str, Any]) -> Target:
    document = window.session.document(str(argument.get("uri")))
    if document is None or document.buffer is None:
        raise JsonRpcInvalidParams("The document is not open, or too large to read.")
    span = span_of(document.buffer, _parse_range(command, argument), window.session.encoding)
    if span is None:
        raise JsonRpcInvalidParams("The range is outside of the document.")
    token = argument.get("partialResultToken")
    return Target(
        document=document,
        snapshot=window.session.take_snapshot(document),
        span=span,
        diagnostics=tuple(_parse_diagnostics(argument.get("diagnostics"))),
        partial_token=token if isinstance(token, str | int) else None,
        is_action=argument.get("origin") == CODE_ACTION,
    )


def _parse_range(command: str, argument: Mapping[str, Any]) -> types.Range:
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
        raise JsonRpcInvalidParams(f"{command[:80]} needs a range or a position.") from error
    return types.Range(start, end)


def _parse_diagnostics(values: object) -> Iterator[Diagnostic]:
    """What is not understood is left out."""
    for value in list(values)[:MAX_DIAGNOSTICS] if isinstance(values, Sequence) else ():
        if not isinstance(value, Mapping) or not isinstance(message := value.get("message"), str):
            continue
        try:
            line = int(value["range"]["start"]["line"])
        except (KeyError, TypeError, ValueError):
            continue
        source = value.get("source")
        yield Diagnostic(line + 1, message, source if isinstance(source, str) else "")
