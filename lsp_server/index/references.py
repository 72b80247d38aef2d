"""Calls and other uses of names, as rows: what is named, in which scope, on what receiver. Pure.

Runs in the session, when somebody asks for a name: the index keeps only where names stand (`Places`), for
most of them are never asked for. Must not know files, SQL or LSP, nor tree-sitter: bytes say it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

from lsp_server.index.languages import Language
from lsp_server.index.offsets import ByteOffsets, encode
from lsp_server.types import SymbolKind

MAX_NAME_CHARS = 200
TEMPLATE_ARGUMENTS = re.compile(r"<[^:]*>")

_MAX_RECEIVER_BYTES = 80
_BLANKS = frozenset(b" \t\n\r\v\f")
_DIGITS = frozenset(b"0123456789")
_DOT = ord(".")
_WORD_SHAPE = bytes(
    ord("a") if chr(code).isalnum() or code == ord("_") or code > 127 else ord(" ") for code in range(256)
)

# In the order of the columns of the store: (name, scope, receiver, start, line, 1 for a call, end).
ReferenceRow: TypeAlias = tuple[str, str, str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """What names lie in. `name` is dotted."""

    end_byte: int
    name: str
    kind: SymbolKind | None


class Places(NamedTuple):
    """Where names stand in a file, in bytes: calls and other uses from where they start to where they end (a
    call outweighs a use), and the scopes with where they start, in order."""

    calls: Mapping[int, int] = {}
    uses: Mapping[int, int] = {}
    scopes: Sequence[tuple[int, Scope]] = ()


NO_PLACES = Places()


def find_references(text: str, language: Language, places: Places, name: str) -> list[ReferenceRow]:
    """Those of one name, in the order of the text."""
    source, sought = encode(text), encode(name)
    if not sought or sought not in source:
        return []
    calls, uses = (_holding(source, nodes, sought) for nodes in places[:2])
    found = Places(calls, uses, places.scopes)
    return [row for row in read_references(text, language, found) if row[0] == name]


def _holding(source: bytes, nodes: Mapping[int, int], sought: bytes) -> dict[int, int]:
    return {start: end for start, end in nodes.items() if sought in source[start:end]}


def read_references(text: str, language: Language, places: Places) -> Iterator[ReferenceRow]:
    """All of them, in the order of the text."""
    source, offsets = encode(text), ByteOffsets(text)
    is_ascii = len(text) == len(source)
    receiver_before = _Receivers(source, language)
    calls = places.calls
    stack: list[Scope] = []
    coming = iter([*places.scopes, (len(source) + 1, Scope(0, "", None))])
    next_start, next_scope = next(coming)
    scope_name, scope_end = "", len(source) + 1
    line = counted = 0
    nodes = {**places.uses, **calls}
    for start in sorted(nodes):
        if next_start <= start or scope_end <= start:
            while next_start <= start:
                _leave(stack, next_start)
                stack.append(next_scope)
                next_start, next_scope = next(coming)
            _leave(stack, start)
            scope_name, scope_end = (stack[-1].name, stack[-1].end_byte) if stack else ("", len(source) + 1)
        end = nodes[start]
        line += source.count(b"\n", counted, start)
        counted = start
        is_call = start in calls
        receiver = ""
        if is_ascii:
            name, first, last = text[start:end], start, end
        else:
            name, first, last = source[start:end].decode("utf-8", "replace"), offsets(start), offsets(end)
        if "::" in name:
            name, receiver = _last_part(name)
        if name and len(name) <= MAX_NAME_CHARS:
            if is_call and not receiver:
                receiver = receiver_before(start)
            yield name, scope_name, receiver, first, line, int(is_call), last


def _leave(stack: list[Scope], position: int) -> None:
    while stack and stack[-1].end_byte <= position:
        stack.pop()


def _last_part(qualified: str) -> tuple[str, str]:
    """(name, what stands before it): C++ calls `a::b<int>`."""
    outer, _, name = TEMPLATE_ARGUMENTS.sub("", qualified).rpartition("::")
    return name, outer.rpartition("::")[2]


@cache
def _receiver_pattern(member_marks: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Backwards: blanks, a mark, whatever else marks a member, and the word before."""
    marks = b"|".join(re.escape(mark[::-1]) for mark in member_marks)
    word = rb"([\w\x80-\xff]*[^\W\d]|[\w\x80-\xff]*[\x80-\xff])?"
    return re.compile(rb"(\s*)(?=" + marks + rb")[.\->:?!]*" + word)


class _Receivers:
    """Reads the receivers of one file. They are read backwards, from one reversed copy of it."""

    def __init__(self, source: bytes, language: Language) -> None:
        self._source = source
        self._backwards = source[::-1]
        self._words = source.translate(_WORD_SHAPE)
        self._n_bytes = len(source)
        self._line_comment = language.line_comment.encode()
        marks = language.member_marks
        self._ends = frozenset(mark[-1] for mark in marks) | _BLANKS if marks else frozenset[int]()
        self._has_dot = b"." in marks
        self._match = _receiver_pattern(marks).match

    def __call__(self, start: int) -> str:
        """The word before the dot before a name; "?" when it is no word."""
        if not start or (before := self._source[start - 1]) not in self._ends:
            return ""
        end = start - 1
        if before == _DOT and self._has_dot:  # nearly always: `word.name`
            first = self._words.rfind(b" ", 0, end) + 1
            if 0 < end - first < _MAX_RECEIVER_BYTES and self._source[first] not in _DIGITS:
                return self._source[first:end].decode("utf-8", "replace")
        position = self._n_bytes - start
        match = self._match(self._backwards, position, position + _MAX_RECEIVER_BYTES)
        if match is None:
            return ""
        blanks, word = match.groups()
        if b"\n" in blanks and self._ends_in_comment(start, start - len(blanks)):
            return ""
        return word[::-1].decode("utf-8", "replace") if word is not None else "?"

    def _ends_in_comment(self, start: int, end: int) -> bool:
        """Whether the dot before `end` is a full stop: it ends a line above that has a comment."""
        line = self._source[max(0, start - _MAX_RECEIVER_BYTES) : end].rpartition(b"\n")[2]
        return self._line_comment in line
