"""From a place in a document to the syntax facts of the code there: what explain stands on.

Runs in the session, in the thread that all questions to the index run in. Pure; knows one file, not the
workspace.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from lsp_server.index.declarations import read_bases, read_decorators, read_modifiers, read_throws
from lsp_server.index.grammars import parse_tree
from lsp_server.index.languages import Language, language_for, refine
from lsp_server.index.offsets import ByteOffsets, encode, n_bytes_before
from lsp_server.index.parameters import read_parameters, read_result
from lsp_server.index.parse import ParsedFile, extract
from lsp_server.index.shapes import SHAPES, Shape
from lsp_server.index.signature import string_docstring
from lsp_server.index.walk import Actions, Call, actions_in, short_text, text_of
from lsp_server.types import Parameter, Span, Symbol, SymbolKind

_DEFINITIONS = (SymbolKind.CLASS, SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.MODULE)
_CALLABLES = (SymbolKind.FUNCTION, SymbolKind.METHOD)
_MAX_RETURNED = 3

# What stands around a definition's node and belongs to it.
_WRAPPERS = frozenset(
    [
        "decorated_definition",
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "template_declaration",
        "ambient_declaration",
        "type_declaration",
    ]
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """`kind` is a SymbolKind's value, `lambda` or `selection`. `symbol` is the definition, when it is one.

    `defines` are the (outermost) definitions inside; `reads` and `writes` are names, for what is no function.
    """

    kind: str
    name: str
    container: str
    span: Span
    line: int
    end_line: int
    symbol: Symbol | None = None
    docstring: str = ""
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    returned: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    raises: tuple[str, ...] = ()
    defines: tuple[Symbol, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    owner_bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    complexity: int = 0
    unreachable_lines: tuple[int, ...] = ()
    has_errors: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    text: str
    source: bytes
    root: Node
    parsed: ParsedFile
    offsets: ByteOffsets
    shape: Shape
    language: Language

    def node(self, span: Span) -> Node:
        start, end = n_bytes_before(self.text, span.start), n_bytes_before(self.text, span.end)
        return self.root.named_descendant_for_byte_range(start, end) or self.root


def inspect_code(text: str, language_id: str, path: str, span: Span) -> Inspection | None:
    """Of the definition at the cursor (an empty span), or of the selection. None: the language is not
    known."""
    language = language_for(language_id, path)
    if language is None:
        return None
    language = refine(language, path, text)
    source = encode(text)
    tree = parse_tree(source, language, should_yield=True)
    parsed = extract(tree, text, source, language, path, should_yield=True)
    file = _File(text, source, tree.root_node, parsed, ByteOffsets(text), SHAPES[language.id], language)
    return _inspect(file, Span(max(0, min(span.start, len(text))), max(0, min(span.end, len(text)))))


def _inspect(file: _File, span: Span) -> Inspection:
    if not file.text[span.start : span.end].strip():
        symbol = _definition_around(file, span)
        return _of_definition(file, symbol) if symbol is not None else _of_module(file)
    span = _trimmed(file.text, span)
    if not file.text[: span.start].strip() and not file.text[span.end :].strip():
        return _of_module(file)
    symbol = _selected_definition(file, span)
    if symbol is not None:
        return _of_definition(file, symbol)
    node = file.node(span)
    if node.type in file.shape.lambdas and len(file.text[span.start : span.end]) == len(text_of(node)):
        return _of_lambda(file, node)
    return _of_selection(file, span)


def _trimmed(text: str, span: Span) -> Span:
    selected = text[span.start : span.end]
    start = span.start + len(selected) - len(selected.lstrip())
    return Span(start, start + len(selected.strip()))


def _whole_span(file: _File, symbol: Symbol) -> Span:
    """With the decorators and modifiers that stand before it: from the start of what wraps it."""
    node = _node_of(file, symbol)
    parent = node.parent
    while parent is not None and parent.type in _WRAPPERS:
        node, parent = parent, parent.parent
    return Span(file.offsets(node.start_byte), file.offsets(node.end_byte))


def _definition_around(file: _File, span: Span) -> Symbol | None:
    """The innermost definition on whose lines the cursor is; decorators belong to theirs."""
    line_start = file.text.rfind("\n", 0, span.start) + 1
    words_start = (
        line_start
        + len(file.text[line_start : span.start])
        - len(file.text[line_start : span.start].lstrip())
    )
    line_end = file.text.find("\n", span.start)
    line = Span(words_start, line_end if line_end >= 0 else len(file.text))
    around = []
    for symbol in file.parsed.symbols:
        if symbol.kind in _DEFINITIONS and symbol.span.start <= line.end + 2000:
            whole = _whole_span(file, symbol)
            if whole.start <= line.end and line.start <= whole.end and _covers(whole, span, line):
                around.append((len(whole), symbol))
    return min(around, key=lambda item: item[0])[1] if around else None


def _covers(whole: Span, cursor: Span, line: Span) -> bool:
    """The cursor is inside, or before the definition on its first line (in the indentation)."""
    return whole.start <= cursor.start <= whole.end or (
        whole.start <= line.end and cursor.start <= whole.start
    )


def _selected_definition(file: _File, span: Span) -> Symbol | None:
    """The definition that is selected whole, or of which only (a part of) the declaration is."""
    for symbol in reversed(file.parsed.symbols):
        if symbol.kind not in _DEFINITIONS:
            continue
        whole = _whole_span(file, symbol)
        body = _body_of(_node_of(file, symbol))
        body_start = file.offsets(body.start_byte) if body is not None else symbol.span.end
        is_whole = span.end in (whole.end, symbol.span.end) and whole.start <= span.start <= symbol.span.start
        if is_whole or (whole.start <= span.start and span.end <= body_start and span.end > span.start):
            return symbol
    return None


def _node_of(file: _File, symbol: Symbol) -> Node:
    return file.node(symbol.span)


def _function_node(file: _File, symbol: Symbol) -> Node:
    """The node with parameters: of `const f = () => 1` the arrow function."""
    node = _node_of(file, symbol)
    value = node.child_by_field_name("value")
    return value if value is not None and value.type in file.shape.lambdas else node


def _body_of(node: Node) -> Node | None:
    value = node.child_by_field_name("value")
    return node.child_by_field_name("body") or (
        value.child_by_field_name("body") if value is not None else None
    )


def _of_definition(file: _File, symbol: Symbol) -> Inspection:
    node = _function_node(file, symbol)
    is_callable = symbol.kind in _CALLABLES
    actions = actions_in([node], file.shape, into_nested=not is_callable)
    inside = f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name
    own = read_result(node) if is_callable else ""
    return Inspection(
        kind=symbol.kind.value,
        name=symbol.name,
        container=symbol.container,
        span=symbol.span,
        line=symbol.line,
        end_line=symbol.end_line,
        symbol=symbol,
        docstring=symbol.docstring,
        parameters=read_parameters(node) if is_callable else (),
        returns=own,
        returned=tuple(actions.returned)[:_MAX_RETURNED] if is_callable and not own else (),
        calls=_calls(actions),
        raises=(*read_throws(node), *actions.raises),
        defines=tuple(s for s in file.parsed.symbols if s.container == inside and _is_inside(s, symbol)),
        bases=() if is_callable else read_bases(_node_of(file, symbol)),
        owner_bases=_owner_bases(file, symbol),
        decorators=read_decorators(_node_of(file, symbol)),
        modifiers=read_modifiers(node, _body_of(node), actions if is_callable else Actions()),
        complexity=1 + actions.n_branches if is_callable else 0,
        unreachable_lines=tuple(actions.unreachable),
        has_errors=node.has_error,
    )


def _is_inside(inner: Symbol, outer: Symbol) -> bool:
    """Rust and C++ write methods elsewhere in the file: those count by their container's name alone."""
    is_in_text = outer.span.start <= inner.span.start and inner.span.end <= outer.span.end
    return is_in_text or outer.kind is SymbolKind.CLASS


