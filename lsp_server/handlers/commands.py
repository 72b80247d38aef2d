"""workspace/executeCommand.

Runs in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.handlers.assist import WORK, on_assist
from lsp_server.handlers.editor import status_json
from lsp_server.handlers.explain import EXPLAIN_COMMAND, on_explain
from lsp_server.handlers.inline_completion import ACCEPTED_COMMAND
from lsp_server.handlers.window import Window
from lsp_server.stats import as_markdown, summarise
from lsp_server.trace import PREFETCH, PREPARE
from lsp_server.why import explain_last

N_TRACES = 50
N_RECORDS = 10_000

Command = Callable[[Window, types.ExecuteCommandParams], object]


def on_execute_command(window: Window, params: types.ExecuteCommandParams) -> object:
    command = COMMANDS.get(params.command)
    if command is None:
        raise JsonRpcInvalidParams(f"There is no command {params.command[:80]!r}.")
    return command(window, params)


def on_accepted(window: Window, params: types.ExecuteCommandParams) -> None:
    """`arguments: [id]`, the argument of the item's own command, once the item was taken whole. Editors that
    run the command of what they insert need do nothing; elsewhere the plug-in sends it. Nothing is sent for a
    part. The count stays on this machine."""
    window.session.verdicts.accept(_completion_id(params))


def on_rejected(window: Window, params: types.ExecuteCommandParams) -> None:
    """`arguments: [id]`, when a person sent the item away: Escape, or a key of their own. Nothing is sent for
    one that was typed over or left: `Verdicts` sees that. Once or twice is the same, before or after
    `edgewise.accepted`, too."""
    window.session.verdicts.reject(_completion_id(params))


def _completion_id(params: types.ExecuteCommandParams) -> str:
    return str((params.arguments or [""])[0])


def on_status(window: Window, params: types.ExecuteCommandParams) -> dict[str, Any]:
    session = window.session
    return {
        **status_json(session.status()),
        "pace": asdict(session.pace),
        "prompt_tokens": session.prompt_tokens,
        "accepted": session.verdicts.n_accepted,
        "rejected": session.verdicts.n_rejected,
        "ignored": session.verdicts.n_ignored,
        "problems": list(session.problems()),
        "traces": [asdict(record) for record in session.traces.last(N_TRACES)],
    }


def on_why(window: Window, params: types.ExecuteCommandParams) -> dict[str, Any]:
    """The last request of this window in sentences."""
    return {"sentences": list(explain_last(window.session.traces.last(N_RECORDS)))}


def on_stats(window: Window, params: types.ExecuteCommandParams) -> dict[str, Any]:
    """What the last requests of this window come to, and all that was done unasked."""
    session = window.session
    verdicts, traces = session.verdicts, session.traces
    summary = replace(
        summarise(traces.last(N_RECORDS)),
        n_accepted=verdicts.n_accepted,
        n_rejected=verdicts.n_rejected,
        n_ignored=verdicts.n_ignored,
        n_unasked=traces.n_noted(PREFETCH),
        n_prepared=traces.n_noted(PREPARE),
    )
    return {**asdict(summary), "markdown": as_markdown(summary)}


async def on_restart(window: Window, params: types.ExecuteCommandParams) -> None:
    await window.session.restart()


COMMANDS: Mapping[str, Command] = {
    EXPLAIN_COMMAND: on_explain,
    **dict.fromkeys(WORK, on_assist),
    ACCEPTED_COMMAND: on_accepted,
    "edgewise.rejected": on_rejected,
    "edgewise.status": on_status,
    "edgewise.why": on_why,
    "edgewise.stats": on_stats,
    "edgewise.restart": on_restart,
}
