"""Parameters and the type of the result of a function node, in any of the languages.

Runs in the session, for explain. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from lsp_server.index.walk import text_of
from lsp_server.types import Parameter

_SELF = frozenset({"self", "cls"})
_BARE_LISTS = frozenset({"function_value_parameters"})
_RESULT_FIELDS = ("return_type", "result", "returns", "type")
_SEPARATORS = frozenset(
    {"keyword_separator", "positional_separator", "comment", "line_comment", "block_comment"}
)


def read_parameters(function: Node) -> tuple[Parameter, ...]:
    """Without `self`, `cls` and Rust's `&self`."""
    single = function.child_by_field_name("parameter")
    if single is not None:
        return (Parameter(text_of(single)),)
    listed = _parameter_list(function)
    if listed is None:
        return tuple(_read_bare(function))
    nodes = [n for n in listed.named_children if n.type not in _SEPARATORS]
    found = [parameter for node in nodes for parameter in _read(node)]
    is_method = bool(found) and found[0].name in _SELF and not found[0].annotation
    return tuple(found[1:] if is_method else found)


def read_result(function: Node) -> str:
    """The declared type of the result, or ""."""
    declared = next(filter(None, map(function.child_by_field_name, _RESULT_FIELDS)), None) or _bare_result(
        function
    )
    pointer = _pointer(function.child_by_field_name("declarator"))
    return f"{_type_text(declared)} {pointer}".rstrip()


def _pointer(declarator: Node | None) -> str:
    """C and C++ put a part of the type beside the name."""
    marks = ""
    while declarator is not None and declarator.type in ("pointer_declarator", "reference_declarator"):
        marks += text_of(declarator)[:1]
        declarator = declarator.child_by_field_name("declarator") or declarator.named_child(0)
    return marks


def _parameter_list(function: Node) -> Node | None:
    """C hides it in declarators."""
    node: Node | None = function
    while node is not None:
        listed = node.child_by_field_name("parameters")
        if listed is not None:
            return listed
        node = node.child_by_field_name("declarator") or _inner_declarator(node)
    return None


def _read_bare(function: Node) -> Iterator[Parameter]:
    """Kotlin and Swift name no field for the list, and put a default beside its parameter."""
    listed = next((child for child in function.named_children if child.type in _BARE_LISTS), function)
    for node in listed.named_children:
        if node.type != "parameter":
            continue
        words = [child for child in node.children if child.is_named and child.type != "parameter_modifiers"]
        names = [child for child in words if child.type.endswith("identifier")]
        after = node.next_sibling
        default = text_of(after.next_sibling) if after is not None and after.type == "=" else ""
        yield Parameter(
            text_of(names[-1]) if names else "_", _type_text(words[-1]) if words[1:] else "", default
        )


def _bare_result(function: Node) -> Node | None:
    """What follows the arrow, or the colon behind a list without a field."""
    marks = ("->", ":") if any(child.type in _BARE_LISTS for child in function.children) else ("->",)
    return next((child for child in function.named_children if _mark(child) in marks), None)


def _mark(node: Node) -> str:
    return node.prev_sibling.type if node.prev_sibling is not None else ""


def _inner_declarator(node: Node) -> Node | None:
    return next((child for child in node.named_children if child.type.endswith("declarator")), None)


def _read(node: Node) -> Iterator[Parameter]:
    if node.type == "self_parameter":
        return
    if node.type == "assignment_pattern":
        yield Parameter(
            text_of(node.child_by_field_name("left")), default=text_of(node.child_by_field_name("right"))
        )
        return
    default = text_of(node.child_by_field_name("value") or node.child_by_field_name("default_value"))
    default = default or next((text_of(child) for child in node.named_children if _mark(child) == "="), "")
    declarator = node.child_by_field_name("declarator")
    if declarator is not None or node.type == "spread_parameter":
        yield _read_declared(node, declarator, default)
        return
    annotation = _type_text(node.child_by_field_name("type"))
    names = node.children_by_field_name("name") or node.children_by_field_name("pattern")
    if not names and node.type in ("typed_parameter", "typed_default_parameter"):
        names = node.named_children[:1]
    if not names and node.type == "parameter_declaration":
        yield Parameter("_", text_of(node), default)
        return
    for name in names or [node]:
        yield Parameter(text_of(name), annotation, default)


def _read_declared(node: Node, declarator: Node | None, default: str) -> Parameter:
    """C: the type stands around the name (`char **argv`, `int a[3]`)."""
    inner = declarator or node.named_child(node.named_child_count - 1)
    while (
        deeper := inner.child_by_field_name("declarator") or inner.child_by_field_name("name")
    ) is not None:
        inner = deeper
    if inner.type.endswith("declarator") and inner.named_child_count:
        inner = inner.named_child(inner.named_child_count - 1)
    name = text_of(inner)
    whole = text_of(node).partition("=")[0].rstrip() if default else text_of(node)
    before, _, after = whole.rpartition(name)
    return Parameter(name, f"{before.rstrip()}{after}".strip(), default)


def _type_text(node: Node | None) -> str:
    return " ".join(text_of(node).removeprefix(":").split())
