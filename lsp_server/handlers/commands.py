"""workspace/executeCommand.

Runs in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.handlers.editor import status_json
from lsp_server.handlers.explain import on_explain
from lsp_server.handlers.inline_completion import ACCEPTED_COMMAND
from lsp_server.handlers.window import Window
from lsp_server.stats import summarise
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
    """Counts what a person took. The count stays in this process."""
    window.session.accept(str((params.arguments or [""])[0]))


def on_status(window: Window, params: types.ExecuteCommandParams) -> dict[str, Any]:
    session = window.session
    return {
        **status_json(session.status()),
        "accepted": session.n_accepted,
        "problems": list(session.problems()),
        "traces": [asdict(record) for record in session.traces.last(N_TRACES)],
    }


def on_why(window: Window, params: types.ExecuteCommandParams) -> dict[str, Any]:
    """The last request of this window in sentences."""
    return {"sentences": list(explain_last(window.session.traces.last(N_RECORDS)))}


def on_stats(window: Window, params: types.ExecuteCommandParams) -> dict[str, Any]:
    """What the last requests of this window come to."""
    session = window.session
    summary = summarise(session.traces.last(N_RECORDS))
    return {**asdict(summary), "n_accepted": session.n_accepted}


async def on_restart(window: Window, params: types.ExecuteCommandParams) -> None:
    await window.session.restart()


COMMANDS: Mapping[str, Command] = {
    "edgewise.explain": on_explain,
    ACCEPTED_COMMAND: on_accepted,
    "edgewise.status": on_status,
    "edgewise.why": on_why,
    "edgewise.stats": on_stats,
    "edgewise.restart": on_restart,
}
