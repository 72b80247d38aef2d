"""Imports of languages that name packages with dots: C#, Kotlin, Scala, Swift. Java's are in `imports.py`.

Runs in the session and in the index worker. Pure; knows syntax nodes, not files.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from lsp_server.index.import_rows import STAR, Row, text_of


def read_csharp(node: Node) -> Iterator[Row]:
    """`using A.B` brings a whole namespace, `using static A.B` the members of a type."""
    path = "".join(text_of(node.named_children[-1] if node.named_child_count else None).split())
    alias = text_of(node.child_by_field_name("name"))
    if alias:
        module, _, name = path.rpartition(".")
        yield module, name, alias, node
    elif path:
        yield path, STAR, "", node


def read_kotlin(node: Node) -> Iterator[Row]:
    path = "".join(text_of(node.named_child(0) if node.named_child_count else None).split())
    if any(child.type == "*" for child in node.children):
        yield path, STAR, "", node
        return
    module, _, name = path.rpartition(".")
    alias = text_of(node.named_child(1)) if node.named_child_count > 1 else name
    yield module, name, alias, node


def read_scala(node: Node) -> Iterator[Row]:
    """`import a.b.C, d.{E, F => G, _}`: the path's words, then what is taken of it."""
    words: list[str] = []
    for index, child in enumerate(node.children):
        if node.field_name_for_child(index) == "path" and child.is_named:
            words.append(text_of(child))
        elif child.type in ("namespace_selectors", "namespace_wildcard", "as_renamed_identifier"):
            selected = child.named_children if child.type == "namespace_selectors" else [child]
            yield from (_scala_selector(".".join(words), item, node) for item in selected)
            words = []
        elif child.type == ",":
            yield from _scala_path(words, node)
            words = []
    yield from _scala_path(words, node)


def _scala_path(words: list[str], node: Node) -> Iterator[Row]:
    if words:
        yield ".".join(words[:-1]), words[-1], words[-1], node


def _scala_selector(module: str, item: Node, node: Node) -> Row:
    if item.type == "namespace_wildcard":
        return module, STAR, "", node
    name = text_of(item.child_by_field_name("name") or item)
    alias = text_of(item.child_by_field_name("alias"))
    return module, name, (alias or name) if alias != "_" else "", node


def read_swift(node: Node) -> Iterator[Row]:
    """A module whole, or one declaration of it when the kind is named (`import struct Shop.Money`)."""
    path = next((child for child in node.named_children if child.type == "identifier"), None)
    module = "".join(text_of(path).split())
    has_kind = any(not child.is_named and child.type != "import" for child in node.children)
    if has_kind and "." in module:
        module, _, name = module.rpartition(".")
        yield module, name, name, node
    elif module:
        yield module, STAR, "", node
