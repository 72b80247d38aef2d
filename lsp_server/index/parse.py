"""From a text and its language to what it defines, uses and imports. Pure.

Runs in the index worker for every file, in the session for open documents. Must not know files, SQL or LSP.
Never raises on any text: what does not parse yields fewer symbols.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from tree_sitter import Node, Tree

from lsp_server.index import signature
from lsp_server.index.grammars import Captures, Match, is_too_costly, matches, parse_tree
from lsp_server.index.imports import Import, read_import
from lsp_server.index.languages import Language
from lsp_server.index.offsets import ByteOffsets, encode
from lsp_server.index.references import (
    MAX_NAME_CHARS,
    NO_PLACES,
    TEMPLATE_ARGUMENTS,
    Places,
    ReferenceRow,
    Scope,
    read_references,
)
from lsp_server.types import Reference, Span, Symbol, SymbolKind

_SCOPES = (SymbolKind.CLASS, SymbolKind.MODULE, SymbolKind.FUNCTION, SymbolKind.METHOD)
_CALLABLES = (SymbolKind.FUNCTION, SymbolKind.METHOD)
_VALUES = (SymbolKind.VARIABLE, SymbolKind.FIELD)
_KINDS = {kind.value: kind for kind in SymbolKind}
_NAMES = {kind: kind.value for kind in SymbolKind}
_CONSTRUCTORS = (".constructor", ".__construct")

_NO_MODIFIER = re.compile(rb"[{};()=,:]")

_OUTER_FIRST = itemgetter(0, 1, 2)

# In the order of the columns of the store: (name, kind, container, signature, docstring, start, end, line,
# last line).
SymbolRow: TypeAlias = tuple[str, str, str, str, str, int, int, int, int]


@dataclass(frozen=True)
class ParsedFile:
    """Symbols and references in the order of the text. None when it `is_too_costly` to be searched in
    time. They are rows, references only places, until somebody asks for the objects: who stores them never
    does."""

    path: str = ""
    text: str = ""
    language: Language | None = None
    symbol_rows: tuple[SymbolRow, ...] = ()
    places: Places = NO_PLACES
    imports: tuple[Import, ...] = ()
    has_errors: bool = False
    is_too_costly: bool = False

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(
            Symbol(
                *(name, SymbolKind(kind), self.path, Span(start, end), line, signature, container, docstring),
                end_line=end_line,
            )
            for name, kind, container, signature, docstring, start, end, line, end_line in self.symbol_rows
        )

    @property
    def reference_rows(self) -> Iterator[ReferenceRow]:
        return read_references(self.text, self.language, self.places) if self.language else iter(())

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        return tuple(
            Reference(name, self.path, Span(start, end), line, scope, bool(is_call), receiver)
            for name, scope, receiver, start, line, is_call, end in self.reference_rows
        )


class _Definition(NamedTuple):
    """One match of a definition pattern, before it is known what it lies in. Outer ones sort first. `kind` is
    None for a mere scope."""

    start: int
    minus_end: int
    name_start: int
    name: Node
    node: Node
    kind: SymbolKind | None
    pattern: int
    captures: Captures

    @property
    def end(self) -> int:
        return -self.minus_end

    @property
    def body(self) -> Node | None:
        bodies = self.captures.get("body")
        return bodies[0] if bodies else self.node.child_by_field_name("body")


# The fields of a `_Definition`: most are local variables, of which nobody asks for more.
_Row: TypeAlias = tuple[int, int, int, Node, Node, SymbolKind | None, int, Captures]
_KIND: Final = 5
_PATTERN: Final = 6


@dataclass(slots=True)
class _Found:
    """All matches of one file, sorted by what they are; by where they start."""

    definitions: dict[int, _Row] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    uses: dict[int, int] = field(default_factory=dict)
    imports: dict[int, Node] = field(default_factory=dict)
    comments: list[Node] = field(default_factory=list)
    attributes: list[Node] = field(default_factory=list)


def parse(text: str, language: Language, path: str = "", should_yield: bool = False) -> ParsedFile:
    """`should_yield` lets other threads run meanwhile: for the session."""
    source = encode(text)
    return extract(parse_tree(source, language, should_yield), text, source, language, path, should_yield)


def extract(
    tree: Tree, text: str, source: bytes, language: Language, path: str, should_yield: bool = False
) -> ParsedFile:
    """`tree` is of `source`, which is `encode(text)`."""
    if is_too_costly(tree):
        return ParsedFile(path, has_errors=True, is_too_costly=True)
    found = _collect(matches(tree, language, should_yield))
    reader = _Reader(text, source, language, found)
    return ParsedFile(
        path,
        text,
        language,
        symbol_rows=tuple(reader.symbols()),
        places=Places(found.calls, found.uses, reader.scope_starts),
        imports=tuple(
            item
            for _, node in sorted(found.imports.items(), key=itemgetter(0))
            for item in read_import(language.imports, node, reader.offsets)
        ),
        has_errors=tree.root_node.has_error,
    )


def _collect(found_matches: Iterable[Match]) -> _Found:
    found = _Found()
    calls: list[Node] = []
    for pattern, captures in found_matches:
        if "call" in captures:
            calls += captures["call"]
        elif "name" in captures:
            _collect_definition(found.definitions, pattern, captures)
        elif "use" in captures:
            for node in captures["use"]:
                found.uses.setdefault(node.start_byte, node.end_byte)
        elif "import" in captures:
            for node in captures["import"]:
                found.imports[node.start_byte] = node
        else:
            found.comments += captures.get("comment", ())
            found.attributes += captures.get("attribute", ())
    found.calls = {node.start_byte: node.end_byte for node in calls}
    return found


def _collect_definition(definitions: dict[int, _Row], pattern: int, captures: Captures) -> None:
    """A name is defined once: the pattern that stands first in the query file wins."""
    kind: SymbolKind | None = None
    for capture, nodes in captures.items():
        if capture in _KINDS:
            kind, node = _KINDS[capture], nodes[0]
            break
    else:
        node = captures.get("scope", captures["name"])[0]
    start, minus_end = node.start_byte, -node.end_byte
    for name in captures["name"]:
        at = name.start_byte
        known = definitions.get(at)
        if known is None or known[_PATTERN] > pattern:
            definitions[at] = (start, minus_end, at, name, node, kind, pattern, captures)


class _Reader:
    """Turns the matches of one file into values; walks definitions in the order of the text."""

    def __init__(self, text: str, source: bytes, language: Language, found: _Found) -> None:
        self.offsets = ByteOffsets(text)
        self._is_ascii = text.isascii()
        self._whole_text = text
        self._source = source
        self._language = language
        self._found = found
        self._docs = _Comments(found.comments, found.attributes, source)
        self.scope_starts: list[tuple[int, Scope]] = []

    def symbols(self) -> Iterator[SymbolRow]:
        """Finds the scopes in passing."""
        stack: list[Scope] = []
        seen: set[tuple[str, str]] = set()
        for row in sorted(self._found.definitions.values(), key=_OUTER_FIRST):
            start, kind = row[0], row[_KIND]
            while stack and stack[-1].end_byte <= start:
                stack.pop()
            if kind is SymbolKind.VARIABLE and stack and stack[-1].kind in _CALLABLES:
                continue  # a function's own is nobody's business
            definition = _Definition._make(row)
            name, container = self._names(definition, stack)
            kind = _kind_in(kind, stack, is_qualified=container != (stack[-1].name if stack else ""))
            if kind is None or kind in _SCOPES:
                scope = Scope(definition.end, f"{container}.{name}" if container else name, kind)
                stack.append(scope)
                self.scope_starts.append((start, scope))
            if kind is None or not name or (kind in _VALUES and _is_again(seen, container, name)):
                continue
            yield self._symbol(definition, name, container, kind)

    def _names(self, definition: _Definition, stack: list[Scope]) -> tuple[str, str]:
        """(name, container). C++ writes `A::f` outside of `A`, Go puts the container into the receiver."""
        container = stack[-1].name if stack else ""
        if definition.kind is SymbolKind.FIELD and container.endswith(_CONSTRUCTORS):
            container = container.rpartition(".")[0]  # a parameter that makes a field
        name = self._text(definition.name_start, definition.name.end_byte)
        if "::" in name:
            outer, _, name = name.rpartition("::")
            if outer and len(outer) < MAX_NAME_CHARS:
                outer = TEMPLATE_ARGUMENTS.sub("", outer)
                container = ".".join(filter(None, (container, *outer.split("::"))))
        if "receiver" in definition.captures:
            container = self._receiver_type(definition.captures["receiver"][0]) or container
        return (name.strip("\"'`:") if len(name) <= MAX_NAME_CHARS else ""), container

    def _receiver_type(self, receiver: Node) -> str:
        parts = self._text(receiver.start_byte, receiver.end_byte).strip("()").replace("*", " ").split()
        return parts[-1].partition("[")[0] if parts else ""

    def _symbol(self, definition: _Definition, name: str, container: str, kind: SymbolKind) -> SymbolRow:
        node, start, end = definition.node, definition.start, definition.end
        line = node.start_point[0]
        body = definition.body if kind not in _VALUES else None
        signature = self._signature(definition, kind, body)
        docstring = self._docstring(start, line, body)
        if not self._is_ascii:
            start, end = self.offsets(start), self.offsets(end)
        return name, _NAMES[kind], container, signature, docstring, start, end, line, _last_line(node)

    def _signature(self, definition: _Definition, kind: SymbolKind, body: Node | None) -> str:
        start, end = self._line_start(definition.start), definition.end
        if kind in _VALUES:
            return signature.first_line(self._text(start, min(end, start + 4 * signature.VALUE_CHARS)))
        if body is not None and body.start_byte >= definition.name.end_byte:
            end = body.start_byte
        text = self._text(start, min(end, start + 8 * signature.SIGNATURE_CHARS))
        return signature.declaration(text, self._language.line_comment).rstrip(";")

    def _line_start(self, start: int) -> int:
        """Where the line's words begin, when only modifiers stand between (`export const`, `public
        static`)."""
        before = self._source[self._source.rfind(b"\n", 0, start) + 1 : start]
        words = before.lstrip()
        if not words or len(before) > 200 or _NO_MODIFIER.search(before):
            return start
        return start - len(words)

    def _docstring(self, start: int, line: int, body: Node | None) -> str:
        if self._language.id == "python":
            return self._string_docstring(body)
        start = self._line_start(start)
        is_first = not self._source[self._source.rfind(b"\n", 0, start) + 1 : start].strip()
        return self._docs.above(line) if is_first else ""

    def _string_docstring(self, body: Node | None) -> str:
        statement = body.named_child(0) if body is not None and body.named_child_count else None
        if statement is None or statement.type != "expression_statement" or not statement.named_child_count:
            return ""
        literal = statement.named_child(0)
        if literal.type not in ("string", "concatenated_string"):
            return ""
        return signature.string_docstring(self._text(literal.start_byte, literal.end_byte))

    def _text(self, start: int, end: int) -> str:
        if self._is_ascii:
            return self._whole_text[start:end]
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


def _kind_in(kind: SymbolKind | None, stack: list[Scope], *, is_qualified: bool) -> SymbolKind | None:
    """A function of a class is a method; a variable of a class a field."""
    around = stack[-1].kind if stack else SymbolKind.MODULE
    in_class = around is SymbolKind.CLASS or around is None
    if kind is SymbolKind.FUNCTION and (in_class or is_qualified):
        return SymbolKind.METHOD
    if kind is SymbolKind.VARIABLE and in_class:
        return SymbolKind.FIELD
    return kind


def _is_again(seen: set[tuple[str, str]], container: str, name: str) -> bool:
    """Whether a variable was assigned before; marks it."""
    is_again = (container, name) in seen
    seen.add((container, name))
    return is_again
