"""Imports of languages that name files, mostly by a call: Ruby, PHP, Lua, shell, Zig.

Runs in the session and in the index worker. Pure; knows syntax nodes, not files.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from lsp_server.index.import_rows import STAR, Row, text_of, unquoted

_STRINGS = ("string", "encapsed_string", "simple_symbol")


def read_ruby(node: Node) -> Iterator[Row]:
    """`require_relative` counts from the file: its path begins with a dot. `autoload` names a constant."""
    arguments = node.child_by_field_name("arguments")
    words = [unquoted(item).lstrip(":") for item in (arguments.named_children if arguments else ())]
    if not words or any(
        child.type not in _STRINGS for child in (arguments.named_children if arguments else ())
    ):
        return
    how = text_of(node.child_by_field_name("method"))
    if how == "autoload" and len(words) == 2:
        yield words[1], words[0], words[0], node
    elif how == "require_relative":
        yield (words[0] if words[0].startswith(".") else f"./{words[0]}"), STAR, "", node
    else:
        yield words[0], STAR, "", node


def read_php(node: Node) -> Iterator[Row]:
    if node.type != "namespace_use_declaration":
        yield from _php_file(node)
        return
    group = node.child_by_field_name("body")
    outer = next((child for child in node.named_children if child.type == "namespace_name"), None)
    for clause in (group or node).named_children:
        if clause.type != "namespace_use_clause":
            continue
        path = text_of(clause.named_child(0)).strip("\\")
        module, _, name = f"{text_of(outer)}\\{path}".strip("\\").rpartition("\\")
        yield module, name, text_of(clause.child_by_field_name("alias")) or name, node


def _php_file(node: Node) -> Iterator[Row]:
    """`require __DIR__ . '/a.php'`: a path from this file; anything else that is computed is not known."""
    path = node.named_child(0) if node.named_child_count else None
    while path is not None and path.type == "parenthesized_expression":
        path = path.named_child(0) if path.named_child_count else None
    if path is None:
        return
    if path.type == "binary_expression" and text_of(path.child_by_field_name("left")) == "__DIR__":
        yield "./" + unquoted(path.child_by_field_name("right")).lstrip("/"), STAR, "", node
    elif path.type in _STRINGS:
        yield unquoted(path), STAR, "", node


def read_lua(node: Node) -> Iterator[Row]:
    """`local name = require "module"`, or one of its fields; a call alone binds nothing."""
    arguments = node.child_by_field_name("arguments")
    given = arguments.named_child(0) if arguments is not None and arguments.named_child_count else None
    if given is None or given.type != "string":
        return
    module = text_of(given.child_by_field_name("content")) or unquoted(given)
    around, name = node.parent, ""
    if around is not None and around.type == "dot_index_expression":
        name = text_of(around.child_by_field_name("field"))
        around = around.parent
    statement = around.parent if around is not None and around.type == "expression_list" else None
    targets = statement.named_child(0) if statement is not None else None
    is_bound = targets is not None and targets.type == "variable_list"
    yield module, name, text_of(targets.named_child(0)) if is_bound and targets else "", node


def read_shell(node: Node) -> Iterator[Row]:
    """`source ./lib.sh`; of a path that begins with a variable, what comes after it."""
    arguments = node.children_by_field_name("argument")
    path = unquoted(arguments[0]) if arguments else ""
    if path.startswith("$"):
        path = path.partition("/")[2] and "./" + path.partition("/")[2]
    if path and "$" not in path:
        yield path, STAR, "", node


def read_zig(node: Node) -> Iterator[Row]:
    """`const name = @import("file").member;`"""
    arguments = node.named_child(1) if node.named_child_count > 1 else None
    if arguments is None or node.parent is None or not arguments.named_child_count:
        return
    module = unquoted(arguments.named_child(0))
    around, name = node.parent, ""
    if around.type == "field_expression" and around.parent is not None:
        around, name = around.parent, text_of(around.child_by_field_name("member"))
    if around.type == "using_namespace_declaration":
        yield module, STAR, "", node
    elif module:
        is_bound = around.type == "variable_declaration"
        yield module, name, text_of(around.named_child(0)) if is_bound else "", node
