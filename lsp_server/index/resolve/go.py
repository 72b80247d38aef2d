"""Go: an import path to the folder of its package. The folder stands for all files in it. Pure.

Runs in the session. What a module is called is written in its `go.mod`; there may be several.
"""

from __future__ import annotations

import re

from lsp_server.index.resolve.files import Files, ancestors, folder_of

_MODULE = re.compile(r"^[ \t]*module[ \t]+\"?([^\s\"]+)", re.MULTILINE)
_MAX_MODULES = 60


def resolve_go(module: str, importer: str, files: Files) -> str:
    """The module that the importer lies in is asked first, then the others, the longest name first."""
    importer = importer.removeprefix("./")
    if "." not in module.partition("/")[0] and not _own_modules(importer, files):
        return ""
    for name, folder in _modules(importer, files):
        if module == name or module.startswith(name + "/"):
            found = folder + (module[len(name) + 1 :] + "/" if module != name else "")
            if any(path.endswith(".go") for path in files.files_in(found)):
                return found or "./"
    return ""


def _modules(importer: str, files: Files) -> list[tuple[str, str]]:
    """(name, folder) of all modules of the workspace."""
    own = _own_modules(importer, files)
    listed = [path for path in files.paths_with_stem("go") if path.endswith("go.mod")][:_MAX_MODULES]
    others = [(_name(path, files), folder_of(path)) for path in listed]
    others.sort(key=lambda item: -len(item[0]))
    return [item for item in dict.fromkeys([*own, *others]) if item[0]]


def _own_modules(importer: str, files: Files) -> list[tuple[str, str]]:
    paths = [f"{folder}go.mod" for folder in ancestors(importer)]
    existing = files.existing(paths)
    return [(_name(path, files), folder_of(path)) for path in paths if path in existing]


def _name(path: str, files: Files) -> str:
    found = _MODULE.search(files.text_of(path))
    return found[1] if found else ""
