"""Configuration, files and folders of the workspace.

Runs in the session.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

from lsprotocol import types

from lsp_server.handlers.window import Window
from lsp_server.text import path_of_uri


def on_did_change_configuration(
    window: Window, params: types.DidChangeConfigurationParams
) -> Coroutine[Any, Any, None]:
    sent = params.settings if isinstance(params.settings, Mapping) else None
    return _configure(window, sent)


async def _configure(window: Window, sent: Mapping[str, Any] | None) -> None:
    """Clients that can be asked are asked; from the others, what they sent counts: all of it or our
    section."""
    values = await window.editor.fetch_settings()
    if values is None and sent is not None:
        section = sent.get("edgewise", sent)
        values = section if isinstance(section, Mapping) else {}
    if values is not None:
        window.session.configure(window.editor.profile.options, values)
        await window.session.reconcile()


async def on_did_change_workspace_folders(
    window: Window, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    event = params.event
    added = [path_of_uri(folder.uri) for folder in event.added]
    removed = [path_of_uri(folder.uri) for folder in event.removed]
    window.session.change_roots(added, removed)
    await window.session.reconcile()


def on_did_change_watched_files(window: Window, params: types.DidChangeWatchedFilesParams) -> None:
    for change in params.changes:
        window.session.file_changed(change.uri)


def on_work_done_progress_cancel(window: Window, params: types.WorkDoneProgressCancelParams) -> None:
    window.editor.cancel_work(params.token)
