"""What a definition's own words say beside its signature: bases, decorators, modifiers, declared exceptions.

Runs in the session, for explain. Pure; knows syntax nodes of all the languages.
"""

from __future__ import annotations

from tree_sitter import Node

from lsp_server.index.walk import Actions, short_text, text_of

_BASE_FIELDS = ("superclasses", "superclass", "interfaces", "trait")
_BASE_NODES = (
    *("class_heritage", "base_class_clause", "extends_interfaces", "extends_type_clause"),
    *("base_list", "base_clause", "class_interface_clause", "extends_clause", "inheritance_specifier"),
    "delegation_specifiers",
)
_BASE_NAMES = [
    "identifier",
    "type_identifier",
    "attribute",
    "scoped_type_identifier",
    "generic_type",
    "subscript",
    "member_expression",
    "qualified_identifier",
    "template_type",
    "constant",
    "generic_name",
    "name",
    "qualified_name",
    "scope_resolution",
    "user_type",
]


def read_bases(node: Node) -> tuple[str, ...]:
    clauses = [node.child_by_field_name(name) for name in _BASE_FIELDS]
    clauses += [child for child in node.named_children if child.type in _BASE_NODES]
    stack = [clause for clause in reversed(clauses) if clause is not None]
    names: dict[str, None] = {}
    while stack:
        item = stack.pop()
        if item.type in _BASE_NAMES:
            names.setdefault(short_text(item))
        elif item.type not in ("keyword_argument", "type_arguments", "value_arguments", "arguments"):
            stack += reversed(item.named_children)
    return tuple(names)


def read_decorators(node: Node) -> tuple[str, ...]:
    """Python's and TypeScript's decorators, Java's annotations, Rust's attributes."""
    found = [child for child in node.named_children if child.type == "decorator"]
    if node.parent is not None and node.parent.type in ("decorated_definition", "export_statement"):
        found += [child for child in node.parent.named_children if child.type == "decorator"]
    modifiers = next((child for child in node.named_children if child.type == "modifiers"), None)
    if modifiers is not None:
        found += [child for child in modifiers.named_children if child.type.endswith("annotation")]
    before = node.prev_named_sibling
    while before is not None and before.type in ("attribute_item", "decorator"):
        found.insert(0, before)
        before = before.prev_named_sibling
    return tuple(dict.fromkeys(short_text(item) for item in found))


_MODIFIERS = (
    "async",
    "static",
    "abstract",
    "virtual",
    "override",
    "const",
    "unsafe",
    "final",
    "synchronized",
    "native",
)


def read_modifiers(node: Node, body: Node | None, actions: Actions) -> tuple[str, ...]:
    """Words before the name, and what the body makes of the function."""
    head = (
        node.text[: body.start_byte - node.start_byte] if body is not None and node.text else node.text or b""
    )
    before_parameters = head.decode("utf-8", "replace").partition("(")[0].split()
    found = [word for word in _MODIFIERS if word in before_parameters]
    if actions.n_yields or "generator" in node.type or any(child.type == "*" for child in node.children):
        found.append("generator")
    return tuple(found)


def read_throws(function: Node) -> tuple[str, ...]:
    """Java's `throws`."""
    declared = next((child for child in function.named_children if child.type == "throws"), None)
    return tuple(text_of(child) for child in declared.named_children) if declared is not None else ()
