"""The commands `edgewise.document`, `edgewise.tests` and `edgewise.fix`.

Runs in the session. An answer is what an editor can show: a change (`edits` of `uri`; the same as a
WorkspaceEdit under `edit`; `note`, what it stands on), Markdown (a MarkupContent), or a sentence (`sentence`,
also as `message`). Nothing is applied here: the editor shows a change before it is taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from lsprotocol import types

from lsp_server.assist.document import Proposal, propose_documentation
from lsp_server.assist.fix import Correction, propose_fix
from lsp_server.assist.ports import Sentence, Words
from lsp_server.assist.tests import write_tests
from lsp_server.handlers.positions import range_of
from lsp_server.handlers.showing import is_dropped, send_pieces, show_dropped
from lsp_server.handlers.target import Target, parse_target
from lsp_server.handlers.window import Window
from lsp_server.trace import TraceDraft

DOCUMENT_COMMAND = "edgewise.document"
TESTS_COMMAND = "edgewise.tests"
FIX_COMMAND = "edgewise.fix"

CHANGED = Sentence("The text has changed since you asked: ask again.")

Outcome = Proposal | Correction | Words | Sentence
Work = Callable[[Window, Target], Awaitable[Outcome]]


async def _document(window: Window, target: Target) -> Outcome:
    return await propose_documentation(target.snapshot, target.span, await window.session.assist_ports())


async def _tests(window: Window, target: Target) -> Outcome:
    ports = await window.session.assist_ports()
    return await write_tests(target.snapshot, target.span, ports, send_pieces(window, target))


async def _fix(window: Window, target: Target) -> Outcome:
    ports, send = await window.session.assist_ports(), send_pieces(window, target)
    return await propose_fix(target.snapshot, target.span, target.diagnostics, ports, send)


WORK: Mapping[str, tuple[str, Work]] = {
    DOCUMENT_COMMAND: ("Documenting", _document),
    TESTS_COMMAND: ("Writing tests", _tests),
    FIX_COMMAND: ("Fixing", _fix),
}


def on_assist(window: Window, params: types.ExecuteCommandParams) -> Coroutine[Any, Any, dict[str, Any]]:
    return _answer(window, params.command, parse_target(window, params), params.work_done_token)


async def _answer(
    window: Window, command: str, target: Target, token: types.ProgressToken | None
) -> dict[str, Any]:
    outcome = await run(window, command, target, token)
    if isinstance(outcome, Words | Sentence):
        text = outcome.markdown if isinstance(outcome, Words) else outcome.text
        await show_dropped(window, target, command.partition(".")[2], text)
    elif is_dropped(window, target):
        await show_dropped(window, target, command.partition(".")[2], as_markdown(target, outcome))
    return answer_json(window, target, outcome)


async def run(
    window: Window, command: str, target: Target, token: types.ProgressToken | None = None
) -> Outcome:
    """A change is one of the text as it is now, or it is none."""
    title, work = WORK[command]
    trace = TraceDraft(command)
    with window.editor.cancellable_work(token, title):
        try:
            outcome = await work(window, target)
            trace.set(outcome=type(outcome).__name__)
            if isinstance(outcome, Proposal):
                trace.set(summary=outcome.verdict)
        finally:
            window.session.traces.add(trace)
    is_now = window.session.document(target.document.uri) == target.document
    return outcome if is_now or isinstance(outcome, Words | Sentence) else CHANGED


def answer_json(window: Window, target: Target, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Sentence):
        return {"sentence": outcome.text, "message": outcome.text}
    if isinstance(outcome, Words):
        return {"kind": types.MarkupKind.Markdown.value, "value": outcome.markdown}
    edit = edit_of(window, target, outcome)
    uri = target.document.uri
    summary = {"summary": outcome.verdict.value} if isinstance(outcome, Proposal) else {}
    return {
        "uri": uri,
        "edits": [edit],
        "edit": types.WorkspaceEdit(changes={uri: [edit]}),
        "note": outcome.note,
        **summary,
    }


def edit_of(window: Window, target: Target, change: Proposal | Correction) -> types.TextEdit:
    assert target.document.buffer is not None
    place = range_of(target.document.buffer, change.span, window.session.encoding)
    return types.TextEdit(place, change.text)


def as_markdown(target: Target, change: Proposal | Correction) -> str:
    """For a client that can only read the change."""
    line = target.snapshot.text.count("\n", 0, change.span.start) + 1
    code = change.text.replace("\r\n", "\n").strip("\n")
    path = target.snapshot.relative_path
    return f"{change.note}\n\nTo be put in at {path}:{line}:\n\n````\n{code}\n````\n"
