"""What a piece of syntax does: calls, raises, branches, binds. Generic over the languages, by their shapes.

Runs in the session, for explain. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from lsp_server.index.shapes import Shape

_EXPRESSION_CHARS = 60
_MAKING = frozenset({"object_creation_expression", "instance_expression", "call_expression"})
_MEMBER_FIELDS = ("attribute", "property", "field", "name")
# What a target may be that binds no name of its own: `a.b`, `a[i]`, in every grammar's words.
_NO_NAMES = (
    *("attribute", "subscript", "member_expression", "subscript_expression", "selector_expression"),
    *("field_expression", "index_expression", "field_access", "array_access"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """`text` is what is called as it stands (`self.store.write`), `name` its last part."""

    name: str
    text: str
    line: int


@dataclass(slots=True)
class Actions:
    """Collected from one piece of code, each once, in the order of the text."""

    calls: dict[str, Call] = field(default_factory=dict)
    raises: dict[str, None] = field(default_factory=dict)
    reads: dict[str, None] = field(default_factory=dict)
    writes: dict[str, None] = field(default_factory=dict)
    returned: dict[str, None] = field(default_factory=dict)
    unreachable: list[int] = field(default_factory=list)
    n_branches: int = 0
    n_awaits: int = 0
    n_yields: int = 0
    n_nested: int = 0


def text_of(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


def short_text(node: Node | None) -> str:
    words = " ".join(text_of(node).split())
    return words if len(words) <= _EXPRESSION_CHARS else words[: _EXPRESSION_CHARS - 4] + " ..."


def actions_in(roots: list[Node], shape: Shape, *, into_nested: bool) -> Actions:
    """`into_nested`: the branches of inner functions count too (for a class or a module)."""
    actions = Actions()
    bound: set[int] = set()
    for node, is_own in _nodes(roots, shape):
        if node.type in shape.calls:
            _add_call(actions, node, shape)
        if node.type in shape.binds:
            _add_writes(actions, node, shape, bound)
        if node.type in shape.identifiers and node.start_byte not in bound and _is_read(node, roots):
            actions.reads.setdefault(text_of(node))
        if is_own or into_nested:
            _add_own(actions, node, shape)
    return actions


def _nodes(roots: list[Node], shape: Shape) -> Iterator[tuple[Node, bool]]:
    """Every node in the order of the text, and whether it belongs to the code itself or to a function
    inside."""
    stack = [(root, True) for root in reversed(roots)]
    top = {root.id for root in roots}
    while stack:
        node, is_own = stack.pop()
        yield node, is_own
        inner_is_own = is_own and (node.type not in shape.nested or node.id in top)
        stack += [(child, inner_is_own) for child in reversed(node.children)]


def _add_call(actions: Actions, node: Node, shape: Shape) -> None:
    function = node.child_by_field_name(shape.calls[node.type]) or node.named_child(0)
    text = _call_text(node, function)
    name = _last_name(function)
    if name:
        actions.calls.setdefault(text, Call(name, text, node.start_point[0]))
    if text in shape.panics:
        macro = "!" if node.type == "macro_invocation" else ""
        actions.raises.setdefault(_raised(node) if text == "raise" else text + macro)


def _raised(node: Node) -> str:
    """Ruby's `raise` is a call: of a class, of a new object of it, or of a message."""
    arguments = node.child_by_field_name("arguments")
    value = arguments.named_child(0) if arguments is not None and arguments.named_child_count else None
    if value is None:
        return "the exception at hand, again"
    if "string" in value.type:
        return "RuntimeError"
    return short_text(value.child_by_field_name("receiver") or value)


def _call_text(node: Node, function: Node | None) -> str:
    """Java keeps the object beside the name."""
    receiver = node.child_by_field_name("object") if node.type == "method_invocation" else None
    name = short_text(function)
    return f"{short_text(receiver)}.{name}" if receiver is not None else name


def _last_name(function: Node | None) -> str:
    """`c` of `a.b.c`, `b` of `a::b<T>`; nothing for a call of a call."""
    while function is not None:
        inner = next(filter(None, map(function.child_by_field_name, ("function", *_MEMBER_FIELDS))), None)
        if inner is None:
            break
        function = inner
    if function is None or function.named_child_count:
        function = (
            function.named_child(0) if function is not None and function.type == "generic_type" else None
        )
    return text_of(function)


def _add_writes(actions: Actions, node: Node, shape: Shape, bound: set[int]) -> None:
    field_name = shape.binds[node.type]
    targets = node.children_by_field_name(field_name) if field_name else node.named_children[:1]
    for target in targets:
        for name in _bound_names(target, shape):
            bound.add(name.start_byte)
            actions.writes.setdefault(text_of(name))
        if not target.named_child_count or "." in text_of(target):
            actions.writes.setdefault(short_text(target))


def _bound_names(target: Node, shape: Shape) -> Iterator[Node]:
    """The plain names in a pattern; `a.b` and `a[i]` bind no name."""
    stack = [target]
    while stack:
        node = stack.pop()
        if node.type in shape.identifiers or node.type == "shorthand_property_identifier_pattern":
            yield node
        elif not node.type.endswith(_NO_NAMES):
            stack += reversed(node.named_children)


def _is_read(node: Node, roots: list[Node]) -> bool:
    """Not the name of a member, of a keyword argument, nor of a definition."""
    parent = node.parent
    if parent is None or any(node.id == root.id for root in roots):
        return True
    same_as = [parent.child_by_field_name(name) for name in _MEMBER_FIELDS]
    if any(other is not None and other.id == node.id for other in same_as):
        return parent.type in ("subscript", "template_function")
    return "parameter" not in parent.type and not parent.type.startswith(("import", "dotted_name"))


def _add_own(actions: Actions, node: Node, shape: Shape) -> None:
    kind = node.type
    if kind in shape.branches or (not node.is_named and kind in shape.boolean_operators):
        actions.n_branches += 1
    elif kind in shape.throws:
        actions.raises.setdefault(_thrown(node))
    elif kind in shape.returns and node.named_child_count:
        actions.returned.setdefault(short_text(node.named_child(0)))
    actions.n_awaits += kind in shape.awaits
    actions.n_yields += kind in shape.yields and node.is_named
    actions.n_nested += kind in shape.nested
    if kind in shape.blocks:
        actions.unreachable += _unreachable(node, shape)


def _thrown(node: Node) -> str:
    """The type that is thrown, as far as the statement says."""
    value = node.named_child(0) if node.named_child_count else None
    if value is None:
        return "the exception at hand, again"
    made = next(filter(None, map(value.child_by_field_name, ("function", "constructor", "type"))), None)
    if made is None and value.type in _MAKING:
        made = value.named_child(0)
    return short_text(made or value)


def _unreachable(block: Node, shape: Shape) -> list[int]:
    """The line of the first statement after one that ends the block."""
    has_ended = False
    for child in block.named_children:
        if child.is_extra or child.type == "comment":
            continue
        if has_ended:
            return [child.start_point[0]]
        inner = (
            child.named_child(0)
            if child.type == "expression_statement" and child.named_child_count
            else child
        )
        has_ended = child.type in shape.stops or inner.type in shape.stops
    return []
