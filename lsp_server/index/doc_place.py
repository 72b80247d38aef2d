"""Where the documentation of a definition goes, and what the syntax tree says for it: the indentation, the
documentation that the file has already, and under which condition each exception is raised.

Runs in the session, in the thread that all questions to the index run in. Pure; knows one file. Must not know
how documentation is worded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from lsp_server.index.grammars import parse_tree
from lsp_server.index.languages import Language, language_for, refine
from lsp_server.index.offsets import ByteOffsets, encode, n_bytes_before
from lsp_server.index.shapes import SHAPES, Shape
from lsp_server.index.walk import short_text, text_of
from lsp_server.text import indentation_of
from lsp_server.types import Span

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
_BEFORE = frozenset({"attribute_item", "decorator"})
_PYTHON_SCOPES = frozenset({"function_definition", "class_definition"})
# A condition outside of these is not the whole story.
_LIMITS = ("function_definition", "function", "lambda", "for_statement", "except_clause")
_CONDITIONALS = frozenset({"if_statement", "elif_clause", "if_expression", "if_modifier", "if"})
_THROWN = re.compile(r"(?:raise|throw)\s+(?:new\s+)?([\w.:\\]+)")
_MAX_DOCS = 50


@dataclass(frozen=True, slots=True)
class DocPlace:
    """`before`, the documentation with `indent` before each of its lines, and `after` replace `span`.

    `docs` are the raw literals or comments that document other definitions; `conditions` has, by the name of
    an exception, the text of the `if` that it is raised under. Line ends are LF in all but the text itself.
    """

    span: Span
    indent: str
    before: str = ""
    after: str = ""
    docs: tuple[str, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)


def find_doc_place(text: str, language_id: str, path: str, definition: Span) -> DocPlace | None:
    """Of the definition that has this span. None: no line above or below is free for it."""
    language = language_for(language_id, path)
    if language is None:
        return None
    language = refine(language, path, text)
    root = parse_tree(encode(text), language, should_yield=True).root_node
    start, end = n_bytes_before(text, definition.start), n_bytes_before(text, definition.end)
    node = root.named_descendant_for_byte_range(start, end)
    if node is None:
        return None
    file = _File(text, ByteOffsets(text), language)
    place = file.below_header(node) if language.id == "python" else file.above(node)
    if place is None:
        return None
    docs = tuple(_python_docs(root) if language.id == "python" else _comment_docs(root))
    conditions = dict(_conditions(node, SHAPES[language.id]))
    return DocPlace(place.span, place.indent, place.before, place.after, docs, conditions)


@dataclass(frozen=True, slots=True)
class _File:
    text: str
    offsets: ByteOffsets
    language: Language

    def below_header(self, node: Node) -> DocPlace | None:
        """Python: the first line of the body."""
        definition = node.child_by_field_name("definition") or node
        body = definition.child_by_field_name("body")
        colon = next((child for child in reversed(definition.children) if child.type == ":"), None)
        if body is None or colon is None:
            return None
        colon_end, body_start = self.offsets(colon.end_byte), self.offsets(body.start_byte)
        if "\n" in self.text[colon_end:body_start] or "\r" in self.text[colon_end:body_start]:
            line_end = self._line_end(colon_end)
            return DocPlace(Span(line_end, line_end), self._indentation(body_start), before="\n")
        indent = self._indentation(self.offsets(definition.start_byte))
        indent += "\t" if "\t" in indent else "    "
        return DocPlace(Span(colon_end, body_start), indent, before="\n", after=f"\n{indent}")

    def above(self, node: Node) -> DocPlace | None:
        """The other languages: the lines above all that belongs to the definition."""
        start = self.offsets(_outermost(node).start_byte)
        indent = self._indentation(start)
        line_start = max(self.text.rfind("\n", 0, start), self.text.rfind("\r", 0, start)) + 1
        head = self.text[line_start:start]
        # Modifiers that the grammar leaves outside of the definition (`static`, `pub`) may stand before it.
        if not re.fullmatch(r"[\w\s]*", head):
            return None
        return DocPlace(Span(line_start, line_start), indent, after="\n")

    def _line_end(self, offset: int) -> int:
        match = re.compile(r"\r|\n|\Z").search(self.text, offset)
        return match.start() if match is not None else len(self.text)

    def _indentation(self, offset: int) -> str:
        line_start = max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1
        return indentation_of(self.text[line_start:offset])


def _outermost(node: Node) -> Node:
    """With the wrappers that hold this definition alone, and the attributes that stand before it."""
    while node.parent is not None and node.parent.type in _WRAPPERS and _is_alone(node, node.parent):
        node = node.parent
    while node.prev_named_sibling is not None and node.prev_named_sibling.type in _BEFORE:
        node = node.prev_named_sibling
    return node


def _is_alone(node: Node, wrapper: Node) -> bool:
    """Not one of several types in Go's `type ( ... )`."""
    return not any(child.type == "(" for child in wrapper.children) and wrapper.end_byte >= node.end_byte


def _nodes(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.named_children)


def _python_docs(root: Node) -> list[str]:
    bodies = (node.child_by_field_name("body") for node in _nodes(root) if node.type in _PYTHON_SCOPES)
    found = [_first_string(body) for body in (root, *bodies) if body is not None]
    return [literal for literal in found if literal][:_MAX_DOCS]


def _first_string(body: Node) -> str:
    statement = next((child for child in body.named_children if child.type != "comment"), None)
    if statement is None or statement.type != "expression_statement" or not statement.named_child_count:
        return ""
    literal = statement.named_child(0)
    return text_of(literal).replace("\r\n", "\n") if literal.type == "string" else ""


def _comment_docs(root: Node) -> list[str]:
    """Comments that end on the line above something that is no comment; of lines, the whole run."""
    found: list[str] = []
    run: list[str] = []
    last_row = -2
    for node in _nodes(root):
        if "comment" not in node.type:
            continue
        if node.start_point[0] > last_row + 1 and run:
            found.append("\n".join(run))
            run = []
        text = text_of(node).replace("\r\n", "\n").rstrip("\n")
        run.append(text)
        last_row = node.start_point[0] + text.count("\n")
    return [*found, *(["\n".join(run)] if run else [])][:_MAX_DOCS]


def _conditions(definition: Node, shape: Shape) -> Iterator[tuple[str, str]]:
    for node in _nodes(definition):
        if node.type not in shape.throws and not (node.type == "call" and "raise" in shape.panics):
            continue
        name = _THROWN.match(text_of(node))
        if name is not None and (condition := _condition_of(node, definition)):
            yield name[1].removesuffix(".new"), condition


def _condition_of(node: Node, definition: Node) -> str:
    """Of the innermost `if` around it, when it stands where the condition holds."""
    child, parent = node, node.parent
    while parent is not None and parent.id != definition.id:
        if parent.type in _CONDITIONALS:
            condition = parent.child_by_field_name("condition")
            holds = parent.child_by_field_name("consequence") or parent.child_by_field_name("body")
            holds = holds or (condition.next_named_sibling if condition is not None else None)
            is_under = holds is not None and holds.start_byte <= child.start_byte < holds.end_byte
            return _bare(short_text(condition)) if is_under else ""
        if parent.type.endswith(
            ("function_definition", "function", "lambda", "for_statement", "except_clause")
        ):
            return ""
        child, parent = parent, parent.parent
    return ""


def _bare(condition: str) -> str:
    inside = condition[1:-1]
    is_wrapped = condition.startswith("(") and condition.endswith(")") and "(" not in inside
    return inside.strip() if is_wrapped else condition
