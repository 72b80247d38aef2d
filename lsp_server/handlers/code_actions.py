"""textDocument/codeAction and codeAction/resolve.

Runs in the session. Our VS Code extension gets commands, whose changes it shows as a diff. A client that can
resolve edits gets documentation and fixes as edits, computed when one is chosen; others get the commands, and
see the answer as `showing.py` can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.assist.ports import Sentence, Words
from lsp_server.handlers import assist
from lsp_server.handlers.explain import EXPLAIN_COMMAND
from lsp_server.handlers.positions import span_of
from lsp_server.handlers.showing import short_text
from lsp_server.handlers.target import CODE_ACTION, MAX_DIAGNOSTICS, build_target
from lsp_server.handlers.window import Window

NEEDS_MODEL = "Needs an instruct model: set edgewise.explain.model."


@dataclass(frozen=True, slots=True)
class Offer:
    """A code action. `is_edit`: its outcome may be a change."""

    command: str
    kind: str
    title: str
    is_edit: bool = False
    needs_model: bool = False
    needs_diagnostics: bool = False


OFFERS = (
    Offer(EXPLAIN_COMMAND, EXPLAIN_COMMAND, "Explain this {}"),
    Offer(assist.DOCUMENT_COMMAND, assist.DOCUMENT_COMMAND, "Document this {}", is_edit=True),
    Offer(assist.TESTS_COMMAND, assist.TESTS_COMMAND, "Write tests for this {}", needs_model=True),
    Offer(
        assist.FIX_COMMAND,
        "quickfix.edgewise",
        "Fix this with edgewise",
        is_edit=True,
        needs_model=True,
        needs_diagnostics=True,
    ),
)
KINDS = tuple(offer.kind for offer in OFFERS)


def tolerate(params: object) -> object:
    """Diagnostics of any shape are kept as they came, beside what is validated."""
    if not isinstance(params, dict):
        return params
    context = params.get("context")
    context = context if isinstance(context, dict) else {}
    only, diagnostics = context.get("only"), context.get("diagnostics")
    wanted = {"only": [kind for kind in only if isinstance(kind, str)]} if isinstance(only, list) else {}
    known = diagnostics if isinstance(diagnostics, list) else []
    valid = [value for value in map(_valid_diagnostic, known[:MAX_DIAGNOSTICS]) if value is not None]
    return {**params, "context": {"diagnostics": valid, **wanted}}


def _valid_diagnostic(value: object) -> dict[str, Any] | None:
    """Its message, its place and its source; None for what has neither."""
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return None
    try:
        ends = {
            name: {key: int(value["range"][name][key]) for key in ("line", "character")}
            for name in ("start", "end")
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not all(0 <= number < 2**31 for end in ends.values() for number in end.values()):
        return None
    source = value.get("source")
    shown = {"source": source} if isinstance(source, str) else {}
    return {"message": value["message"], "range": ends, **shown}


def on_code_action(window: Window, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = window.session.document(params.text_document.uri)
    if document is None or document.buffer is None:
        return []
    if span_of(document.buffer, params.range, window.session.encoding) is None:
        return []
    argument = {
        "uri": document.uri,
        "range": _range_json(params.range),
        "origin": CODE_ACTION,
    }
    found = [_diagnostic_json(diagnostic) for diagnostic in params.context.diagnostics]
    wanted = [offer for offer in OFFERS if is_wanted(offer.kind, params.context.only)]
    noun = "code" if params.range.start != params.range.end else "function"
    actions = [_action(window, offer, noun, argument, found) for offer in wanted]
    return [action for action in actions if action is not None]


def _action(
    window: Window, offer: Offer, noun: str, argument: dict[str, Any], diagnostics: list[dict[str, Any]]
) -> types.CodeAction | None:
    profile = window.editor.profile
    if offer.needs_diagnostics and not diagnostics:
        return None
    action = types.CodeAction(title=offer.title.format(noun), kind=offer.kind)
    if offer.needs_model and not window.session.settings.explain.model:
        action.disabled = types.CodeActionDisabled(reason=NEEDS_MODEL)
        return action if profile.shows_disabled else None
    argument = {**argument, "diagnostics": diagnostics} if offer.needs_diagnostics else argument
    if offer.is_edit and profile.resolves_edits and not profile.shows_answers:
        action.data = {"command": offer.command, "argument": argument}
    else:
        action.command = types.Command(title=action.title, command=offer.command, arguments=[argument])
    return action


async def on_resolve(window: Window, action: types.CodeAction) -> types.CodeAction:
    """The edit of the action that was chosen. Where there is none, the person is told why."""
    data = action.data
    if not isinstance(data, Mapping) or data.get("command") not in assist.WORK:
        return action
    argument = data.get("argument")
    if not isinstance(argument, Mapping):
        raise JsonRpcInvalidParams("The code action has lost its argument.")
    command = str(data["command"])
    target = build_target(window, command, argument)
    outcome = await assist.run(window, command, target)
    if isinstance(outcome, Words | Sentence):
        window.editor.show_info(
            short_text(outcome.text if isinstance(outcome, Sentence) else outcome.markdown)
        )
        return action
    edit = assist.edit_of(window, target, outcome)
    action.edit = types.WorkspaceEdit(changes={target.document.uri: [edit]})
    return action


def _range_json(range_: types.Range) -> dict[str, dict[str, int]]:
    ends = {"start": range_.start, "end": range_.end}
    return {name: {"line": end.line, "character": end.character} for name, end in ends.items()}


def _diagnostic_json(diagnostic: types.Diagnostic) -> dict[str, Any]:
    source = {"source": diagnostic.source} if diagnostic.source else {}
    return {"message": diagnostic.message, "range": _range_json(diagnostic.range), **source}


def is_wanted(kind: str, only: object) -> bool:
    """No filter, or one that the kind, or a kind above it, is in."""
    if not isinstance(only, list | tuple):
        return True
    kinds = [str(getattr(wanted, "value", wanted)) for wanted in only]
    return any(not wanted or f"{kind}.".startswith(f"{wanted}.") for wanted in kinds)
