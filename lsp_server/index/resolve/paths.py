"""Languages that name files: C and C++ includes, Ruby, Lua, shell, Zig, and what PHP requires. Pure.

Runs in the session. Folders that a compiler or interpreter searches are not known: the file whose path ends
as it is written, and that lies nearest, is meant.
"""

from __future__ import annotations

import posixpath
from functools import lru_cache

from lsp_server.index.resolve.files import (
    Files,
    ending_with,
    first_existing,
    folder_of,
    joined,
    nearest,
)
from lsp_server.index.store import module_stem


def resolve_include(module: str, importer: str, files: Files) -> str:
    """Beside the includer, or in a folder for includes."""
    beside = joined(folder_of(importer), module)
    return first_existing([beside] if beside else [], files) or _anywhere(module, importer, files)


def resolve_ruby(module: str, importer: str, files: Files) -> str:
    """`require_relative` begins with a dot; `require` is searched in folders that are called `lib`."""
    path = module if module.endswith(".rb") else f"{module}.rb"
    if module.startswith("."):
        whole = joined(folder_of(importer), path)
        return first_existing([whole] if whole else [], files)
    found = ending_with(path, module_stem(path), files)
    in_lib = [item for item in found if item.endswith(f"lib/{path}")]
    return nearest(in_lib or (found if "/" in module else []), importer)


def resolve_lua(module: str, importer: str, files: Files) -> str:
    """Dots are folders; `a.b` is `a/b.lua` or `a/b/init.lua`."""
    path = module.replace(".", "/").lstrip("/")
    whole = ending_with(f"{path}.lua", path.rpartition("/")[2], files)
    inits = ending_with(f"{path}/init.lua", "init", files)
    return nearest(whole, importer) or nearest(inits, importer)


def resolve_script_path(module: str, importer: str, files: Files) -> str:
    """A path as a shell, Zig or PHP's `require` writes it."""
    return resolve_include(module, importer, files) if "." in posixpath.basename(module) else ""


def _anywhere(module: str, importer: str, files: Files) -> str:
    tail = posixpath.normpath(module)
    while tail.startswith("../"):
        tail = tail[3:]
    return nearest(ending_with(tail, _stem(tail), files), importer)


@lru_cache(maxsize=1024)
def _stem(path: str) -> str:
    return module_stem(path)