def _of_lambda(file: _File, node: Node) -> Inspection:
    actions = actions_in([node], file.shape, into_nested=False)
    parameters = read_parameters(node)
    names = {parameter.name for parameter in parameters}
    return Inspection(
        kind="lambda",
        name="",
        container=_scope_at(file, file.offsets(node.start_byte)),
        span=Span(file.offsets(node.start_byte), file.offsets(node.end_byte)),
        line=node.start_point[0],
        end_line=node.end_point[0],
        parameters=parameters,
        returned=(short_text(node.child_by_field_name("body")),)
        if not actions.returned
        else tuple(actions.returned),
        calls=_calls(actions),
        raises=tuple(actions.raises),
        reads=tuple(name for name in actions.reads if name not in names),
        complexity=1 + actions.n_branches,
        has_errors=node.has_error,
    )


def _of_module(file: _File) -> Inspection:
    actions = actions_in([file.root], file.shape, into_nested=True)
    top = tuple(s for s in file.parsed.symbols if not s.container)
    return Inspection(
        kind=SymbolKind.MODULE.value,
        name="",
        container="",
        span=Span(0, len(file.text)),
        line=0,
        end_line=file.text.rstrip().count("\n"),
        docstring=_module_docstring(file),
        calls=_calls(actions),
        defines=top,
        reads=tuple(dict.fromkeys(item.module for item in file.parsed.imports if item.module)),
        unreachable_lines=tuple(actions.unreachable),
        has_errors=file.root.has_error,
    )


