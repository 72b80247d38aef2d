"""Python: a dotted module to its file, in whatever folder packages are searched from. Pure.

Runs in the session.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Sequence

from lsp_server.index.resolve.files import Files, ancestors, first_existing

_SUFFIXES = (".py", ".pyi")
_SOURCE_FOLDERS = ("src", "lib", "python")


def resolve_python(module: str, importer: str, files: Files) -> str:
    if module.startswith("."):
        return _relative(module, importer, files)
    parts = module.split(".")
    tail = "/".join(parts)
    endings = [f"{tail}{suffix}" for suffix in _SUFFIXES]
    endings += [f"{tail}/__init__{suffix}" for suffix in _SUFFIXES]
    candidates = [
        (path, path[: -len(ending)])
        for path in files.paths_with_stem(parts[-1])
        for ending in endings
        if path == ending or path.endswith("/" + ending)
    ]
    if not candidates:
        return ""
    packages = _packages({folder for _, base in candidates for folder in (base, *ancestors(importer))}, files)
    fitting = [(path, base) for path, base in candidates if _is_source_root(base, parts, importer, packages)]
    return min(fitting, key=lambda item: _distance(item[0], item[1], importer), default=("", ""))[0]


def resolve_submodule(module: str, name: str, importer: str, files: Files) -> str:
    """The file that `name` is when it is taken from `module` and is a module itself."""
    return resolve_python(f"{module}{'' if module.endswith('.') else '.'}{name}", importer, files)


def _relative(module: str, importer: str, files: Files) -> str:
    n_up = len(module) - len(module.lstrip(".")) - 1
    folder = posixpath.dirname(importer)
    for _ in range(n_up):
        if not folder:
            return ""
        folder = posixpath.dirname(folder)
    path = posixpath.join(folder, *module.lstrip(".").split(".")) if module.lstrip(".") else folder
    inits = [posixpath.join(path, f"__init__{suffix}") for suffix in _SUFFIXES]
    files_of_it = [f"{path}{suffix}" for suffix in _SUFFIXES] if module.lstrip(".") else []
    return first_existing([*inits, *files_of_it], files)


def _packages(folders: set[str], files: Files) -> set[str]:
    """Those of `folders` that hold an `__init__`."""
    inits = {f"{folder}__init__{suffix}": folder for folder in folders for suffix in _SUFFIXES}
    return {inits[path] for path in files.existing(sorted(inits))}


def _is_source_root(base: str, parts: Sequence[str], importer: str, packages: set[str]) -> bool:
    """Whether a path that starts at `base` may be what Python means: modules are searched in roots, not in
    packages.

    A single name must lie where the importer would find it, or in a folder for sources: `json` is rarely
    yours.
    """
    if base in packages:
        return False
    around = set(ancestors(importer))
    above = {folder for folder in around if folder not in packages}
    is_near = base in above or any(
        base == f"{folder}{name}/" for folder in around for name in _SOURCE_FOLDERS
    )
    if parts[0] in sys.stdlib_module_names:
        return is_near
    return is_near or len(parts) > 1 or base.rstrip("/").rpartition("/")[2] in _SOURCE_FOLDERS


def _distance(path: str, base: str, importer: str) -> tuple[int, int, bool, str]:
    """Smaller is likelier: shares more folders with the importer, is less deep, is no stub."""
    shared = len(posixpath.commonprefix([base.split("/"), importer.split("/")]))
    return -shared, base.count("/"), path.endswith(".pyi"), path
