"""initialize, initialized, shutdown, setTrace: how a conversation begins and ends.

Runs in the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.handlers import notebooks
from lsp_server.handlers.code_actions import KINDS
from lsp_server.handlers.commands import COMMANDS
from lsp_server.handlers.profile import Profile, parse_profile
from lsp_server.handlers.window import Window

VERSION = version("edgewise")
WATCHED_FILES = {"watchers": [{"globPattern": "**/*"}]}


def on_initialize(window: Window, params: object) -> types.InitializeResult:
    """Takes what the client says of itself; nothing is started before `initialized`."""
    if not isinstance(params, Mapping):
        raise JsonRpcInvalidParams("initialize needs parameters.")
    profile = parse_profile(params)
    window.editor.profile = profile
    window.session.encoding = profile.encoding
    window.session.set_roots(profile.roots)
    window.session.configure(profile.options, {})
    return build_result(profile)


def build_result(profile: Profile) -> types.InitializeResult:
    return types.InitializeResult(
        capabilities=build_capabilities(profile),
        server_info=types.ServerInfo(name="edgewise", version=VERSION),
    )


def build_capabilities(profile: Profile) -> types.ServerCapabilities:
    """Static, all of it: some clients that have inline completion do not register dynamically."""
    return types.ServerCapabilities(
        position_encoding=types.PositionEncodingKind(profile.encoding.value),
        text_document_sync=types.TextDocumentSyncOptions(
            open_close=True,
            change=types.TextDocumentSyncKind.Incremental,
            save=types.SaveOptions(include_text=False),
        ),
        notebook_document_sync=notebooks.SYNC,
        inline_completion_provider=types.InlineCompletionOptions(),
        code_action_provider=types.CodeActionOptions(code_action_kinds=list(KINDS), resolve_provider=True),
        execute_command_provider=types.ExecuteCommandOptions(
            commands=list(COMMANDS), work_done_progress=True
        ),
        workspace=types.WorkspaceOptions(
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            ),
        ),
    )


async def on_initialized(window: Window, params: object) -> None:
    """Now requests to the client are allowed: asks for its settings, then starts the model and the index."""
    editor, profile = window.editor, window.editor.profile
    if profile.registers_configuration:
        editor.register(types.WORKSPACE_DID_CHANGE_CONFIGURATION, {"section": "edgewise"})
    if profile.registers_watched_files:
        editor.register(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, WATCHED_FILES)
    values = await editor.fetch_settings()
    if values is not None:
        window.session.configure(profile.options, values)
    await window.session.reconcile()


async def on_shutdown(window: Window, params: object) -> None:
    await window.session.aclose()


def on_set_trace(window: Window, params: types.SetTraceParams) -> None:
    """Nothing to do: what is traced is asked for with the command `edgewise.status`."""
