"""Languages whose packages follow folders: Java, Kotlin, Scala, C#, PHP, Swift. Pure.

Runs in the session. A package's files lie in a folder whose path ends as the package is called; a type lies
in a file of its name, where one is asked for. What lies in the same folder is visible without an import.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from lsp_server.index.resolve.files import Files, ancestors, ending_with, first_existing, folder_of, nearest

Resolver = Callable[[str, str, str, Files], str]


def _typed(suffixes: tuple[str, ...], module: str, name: str, importer: str, files: Files) -> str:
    """The file of the type `name` of package `module`, or of a type that holds it; "." is the own package."""
    if module == ".":
        return first_existing([f"{folder_of(importer)}{name}{suffix}" for suffix in suffixes], files)
    parts = [*module.split("."), name]
    for n_parts in range(len(parts), max(0, len(parts) - 2), -1):
        path = "/".join(parts[:n_parts])
        found = [
            item for suffix in suffixes for item in ending_with(path + suffix, parts[n_parts - 1], files)
        ]
        if found:
            return nearest(found, importer)
    return ""


def resolve_csharp(module: str, name: str, importer: str, files: Files) -> str:
    """Namespaces need not follow folders: a type is looked for by its file's name, the nearest first."""
    if module == ".":
        return first_existing([f"{folder_of(importer)}{name}.cs"], files)
    parts = module.split(".")
    found = [path for path in files.paths_with_stem(name) if path.endswith(f"/{name}.cs")]
    inside = [path for path in found if f"/{parts[-1]}/" in f"/{path}"]
    return nearest(inside or found, importer)


def resolve_php(module: str, name: str, importer: str, files: Files) -> str:
    """By the namespaces that `composer.json` leads to folders (PSR-4), else by the end of the path."""
    if module == ".":
        return first_existing([f"{folder_of(importer)}{name}.php"], files)
    if "/" in module or module.endswith(".php"):
        return ""
    whole = "\\".join(filter(None, (module, name)))
    for prefix, folder in _namespaces(importer, files):
        if whole.startswith(prefix):
            inner = whole[len(prefix) :].replace("\\", "/")
            if found := first_existing([f"{folder}{inner}.php"], files):
                return found
    parts = whole.split("\\")
    tails = ["/".join(parts[start:]) + ".php" for start in range(min(3, len(parts) - 1))]
    for tail in tails:
        if found := nearest(ending_with(tail, parts[-1], files), importer):
            return found
    return ""


def _namespaces(importer: str, files: Files) -> Iterator[tuple[str, str]]:
    """(namespace with a backslash at its end, folder), the longest first."""
    for folder in ancestors(importer):
        path = f"{folder}composer.json"
        if files.existing([path]):
            for prefix, inner in parse_composer(files.text_of(path)):
                base = inner.removeprefix("./").rstrip("/")
                yield prefix, folder + (f"{base}/" if base else "")


@lru_cache(maxsize=64)
def parse_composer(text: str) -> tuple[tuple[str, str], ...]:
    """The rows of `autoload.psr-4`, also those for development; nothing of what is no such file."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    rows: list[tuple[str, str]] = []
    for section in ("autoload", "autoload-dev"):
        found = whole.get(section) if isinstance(whole, dict) else None
        table = found.get("psr-4") if isinstance(found, dict) else None
        for prefix, folders in table.items() if isinstance(table, dict) else ():
            listed = folders if isinstance(folders, list) else [folders]
            rows += [(prefix, folder) for folder in listed if isinstance(folder, str)]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


JVM: Resolver = partial(_typed, (".java", ".kt", ".scala"))
SWIFT: Resolver = partial(_typed, (".swift",))
