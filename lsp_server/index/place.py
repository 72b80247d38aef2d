"""Where the cursor stands in a text: the scopes around it, what is written before it, the words nearby.

Runs in the session, in the thread that all questions to the index run in. Pure. Never looks at what stands
right of the cursor on its line: that is what is about to be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lsp_server.index.fact_readers import FactReader
from lsp_server.index.facts import Scope
from lsp_server.index.live import LiveText
from lsp_server.index.uses import outermost_functions

_LINES_BEFORE = 12
_LINES_AFTER = 6
_LINES_SOON = 20
_LINES_OF_FUNCTION = 40
_MIN_PART = 3
_WORD = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TYPED = re.compile(r"\w*\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """`scope` is the innermost one, `function` the outermost function around the cursor.

    `line` ends at the cursor. `receiver` is the expression before the dot; `has_dot`: there is one, known or
    not; `typed` the word that has been begun. Words: `before` the cursor in all of the text, `soon` and
    `later` behind it; `around` in the function; `near` in the lines nearby; `line_words` on the line.
    """

    offset: int
    scope: str
    function: str
    line: str
    receiver: str
    has_dot: bool
    typed: str
    before: frozenset[str]
    soon: frozenset[str]
    later: frozenset[str]
    around: frozenset[str]
    near: frozenset[str]
    line_words: frozenset[str]


def cut_line(text: str, offset: int) -> str:
    """Without the rest of the line at `offset`."""
    end = text.find("\n", offset)
    return text[:offset] + (text[end:] if end >= 0 else "")


def read_place(live: LiveText, offset: int) -> Place:
    """`live` is of a text that ends its line at the cursor."""
    text = live.text
    line_start = text.rfind("\n", 0, offset) + 1
    line = text[line_start:offset]
    expr, has_dot = live.reader.receiver(_code_of_line(live.reader, line))
    soon_end = _lines_after(text, offset, _LINES_SOON)
    function = _function_around(live.facts.scopes, offset)
    begin, end = (function.start, function.end) if function is not None else _window(text, offset)
    near = text[_lines_before(text, line_start, _LINES_BEFORE) : _lines_after(text, offset, _LINES_AFTER)]
    return Place(
        offset=offset,
        scope=_innermost(live.facts.scopes, offset, line),
        function=function.name if function is not None else "",
        line=line,
        receiver=expr,
        has_dot=has_dot,
        typed=typed[0] if (typed := _TYPED.search(line)) else "",
        before=live.words(0, offset),
        soon=live.words(offset, soon_end),
        later=live.words(soon_end, len(text)),
        around=live.words(begin, end),
        near=frozenset(_WORD.findall(near)),
        line_words=frozenset(_WORD.findall(line)),
    )


def _code_of_line(reader: FactReader, line: str) -> str:
    """An open string is left as it is: the cursor stands in it."""
    return reader.code(line) if line.count('"') % 2 == 0 and line.count("'") % 2 == 0 else line


def _function_around(scopes: Sequence[Scope], offset: int) -> Scope | None:
    functions = outermost_functions(scopes)
    return next((scope for scope in functions if scope.start < offset <= scope.end), None)


def _innermost(scopes: Sequence[Scope], offset: int, line: str) -> str:
    """Below the last line of a function, the indentation tells whether the cursor is still in it."""
    code = line.expandtabs()
    indent = len(code) - len(code.lstrip())
    found = ""
    for scope in scopes:
        if scope.start < offset <= scope.end + 1 and (indent > scope.indent or not line):
            found = scope.name
    return found


def _window(text: str, offset: int) -> tuple[int, int]:
    half = _LINES_OF_FUNCTION // 2
    return _lines_before(text, offset, half), _lines_after(text, offset, half)


def _lines_before(text: str, position: int, n_lines: int) -> int:
    for _ in range(n_lines):
        position = text.rfind("\n", 0, max(0, position - 1)) + 1
    return position


def _lines_after(text: str, position: int, n_lines: int) -> int:
    for _ in range(n_lines):
        position = text.find("\n", position) + 1
        if position == 0:
            return len(text)
    return position


@lru_cache(maxsize=32_768)
def word_parts(name: str) -> tuple[str, ...]:
    """`read_HTTPHeader` -> read, http, header. Parts of one or two letters say nothing."""
    return tuple(part.lower() for part in _PART.findall(name) if len(part) >= _MIN_PART)


def parts_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(part for word in words for part in word_parts(word))
