"""From an import statement to the file, or the folder, of the workspace that it means.

Runs in the session. Pure over `Files`, a port that knows which files exist. To teach the index another
language's imports, write a resolver in a module of its own and add it to a table here.

A folder (it ends with a slash) stands for all files in it: a package of Go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lsp_server.index.resolve import dotted, paths, python, rust, scripts
from lsp_server.index.resolve.files import Files, folder_of
from lsp_server.index.resolve.go import resolve_go

__all__ = [
    "OWN_PACKAGE",
    "PACKAGE_RESOLVER",
    "Files",
    "is_by_name",
    "is_exported",
    "package_folder",
    "resolve",
    "resolve_member",
]

# What is asked with the module and the importer.
RESOLVERS: Mapping[str, Callable[[str, str, Files], str]] = {
    "python": python.resolve_python,
    "javascript": scripts.resolve_scripts,
    "go": resolve_go,
    "rust": rust.resolve_rust,
    "c": paths.resolve_include,
    "ruby": paths.resolve_ruby,
    "lua": paths.resolve_lua,
    "shell": paths.resolve_script_path,
    "zig": paths.resolve_script_path,
}

# What needs to know also which name is taken from the module.
BY_NAME: Mapping[str, dotted.Resolver] = {
    "java": dotted.JVM,
    "kotlin": dotted.JVM,
    "scala": dotted.JVM,
    "swift": dotted.SWIFT,
    "csharp": dotted.resolve_csharp,
    "php": dotted.resolve_php,
}

MEMBERS: Mapping[str, Callable[[str, str, str, Files], str]] = {
    "python": python.resolve_submodule,
    "rust": rust.resolve_rust_member,
}

OWN_PACKAGE = "."
# Of the language whose packages are folders.
PACKAGE_RESOLVER = "go"


def resolve(resolver: str, module: str, importer: str, files: Files, name: str = "") -> str:
    """Where what `importer` calls `module` lies, or the file of `name` in it; "" when it is none of the
    workspace."""
    if not module:
        return ""
    if find := RESOLVERS.get(resolver):
        return find(module, importer, files)
    by_name = BY_NAME.get(resolver)
    return by_name(module, name, importer, files) if by_name is not None and name else ""


def resolve_member(resolver: str, module: str, name: str, importer: str, files: Files) -> str:
    """The file that `name` is when it is taken from `module` and is a module itself; else ""."""
    find = MEMBERS.get(resolver)
    return find(module, name, importer, files) if find is not None and module else ""


def is_by_name(resolver: str) -> bool:
    """Whether where a module lies depends on the name that is taken from it."""
    return resolver in BY_NAME


def package_folder(resolver: str, path: str) -> str:
    """The folder whose files are one module, of which `path` is a part; "" where a file is a module."""
    return folder_of(path) or "./" if resolver == PACKAGE_RESOLVER else ""


def is_exported(resolver: str, name: str) -> bool:
    """Whether other modules are meant to see a name; where the language itself says so, the import does."""
    if resolver == PACKAGE_RESOLVER:
        return name[:1].isupper()
    return resolver != "python" or not name.startswith("_")
