"""From an import statement to the file of the workspace that it means. Pure over a port that knows which
files exist.

Runs in the session. A language's resolver is named by its row in `languages.py`; to teach the index another
language's imports, write one and add it to `RESOLVERS`.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

_PYTHON_SUFFIXES = (".py", ".pyi")
_SOURCE_FOLDERS = ("src", "lib", "python")
_SCRIPT_SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
# TypeScript writes the name that the compiled file will have.
_COMPILED = {".js": (".ts", ".tsx", ".d.ts"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}


class Files(Protocol):
    """Which files exist; paths are relative to the root, with forward slashes."""

    def existing(self, paths: Sequence[str]) -> set[str]: ...

    def paths_with_stem(self, stem: str) -> list[str]: ...


def resolve(resolver: str, module: str, importer: str, files: Files) -> str:
    """The file that `module` is when `importer` writes it; "" when it is none of the workspace."""
    find = RESOLVERS.get(resolver)
    return find(module, importer, files) if find is not None and module else ""


def resolve_member(resolver: str, module: str, name: str, importer: str, files: Files) -> str:
    """The file that `name` is when it is taken from `module` and is a module itself (Python); else ""."""
    if resolver != "python":
        return ""
    separator = "" if module.endswith(".") else "."
    return resolve(resolver, f"{module}{separator}{name}", importer, files)


def _python(module: str, importer: str, files: Files) -> str:
    if module.startswith("."):
        return _python_relative(module, importer, files)
    parts = module.split(".")
    tail = "/".join(parts)
    endings = [f"{tail}{suffix}" for suffix in _PYTHON_SUFFIXES]
    endings += [f"{tail}/__init__{suffix}" for suffix in _PYTHON_SUFFIXES]
    candidates = [
        (path, path[: -len(ending)])
        for path in files.paths_with_stem(parts[-1])
        for ending in endings
        if path == ending or path.endswith("/" + ending)
    ]
    if not candidates:
        return ""
    packages = _packages(
        {folder for _, base in candidates for folder in (base, *_ancestors(importer))}, files
    )
    fitting = [(path, base) for path, base in candidates if _is_source_root(base, parts, importer, packages)]
    return min(fitting, key=lambda item: _distance(item[0], item[1], importer), default=("", ""))[0]


def _python_relative(module: str, importer: str, files: Files) -> str:
    n_up = len(module) - len(module.lstrip(".")) - 1
    folder = posixpath.dirname(importer)
    for _ in range(n_up):
        if not folder:
            return ""
        folder = posixpath.dirname(folder)
    path = posixpath.join(folder, *module.lstrip(".").split(".")) if module.lstrip(".") else folder
    inits = [posixpath.join(path, f"__init__{suffix}") for suffix in _PYTHON_SUFFIXES]
    files_of_it = [f"{path}{suffix}" for suffix in _PYTHON_SUFFIXES] if module.lstrip(".") else []
    return _first_existing([*inits, *files_of_it], files)


def _packages(folders: set[str], files: Files) -> set[str]:
    """Those of `folders` (each "" or with a slash at its end) that hold an `__init__`."""
    inits = {f"{folder}__init__{suffix}": folder for folder in folders for suffix in _PYTHON_SUFFIXES}
    return {inits[path] for path in files.existing(sorted(inits))}


def _ancestors(path: str) -> Iterator[str]:
    """The folder of a file and all above it, each with a slash at its end; the root is ""."""
    folder = posixpath.dirname(path)
    while folder:
        yield folder + "/"
        folder = posixpath.dirname(folder)
    yield ""


def _is_source_root(base: str, parts: Sequence[str], importer: str, packages: set[str]) -> bool:
    """Whether a path that starts at `base` may be what Python means: modules are searched in roots, not in
    packages.

    A single name must lie where the importer would find it, or in a folder for sources: `json` is rarely
    yours.
    """
    if base in packages:
        return False
    ancestors = set(_ancestors(importer))
    above = {folder for folder in ancestors if folder not in packages}
    is_near = base in above or any(
        base == f"{folder}{name}/" for folder in ancestors for name in _SOURCE_FOLDERS
    )
    if parts[0] in sys.stdlib_module_names:
        return is_near
    return is_near or len(parts) > 1 or base.rstrip("/").rpartition("/")[2] in _SOURCE_FOLDERS


def _distance(path: str, base: str, importer: str) -> tuple[int, int, bool, str]:
    """Smaller is likelier: shares more folders with the importer, is less deep, is no stub."""
    shared = len(posixpath.commonprefix([base.split("/"), importer.split("/")]))
    return -shared, base.count("/"), path.endswith(".pyi"), path


def _javascript(module: str, importer: str, files: Files) -> str:
    if not module.startswith(("./", "../")) and module not in (".", ".."):
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), module))
    if path.startswith(".."):
        return ""
    stem, suffix = posixpath.splitext(path)
    candidates = [path, *(stem + source for source in _COMPILED.get(suffix, ()))]
    candidates += [path + source for source in _SCRIPT_SUFFIXES]
    candidates += [posixpath.join(path, f"index{source}").removeprefix("./") for source in _SCRIPT_SUFFIXES]
    return _first_existing(candidates, files)


def _first_existing(candidates: Sequence[str], files: Files) -> str:
    existing = files.existing(candidates)
    return next((path for path in candidates if path in existing), "")


RESOLVERS: Mapping[str, Callable[[str, str, Files], str]] = {
    "python": _python,
    "javascript": _javascript,
}
