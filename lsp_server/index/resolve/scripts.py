"""JavaScript and TypeScript: relative paths, path mappings, and the packages of one workspace. Pure.

Runs in the session. What lies in `node_modules` is none of the workspace.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lsp_server.index.resolve.files import Files, ancestors, first_existing, folder_of, joined
from lsp_server.index.resolve.script_config import (
    PackageJson,
    TsConfig,
    mapped,
    parse_package_json,
    parse_tsconfig,
)

_SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte")
# TypeScript writes the name that the compiled file will have.
_COMPILED = {".js": (".ts", ".tsx", ".d.ts"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_CONFIGS = ("tsconfig.json", "jsconfig.json", "tsconfig.base.json")
# Where a build puts what it makes of the sources.
_BUILT = ("dist/", "build/", "lib/", "out/", "esm/", "cjs/")
_SOURCES = ("src/", "source/", "")
_MAX_EXTENDS = 4
_MAX_PACKAGES = 40


def resolve_scripts(module: str, importer: str, files: Files) -> str:
    if module in (".", "..") or module.startswith(("./", "../")):
        return _file(joined(folder_of(importer), module) or _root(importer, module), files)
    if module.startswith("#"):
        return _own_import(module, importer, files)
    return _mapped(module, importer, files) or _package(module, importer, files)


def _root(importer: str, module: str) -> str:
    """`..` may be the workspace's root itself, which holds an index."""
    whole = posixpath.normpath(posixpath.join(folder_of(importer), module))
    return whole if whole == "." else ""


def _file(path: str, files: Files) -> str:
    """The file that is meant by a path without or with a suffix, or by a folder."""
    if not path:
        return ""
    stem, suffix = posixpath.splitext(path)
    candidates = [path, *(stem + source for source in _COMPILED.get(suffix, ()))]
    candidates += [path + source for source in _SUFFIXES]
    candidates += [posixpath.join(path, f"index{source}").removeprefix("./") for source in _SUFFIXES]
    return first_existing(candidates, files)


def _mapped(module: str, importer: str, files: Files) -> str:
    """By `paths` and `baseUrl` of the nearest configuration that has either."""
    for folder in ancestors(importer):
        path = first_existing([f"{folder}{name}" for name in _CONFIGS], files)
        for where, config in _chain(path, files):
            base = joined(where, config.base_url or ".") if config.base_url != "." else where
            for target in mapped(config.paths, module):
                if found := _file(joined(base, target), files):
                    return found
            if config.base_url is not None and (found := _file(joined(base, module), files)):
                return found
    return ""


def _chain(path: str, files: Files) -> Iterator[tuple[str, TsConfig]]:
    """(folder, configuration) of a file and of those that it extends."""
    todo = [path] if path else []
    for _ in range(_MAX_EXTENDS):
        if not todo:
            return
        path = todo.pop(0)
        config = parse_tsconfig(files.text_of(path))
        yield folder_of(path), config
        for extended in config.extends:
            if extended.startswith("."):
                whole = joined(folder_of(path), extended)
                todo.append(first_existing([whole, f"{whole}.json"], files))
        todo = [other for other in todo if other]


def _own_import(module: str, importer: str, files: Files) -> str:
    """`#name` is what the package of the importer calls it."""
    for folder in ancestors(importer):
        path = f"{folder}package.json"
        if files.existing([path]):
            package = parse_package_json(files.text_of(path))
            return _first_target(folder, mapped(package.imports, module), files)
    return ""


def _package(module: str, importer: str, files: Files) -> str:
    """A package of the same workspace by its name, and what it offers below that."""
    n_parts = 2 if module.startswith("@") else 1
    parts = module.split("/")
    name, inner = "/".join(parts[:n_parts]), "/".join(parts[n_parts:])
    for folder, package in _packages(name, files):
        if package.name == name:
            targets = list(mapped(package.exports, f"./{inner}" if inner else "."))
            targets += [inner, f"src/{inner}"] if inner else [*package.entries, "src/index", "index"]
            return _first_target(folder, iter(targets), files)
    return ""


def _packages(name: str, files: Files) -> Iterator[tuple[str, PackageJson]]:
    """The packages of the workspace: those in a folder of that name first."""
    last = name.rpartition("/")[2]
    paths = [path for path in files.paths_with_stem("package") if posixpath.basename(path) == "package.json"]
    paths.sort(key=lambda path: (posixpath.basename(posixpath.dirname(path)) != last, path.count("/"), path))
    for path in paths[:_MAX_PACKAGES]:
        yield folder_of(path), parse_package_json(files.text_of(path))


def _first_target(folder: str, targets: Iterator[str], files: Files) -> str:
    """What is built is not in the workspace: the source that it is made of is looked for."""
    for target in targets:
        whole = target.removeprefix("./")
        inner = next((whole.removeprefix(built) for built in _BUILT if whole.startswith(built)), "")
        for place in (whole, *(f"{source}{_unbuilt(inner)}" for source in _SOURCES if inner)):
            if found := _file(joined(folder, place), files):
                return found
    return ""


def _unbuilt(path: str) -> str:
    """`index.d.ts` and `index.js` without what the build put behind."""
    for suffix in (".d.ts", ".d.mts", ".d.cts", ".js", ".mjs", ".cjs"):
        path = path.removesuffix(suffix)
    return path
