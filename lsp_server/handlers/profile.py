"""What a client says of itself in `initialize`, read from the JSON as it came.

Runs in the session. Tolerant on purpose: a client newer than our types, or one that says odd things, must
still be able to start; what is not understood counts as not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lsp_server.text import PositionEncoding, path_of_uri


@dataclass(frozen=True, slots=True)
class Profile:
    """`process_id` is 0 when the client has none to watch. `shows_answers`: it is our VS Code extension,
    which runs the code actions' commands itself and shows what they answer."""

    process_id: int = 0
    roots: tuple[str, ...] = ()
    encoding: PositionEncoding = PositionEncoding.UTF16
    options: Mapping[str, Any] = field(default_factory=dict)
    has_progress: bool = False
    has_configuration: bool = False
    registers_configuration: bool = False
    registers_watched_files: bool = False
    has_show_document: bool = False
    shows_disabled: bool = False
    resolves_edits: bool = False
    shows_answers: bool = False


def parse_profile(params: Mapping[str, Any]) -> Profile:
    capabilities = _mapping(params, "capabilities")
    workspace = _mapping(capabilities, "workspace")
    process_id = params.get("processId")
    return Profile(
        process_id=process_id if type(process_id) is int and 0 < process_id < 2**31 else 0,
        roots=_roots(params),
        encoding=_encoding(_mapping(capabilities, "general")),
        options=_mapping(params, "initializationOptions"),
        has_progress=_mapping(capabilities, "window").get("workDoneProgress") is True,
        has_configuration=workspace.get("configuration") is True,
        registers_configuration=_registers(workspace, "didChangeConfiguration"),
        registers_watched_files=_registers(workspace, "didChangeWatchedFiles"),
        has_show_document=_mapping(_mapping(capabilities, "window"), "showDocument").get("support") is True,
        shows_disabled=_code_action(capabilities).get("disabledSupport") is True,
        resolves_edits=_resolves_edits(_code_action(capabilities)),
        shows_answers=_is_vscode(_mapping(capabilities, "general")),
    )


def _mapping(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _code_action(capabilities: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(_mapping(capabilities, "textDocument"), "codeAction")


def _resolves_edits(code_action: Mapping[str, Any]) -> bool:
    properties = _mapping(code_action, "resolveSupport").get("properties")
    return isinstance(properties, list) and "edit" in properties and code_action.get("dataSupport") is True


def _is_vscode(general: Mapping[str, Any]) -> bool:
    """By its Markdown parser, because its forks have other names; vscode-languageclient says no more."""
    return _mapping(general, "markdown").get("parser") == "marked"


def _registers(capabilities: Mapping[str, Any], name: str) -> bool:
    return _mapping(capabilities, name).get("dynamicRegistration") is True


def _encoding(general: Mapping[str, Any]) -> PositionEncoding:
    """The first of the client's that we know, which is all of them; UTF-16 is what every client has."""
    offered = general.get("positionEncodings")
    known = tuple(PositionEncoding)
    wanted = [name for name in offered if name in known] if isinstance(offered, list) else []
    return PositionEncoding(wanted[0]) if wanted else PositionEncoding.UTF16


def _roots(params: Mapping[str, Any]) -> tuple[str, ...]:
    """The workspace folders; from clients that have none, the older root."""
    folders = params.get("workspaceFolders")
    uris = (
        [folder.get("uri") for folder in folders if isinstance(folder, Mapping)]
        if isinstance(folders, list)
        else []
    )
    uris = uris or [params.get("rootUri")]
    paths = [path_of_uri(uri) for uri in uris if isinstance(uri, str)]
    root_path = params.get("rootPath")
    if not any(paths) and isinstance(root_path, str):
        paths = [root_path]
    return tuple(path for path in paths if path)
