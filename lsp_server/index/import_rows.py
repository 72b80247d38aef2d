"""What the readers of import statements share: the row that each yields, and the text of a node.

Runs in the session and in the index worker. Pure.
"""

from __future__ import annotations

from tree_sitter import Node

STAR = "*"

# (module, name, alias, node that the span is taken from): see `imports.Import`.
Row = tuple[str, str, str, Node]


def text_of(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


def unquoted(node: Node | None) -> str:
    return text_of(node).strip("\"'`<>")
