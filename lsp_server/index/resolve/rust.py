"""Rust: a path of modules to its file. Pure.

Runs in the session. A path may end in what is no module (a type, an inline module): its longest beginning
that is a file is meant.
"""

from __future__ import annotations

import posixpath

from lsp_server.index.resolve.files import Files, ancestors, first_existing, folder_of

_ROOTS = ("lib.rs", "main.rs")
_OWNERS = ("mod.rs", *_ROOTS)


def resolve_rust(module: str, importer: str, files: Files) -> str:
    parts = module.split("::")
    if parts[0] == "crate":
        return _below(_crate_folder(importer, files), parts[1:], files)
    if parts[0] in ("self", "super"):
        return _relative(parts, importer, files)
    own = _below(_children(importer), parts, files, must_have_first=True)
    return own or _other_crate(parts, importer, files)


def resolve_rust_member(module: str, name: str, importer: str, files: Files) -> str:
    """`use crate::a::b;` where `b` is a module."""
    base = resolve_rust(module, importer, files)
    children = _children(base) if base else ""
    return first_existing([f"{children}{name}.rs", f"{children}{name}/mod.rs"], files) if base else ""


def _relative(parts: list[str], importer: str, files: Files) -> str:
    folder = _children(importer)
    while parts and parts[0] in ("self", "super"):
        if parts[0] == "super":
            folder = folder_of(folder.rstrip("/"))
        parts = parts[1:]
    return _below(folder, parts, files)


def _children(path: str) -> str:
    """The folder in which the modules lie that a file declares."""
    folder, name = folder_of(path), posixpath.basename(path)
    return folder if name in _OWNERS else f"{folder}{name.removesuffix('.rs')}/"


def _owner(folder: str) -> list[str]:
    """The files that may stand for a folder of modules."""
    return [*(f"{folder}{name}" for name in _OWNERS), f"{folder.rstrip('/')}.rs"]


def _below(folder: str, parts: list[str], files: Files, *, must_have_first: bool = False) -> str:
    for n_parts in range(len(parts), 0, -1):
        path = folder + "/".join(parts[:n_parts])
        if found := first_existing([f"{path}.rs", f"{path}/mod.rs"], files):
            return found
    return "" if must_have_first else first_existing(_owner(folder), files)


def _crate_folder(importer: str, files: Files) -> str:
    for folder in ancestors(importer):
        if files.existing([f"{folder}{name}" for name in _ROOTS]):
            return folder
    return folder_of(importer)


def _other_crate(parts: list[str], importer: str, files: Files) -> str:
    """A crate of the same workspace lies in a folder of its name, with `-` for `_`."""
    for name in dict.fromkeys([parts[0], parts[0].replace("_", "-")]):
        roots = [f"{name}/src/lib.rs"]
        for path in files.paths_with_stem("lib"):
            if path in roots or path.endswith("/" + roots[0]):
                return _below(folder_of(path), parts[1:], files)
    return ""
