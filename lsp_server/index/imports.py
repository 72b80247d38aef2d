"""Reads import statements: what a file takes from others, and what it hands on under another name.

Runs in the session and in the index worker. Pure; knows syntax nodes, not files: `resolve.py` finds those.
Python, JavaScript, Go, Rust, Java and C are read here, the others in `imports_dotted.py` and
`imports_scripts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from lsp_server.index import imports_dotted, imports_scripts
from lsp_server.index.import_rows import STAR as STAR
from lsp_server.index.import_rows import Row as _Row
from lsp_server.index.import_rows import text_of as _text
from lsp_server.index.import_rows import unquoted as _unquoted
from lsp_server.index.offsets import ByteOffsets
from lsp_server.types import Span


@dataclass(frozen=True, slots=True)
class Import:
    """`module` is as the file writes it; "" means this file (JavaScript: `export { name as alias }`).

    `name` is what is taken from it: "" the module itself, `*` everything. `alias` is the name that is
    bound here
    ("" when none is).
    """

    module: str
    name: str
    alias: str
    span: Span
    line: int


_GO_VERSION = re.compile(r"(?:/v\d+|\.v\d+)\Z")


def read_import(reader: str, node: Node, offsets: ByteOffsets) -> Iterator[Import]:
    read = READERS.get(reader)
    for module, name, alias, place in read(node) if read else ():
        span = Span(offsets(place.start_byte), offsets(place.end_byte))
        yield Import(module, name, alias, span, place.start_point[0])


def _python(node: Node) -> Iterator[_Row]:
    names = node.children_by_field_name("name")
    if node.type == "import_statement":
        for item in names:
            module, alias = _python_name(item)
            yield module, "", alias or module, node
        return
    module = "".join(_text(node.child_by_field_name("module_name")).split())
    for item in names:
        name, alias = _python_name(item)
        yield module, name, alias or name, node
    if not names and any(child.type == "wildcard_import" for child in node.named_children):
        yield module, STAR, "", node


def _python_name(item: Node) -> tuple[str, str]:
    """(dotted name, alias or "")"""
    if item.type == "aliased_import":
        return _text(item.child_by_field_name("name")), _text(item.child_by_field_name("alias"))
    return _text(item), ""


def _javascript(node: Node) -> Iterator[_Row]:
    if node.type == "variable_declarator":
        yield from _require(node)
        return
    module = _unquoted(node.child_by_field_name("source"))
    if node.type == "import_statement":
        for clause in node.named_children:
            if clause.type == "import_require_clause":
                yield _unquoted(clause.child_by_field_name("source")), "", _text(clause.named_child(0)), node
            for part in clause.named_children if clause.type == "import_clause" else ():
                yield from _import_part(module, part, node)
    else:
        yield from _export(module, node)


def _import_part(module: str, part: Node, node: Node) -> Iterator[_Row]:
    if part.type == "identifier":
        yield module, "default", _text(part), node
    elif part.type == "namespace_import":
        yield module, "", _text(part.named_child(0)), node
    elif part.type == "named_imports":
        for item in part.named_children:
            name, alias = _text(item.child_by_field_name("name")), _text(item.child_by_field_name("alias"))
            if name:
                yield module, name, alias or name, node


def _export(module: str, node: Node) -> Iterator[_Row]:
    """What a file hands on: from another one, or its own under another name."""
    declared = node.child_by_field_name("declaration")
    value = node.child_by_field_name("value")
    if declared is not None or value is not None:
        named = declared.child_by_field_name("name") if declared is not None else value
        if named is not None and named.type in ("identifier", "type_identifier"):
            yield "", _text(named), "default", node
        return
    clauses = [child for child in node.named_children if child.type in ("export_clause", "namespace_export")]
    for clause in clauses:
        if clause.type == "namespace_export":
            yield module, "", _text(clause.named_child(0)), node
        for item in clause.named_children if clause.type == "export_clause" else ():
            name, alias = _text(item.child_by_field_name("name")), _text(item.child_by_field_name("alias"))
            if module or (alias and alias != name):
                yield module, name, alias or name, node
    if module and not clauses:
        yield module, STAR, "", node


def _require(node: Node) -> Iterator[_Row]:
    target, call = node.child_by_field_name("name"), node.child_by_field_name("value")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    if target is None or arguments is None or not arguments.named_child_count:
        return
    module = _unquoted(arguments.named_child(0))
    if target.type == "identifier":
        yield module, "", _text(target), node
    for item in target.named_children if target.type == "object_pattern" else ():
        if item.type == "pair_pattern":
            yield (
                module,
                _text(item.child_by_field_name("key")),
                _text(item.child_by_field_name("value")),
                node,
            )
        elif item.type == "shorthand_property_identifier_pattern":
            yield module, _text(item), _text(item), node


def _go(node: Node) -> Iterator[_Row]:
    module = _unquoted(node.child_by_field_name("path"))
    alias = _text(node.child_by_field_name("name")) or _go_name(module)
    if alias == ".":
        yield module, STAR, "", node
    else:
        yield module, "", alias if alias != "_" else "", node


def _go_name(module: str) -> str:
    """What a package is called by custom: versions stand in the path only."""
    path = _GO_VERSION.sub("", module)
    return path.rpartition("/")[2].removeprefix("go-").removesuffix("-go")


def _rust(node: Node) -> Iterator[_Row]:
    if node.type == "mod_item":
        name = _text(node.child_by_field_name("name"))
        yield f"self::{name}", "", name, node
        return
    stack = [("", node.child_by_field_name("argument"))]
    while stack:
        prefix, item = stack.pop()
        if item is None:
            continue
        if item.type in ("scoped_use_list", "use_list"):
            inner = _joined(prefix, _text(item.child_by_field_name("path")))
            items = item.child_by_field_name("list") if item.type == "scoped_use_list" else item
            stack += [(inner, child) for child in reversed(items.named_children if items else [])]
        else:
            yield (*_rust_leaf(prefix, item), node)


def _rust_leaf(prefix: str, item: Node) -> tuple[str, str, str]:
    if item.type == "use_wildcard":
        return _joined(prefix, _text(item.named_child(0) if item.named_child_count else None)), STAR, ""
    path = item.child_by_field_name("path") if item.type == "use_as_clause" else item
    module, _, name = _joined(prefix, _text(path)).rpartition("::")
    if name == "self":
        module, name = module.rpartition("::")[0] or module, module.rpartition("::")[2]
    return module, name, _text(item.child_by_field_name("alias")) or name


def _joined(prefix: str, path: str) -> str:
    return "::".join(filter(None, (prefix, "".join(path.split()))))


def _java(node: Node) -> Iterator[_Row]:
    named = [child for child in node.named_children if child.type in ("scoped_identifier", "identifier")]
    path = _text(named[0]) if named else ""
    if any(child.type == "asterisk" for child in node.named_children):
        yield path, STAR, "", node
    else:
        module, _, name = path.rpartition(".")
        yield module, name, name, node


def _c(node: Node) -> Iterator[_Row]:
    yield _unquoted(node.child_by_field_name("path")), STAR, "", node


READERS: Mapping[str, Callable[[Node], Iterator[_Row]]] = {
    "python": _python,
    "javascript": _javascript,
    "go": _go,
    "rust": _rust,
    "java": _java,
    "c": _c,
    "csharp": imports_dotted.read_csharp,
    "kotlin": imports_dotted.read_kotlin,
    "scala": imports_dotted.read_scala,
    "swift": imports_dotted.read_swift,
    "php": imports_scripts.read_php,
    "ruby": imports_scripts.read_ruby,
    "lua": imports_scripts.read_lua,
    "shell": imports_scripts.read_shell,
    "zig": imports_scripts.read_zig,
}
