"""From a text and its language to what it defines, uses and imports. Pure.

Runs in the index worker for every file, in the session for open documents. Must not know files, SQL or LSP.
Never raises on any text: what does not parse yields fewer symbols.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node, Tree

from lsp_server.index import signature
from lsp_server.index.grammars import Captures, Match, is_too_costly, matches, parse_tree
from lsp_server.index.imports import Import, read_import
from lsp_server.index.languages import Language
from lsp_server.index.offsets import ByteOffsets, encode
from lsp_server.types import Reference, Span, Symbol, SymbolKind

_SCOPES = (SymbolKind.CLASS, SymbolKind.MODULE, SymbolKind.FUNCTION, SymbolKind.METHOD)
_CALLABLES = (SymbolKind.FUNCTION, SymbolKind.METHOD)
_VALUES = (SymbolKind.VARIABLE, SymbolKind.FIELD)
_MAX_NAME_CHARS = 200
_CONSTRUCTORS = (".constructor", ".__construct")

_TEMPLATE_ARGUMENTS = re.compile(r"<[^:]*>")

# A word read backwards.
_LAST_WORD = re.compile(rb"(?:\w|[\x80-\xff])*(?:[^\W\d]|[\x80-\xff])")
_MAX_RECEIVER_BYTES = 80


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """Symbols and references in the order of the text. None when it `is_too_costly` to be searched in
    time."""

    symbols: tuple[Symbol, ...] = ()
    references: tuple[Reference, ...] = ()
    imports: tuple[Import, ...] = ()
    has_errors: bool = False
    is_too_costly: bool = False


@dataclass(slots=True)
class _Definition:
    """One match of a definition pattern, before it is known what it lies in. `kind` is None for a mere
    scope."""

    node: Node
    name: Node
    body: Node | None
    receiver: Node | None
    kind: SymbolKind | None
    pattern: int


@dataclass(frozen=True, slots=True)
class _Scope:
    end_byte: int
    name: str
    kind: SymbolKind | None


@dataclass(slots=True)
class _Found:
    """All matches of one file, sorted by what they are."""

    definitions: dict[int, _Definition]
    references: dict[int, tuple[Node, bool]]
    imports: dict[int, Node]
    comments: list[Node]
    attributes: list[Node]


def parse(text: str, language: Language, path: str = "", should_yield: bool = False) -> ParsedFile:
    """`should_yield` lets other threads run meanwhile: for the session."""
    source = encode(text)
    return extract(parse_tree(source, language, should_yield), text, source, language, path, should_yield)


def extract(
    tree: Tree, text: str, source: bytes, language: Language, path: str, should_yield: bool = False
) -> ParsedFile:
    """`tree` is of `source`, which is `encode(text)`."""
    if is_too_costly(tree):
        return ParsedFile(has_errors=True, is_too_costly=True)
    found = _collect(matches(tree, language, should_yield))
    reader = _Reader(text, source, language, path, found)
    return ParsedFile(
        symbols=tuple(reader.symbols()),
        references=tuple(reader.references()),
        imports=tuple(
            item
            for _, node in sorted(found.imports.items(), key=lambda entry: entry[0])
            for item in read_import(language.imports, node, reader.offsets)
        ),
        has_errors=tree.root_node.has_error,
    )


def _collect(found_matches: Iterator[Match]) -> _Found:
    found = _Found({}, {}, {}, [], [])
    for pattern, captures in found_matches:
        if "name" in captures:
            _collect_definition(found.definitions, pattern, captures)
        elif "call" in captures:
            for node in captures["call"]:
                found.references[node.start_byte] = (node, True)
        elif "use" in captures:
            for node in captures["use"]:
                found.references.setdefault(node.start_byte, (node, False))
        elif "import" in captures:
            for node in captures["import"]:
                found.imports[node.start_byte] = node
        else:
            found.comments += captures.get("comment", ())
            found.attributes += captures.get("attribute", ())
    return found


def _collect_definition(definitions: dict[int, _Definition], pattern: int, captures: Captures) -> None:
    """A name is defined once: the pattern that stands first in the query file wins."""
    kind = next((kind for kind in SymbolKind if kind in captures), None)
    nodes = captures[kind if kind is not None else "scope"]
    for name in captures["name"]:
        known = definitions.get(name.start_byte)
        if known is not None and known.pattern <= pattern:
            continue
        bodies, receivers = captures.get("body"), captures.get("receiver")
        definitions[name.start_byte] = _Definition(
            node=nodes[0],
            name=name,
            body=bodies[0] if bodies else nodes[0].child_by_field_name("body"),
            receiver=receivers[0] if receivers else None,
            kind=kind,
            pattern=pattern,
        )


class _Reader:
    """Turns the matches of one file into values; walks definitions and references in the order of the
    text."""

    def __init__(self, text: str, source: bytes, language: Language, path: str, found: _Found) -> None:
        self.offsets = ByteOffsets(text)
        self._source = source
        self._language = language
        self._path = path
        self._found = found
        self._docs = _Comments(found.comments, found.attributes, source)
        self._scope_starts: list[tuple[int, _Scope]] = []

    def symbols(self) -> Iterator[Symbol]:
        """Must run to its end before `references`: it finds the scopes."""
        stack: list[_Scope] = []
        seen: set[tuple[str, str]] = set()
        in_order = sorted(self._found.definitions.values(), key=_outer_first)
        for definition in in_order:
            start = definition.node.start_byte
            while stack and stack[-1].end_byte <= start:
                stack.pop()
            name, container = self._names(definition, stack)
            kind = _kind_in(definition, stack, is_qualified=container != (stack[-1].name if stack else ""))
            if _opens_scope(definition):
                scope = _Scope(definition.node.end_byte, f"{container}.{name}" if container else name, kind)
                stack.append(scope)
                self._scope_starts.append((start, scope))
            if kind is None or not name or (kind in _VALUES and _is_again(seen, container, name)):
                continue
            yield self._symbol(definition, name, container, kind)

    def references(self) -> Iterator[Reference]:
        stack: list[_Scope] = []
        scopes = iter([*self._scope_starts, (len(self._source) + 1, _Scope(0, "", None))])
        next_start, next_scope = next(scopes)
        for start, (node, is_call) in sorted(self._found.references.items(), key=lambda entry: entry[0]):
            while next_start <= start:
                while stack and stack[-1].end_byte <= next_start:
                    stack.pop()
                stack.append(next_scope)
                next_start, next_scope = next(scopes)
            while stack and stack[-1].end_byte <= start:
                stack.pop()
            name, receiver = _last_part(self._text(start, node.end_byte))
            if name:
                span = Span(self.offsets(start), self.offsets(node.end_byte))
                scope = stack[-1].name if stack else ""
                receiver = receiver or (self._receiver(start) if is_call else "")
                yield Reference(name, self._path, span, node.start_point[0], scope, is_call, receiver)

    def _receiver(self, start: int) -> str:
        """The word before the dot before a name; "?" when it is no word."""
        text = self._source[max(0, start - _MAX_RECEIVER_BYTES) : start]
        before = text.rstrip()
        if not before.endswith(self._language.member_marks) or self._ends_in_comment(text, before):
            return ""
        word = _LAST_WORD.match(before.rstrip(b".->:?!")[::-1])
        return word[0][::-1].decode("utf-8", "replace") if word is not None else "?"

    def _ends_in_comment(self, text: bytes, before: bytes) -> bool:
        """Whether the dot is a full stop: it ends a line above that has a comment."""
        has_line_end = b"\n" in text[len(before) :]
        return has_line_end and self._language.line_comment.encode() in before[before.rfind(b"\n") + 1 :]

    def _names(self, definition: _Definition, stack: list[_Scope]) -> tuple[str, str]:
        """(name, container). C++ writes `A::f` outside of `A`, Go puts the container into the receiver."""
        container = stack[-1].name if stack else ""
        if definition.kind is SymbolKind.FIELD and container.endswith(_CONSTRUCTORS):
            container = container.rpartition(".")[0]  # a parameter that makes a field
        qualified = self._text(definition.name.start_byte, definition.name.end_byte)
        outer, _, name = qualified.rpartition("::")
        if outer and len(outer) < _MAX_NAME_CHARS:
            outer = _TEMPLATE_ARGUMENTS.sub("", outer)
            container = ".".join(filter(None, (container, *outer.split("::"))))
        if definition.receiver is not None:
            container = self._receiver_type(definition.receiver) or container
        return (name.strip("\"'`:") if len(name) <= _MAX_NAME_CHARS else ""), container

    def _receiver_type(self, receiver: Node) -> str:
        parts = self._text(receiver.start_byte, receiver.end_byte).strip("()").replace("*", " ").split()
        return parts[-1].partition("[")[0] if parts else ""

    def _symbol(self, definition: _Definition, name: str, container: str, kind: SymbolKind) -> Symbol:
        node = definition.node
        return Symbol(
            name=name,
            kind=kind,
            path=self._path,
            span=Span(self.offsets(node.start_byte), self.offsets(node.end_byte)),
            line=node.start_point[0],
            signature=self._signature(definition, kind),
            container=container,
            docstring=self._docstring(definition),
            end_line=_last_line(node),
        )

    def _signature(self, definition: _Definition, kind: SymbolKind) -> str:
        node, body = definition.node, definition.body
        start = self._line_start(node.start_byte)
        if kind in _VALUES:
            return signature.first_line(
                self._text(start, min(node.end_byte, start + 4 * signature.VALUE_CHARS))
            )
        has_body = body is not None and body.start_byte >= definition.name.end_byte
        end = body.start_byte if has_body and body is not None else node.end_byte
        text = self._text(start, min(end, start + 8 * signature.SIGNATURE_CHARS))
        return signature.declaration(text, self._language.line_comment).rstrip(";")

    def _line_start(self, start: int) -> int:
        """Where the line's words begin, when only modifiers stand between (`export const`, `public
        static`)."""
        line_start = self._source.rfind(b"\n", 0, start) + 1
        before = self._source[line_start:start]
        if len(before) > 200 or any(mark in before for mark in b"{};()=,:"):
            return start
        return start - len(before.lstrip())

    def _docstring(self, definition: _Definition) -> str:
        if self._language.id == "python":
            return self._string_docstring(definition.body)
        start = self._line_start(definition.node.start_byte)
        is_first = not self._source[self._source.rfind(b"\n", 0, start) + 1 : start].strip()
        return self._docs.above(definition.node.start_point[0]) if is_first else ""

    def _string_docstring(self, body: Node | None) -> str:
        statement = body.named_child(0) if body is not None and body.named_child_count else None
        if statement is None or statement.type != "expression_statement" or not statement.named_child_count:
            return ""
        literal = statement.named_child(0)
        if literal.type not in ("string", "concatenated_string"):
            return ""
        return signature.string_docstring(self._text(literal.start_byte, literal.end_byte))

    def _text(self, start: int, end: int) -> str:
        return self._source[start:end].decode("utf-8", "replace")


class _Comments:
    """The comments of a file, found by the line on which they end."""

    def __init__(self, comments: list[Node], attributes: list[Node], source: bytes) -> None:
        self._source = source
        self._by_end = {_last_line(node): node for node in comments}
        self._attributes = {_last_line(node): node.start_point[0] for node in attributes}

    def above(self, line: int) -> str:
        """The words of the comments that stand right above `line`; a comment beside code is none of them."""
        line -= 1
        while line in self._attributes:
            line = self._attributes[line] - 1
        blocks: list[list[str]] = []
        while (node := self._by_end.get(line)) is not None and self._is_alone(node):
            blocks.append(
                self._source[node.start_byte : node.end_byte].decode("utf-8", "replace").splitlines()
            )
            line = node.start_point[0] - 1
        return signature.comment_docstring([text for block in reversed(blocks) for text in block])

    def _is_alone(self, node: Node) -> bool:
        line_start = self._source.rfind(b"\n", 0, node.start_byte) + 1
        return not self._source[line_start : node.start_byte].strip()


def _last_line(node: Node) -> int:
    """Rust's line comments end at the start of the next line."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def _outer_first(definition: _Definition) -> tuple[int, int, int]:
    return definition.node.start_byte, -definition.node.end_byte, definition.name.start_byte


def _opens_scope(definition: _Definition) -> bool:
    return definition.kind is None or definition.kind in _SCOPES


def _kind_in(definition: _Definition, stack: list[_Scope], *, is_qualified: bool) -> SymbolKind | None:
    """A function of a class is a method; a variable of a class a field; one of a function is nobody's
    business."""
    kind = definition.kind
    around = stack[-1].kind if stack else SymbolKind.MODULE
    in_class = around is SymbolKind.CLASS or around is None
    if kind is SymbolKind.FUNCTION and (in_class or is_qualified):
        return SymbolKind.METHOD
    if kind is SymbolKind.VARIABLE and around in _CALLABLES:
        return None
    if kind is SymbolKind.VARIABLE and in_class:
        return SymbolKind.FIELD
    return kind


def _is_again(seen: set[tuple[str, str]], container: str, name: str) -> bool:
    """Whether a variable was assigned before; marks it."""
    is_again = (container, name) in seen
    seen.add((container, name))
    return is_again


def _last_part(qualified: str) -> tuple[str, str]:
    """(name, what stands before it): C++ calls `a::b<int>`."""
    name, receiver = qualified, ""
    if "::" in qualified:
        outer, _, name = _TEMPLATE_ARGUMENTS.sub("", qualified).rpartition("::")
        receiver = outer.rpartition("::")[2]
    return (name if len(name) <= _MAX_NAME_CHARS else ""), receiver