def _module_docstring(file: _File) -> str:
    """Python: the string at its start. Others: the comment at its start is often a licence, and is left
    out."""
    statement = next((node for node in file.root.named_children if node.type != "comment"), None)
    if file.language.id != "python" or statement is None or statement.type != "expression_statement":
        return ""
    literal = statement.named_child(0) if statement.named_child_count else None
    return string_docstring(text_of(literal)) if literal is not None and literal.type == "string" else ""


def _of_selection(file: _File, span: Span) -> Inspection:
    roots = _selected_nodes(file, span)
    actions = actions_in(roots, file.shape, into_nested=True)
    inside = [s for s in file.parsed.symbols if span.start <= s.span.start and s.span.end <= span.end]
    defines = tuple(s for s in inside if s.kind in _DEFINITIONS)
    names = {symbol.name for symbol in defines}
    return Inspection(
        kind="selection",
        name="",
        container=_scope_at(file, span.start),
        span=span,
        line=file.text.count("\n", 0, span.start),
        end_line=file.text.count("\n", 0, span.end),
        calls=_calls(actions),
        raises=tuple(actions.raises),
        defines=defines,
        reads=tuple(name for name in actions.reads if name not in names),
        writes=tuple(name for name in actions.writes if name not in names),
        complexity=1 + actions.n_branches,
        unreachable_lines=tuple(actions.unreachable),
        has_errors=any(node.has_error for node in roots),
    )


def _selected_nodes(file: _File, span: Span) -> list[Node]:
    """The largest nodes that lie wholly in the selection; where none does, the smallest around it."""
    start, end = n_bytes_before(file.text, span.start), n_bytes_before(file.text, span.end)
    found: list[Node] = []
    stack = [file.root]
    while stack:
        node = stack.pop()
        if node.end_byte <= start or node.start_byte >= end:
            continue
        if start <= node.start_byte and node.end_byte <= end:
            found.append(node)
        else:
            stack += reversed(node.children)
    return found or [file.node(span)]


def _scope_at(file: _File, offset: int) -> str:
    around = [
        s for s in file.parsed.symbols if s.kind in _DEFINITIONS and s.span.start <= offset < s.span.end
    ]
    inner = min(around, key=lambda symbol: len(symbol.span), default=None)
    return ".".join(filter(None, (inner.container, inner.name))) if inner is not None else ""


def _calls(actions: Actions) -> tuple[Call, ...]:
    return tuple(actions.calls.values())


def _owner_bases(file: _File, symbol: Symbol) -> tuple[str, ...]:
    """Of the class that a method is in."""
    outer, _, name = symbol.container.rpartition(".")
    for owner in file.parsed.symbols:
        if owner.kind is SymbolKind.CLASS and (owner.container, owner.name) == (outer, name):
            return read_bases(_node_of(file, owner))
    return ()
