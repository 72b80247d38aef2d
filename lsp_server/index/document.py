"""The imports of the document that is being typed in, found again at each key without parsing it each time.

Runs in the session, in the thread that all questions to the index run in.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace

from lsp_server.index.imports import Import
from lsp_server.index.languages import language_for, refine
from lsp_server.index.parse import parse
from lsp_server.index.uses import blank
from lsp_server.types import Span

_KEPT = 16
_MAX_IMPORT_CHARS = 1000

# A line that has none of these words neither is nor becomes an import, in any of the languages.
_IMPORT_WORD = re.compile(r"\b(?:import|from|export|require|use|mod|include)\b")
# What opens or closes a string or a comment of many lines may hide imports, or show them.
_MAY_TELL = re.compile(rf"{_IMPORT_WORD.pattern}|\"\"\"|\'\'\'|/\*|\*/|`")
_IMPORT_LINE = re.compile(r"^[ \t]*((?:import|from|export|use|mod|#[ \t]*include)\b)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Known:
    """`text` is what was seen last. Not `is_settled`: an error may hide imports."""

    text: str
    imports: tuple[Import, ...]
    is_settled: bool = True

    def moved(self, text: str) -> _Known:
        """The same imports in a text that differs, but not in them."""
        if text == self.text:
            return self
        start = _n_common(self.text, text)
        end = len(self.text) - _n_common_at_end(self.text[start:], text[start:])
        n_chars = len(text) - len(self.text)
        n_lines = text.count("\n", start, end + n_chars) - self.text.count("\n", start, end)
        imports = tuple(
            replace(
                item, span=Span(item.span.start + n_chars, item.span.end + n_chars), line=item.line + n_lines
            )
            if item.span.start >= end
            else item
            for item in self.imports
        )
        return replace(self, text=text, imports=imports)


class ImportCache:
    """Typing below the imports changes none: the file is parsed again only when a line that may import did
    change."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.n_parsed = 0

    def imports_of(self, path: str, text: str, language_id: str) -> tuple[Import, ...]:
        known = self._known.get(path)
        if known is None or _may_differ(known, text):
            known = self._parse(path, text, language_id)
        self._known[path] = known = known.moved(text)
        self._known.move_to_end(path)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known.imports

    def _parse(self, path: str, text: str, language_id: str) -> _Known:
        self.n_parsed += 1
        language = language_for(language_id, path)
        if language is None:
            return _Known(text, ())
        parsed = parse(text, refine(language, path, text), path, should_yield=True)
        is_settled = not parsed.has_errors or _has_all(parsed.imports, text, language.id)
        return _Known(text, parsed.imports, is_settled)


def _has_all(imports: tuple[Import, ...], text: str, language_id: str) -> bool:
    """Whether every line that begins as an import does is part of one that was found. Lines in documentation
    begin so, too."""
    starts = {item.span.start for item in imports}
    code = blank(text) if language_id == "python" else text
    return all(match.start(1) in starts for match in _IMPORT_LINE.finditer(code))


def _may_differ(known: _Known, text: str) -> bool:
    """Whether the lines that changed since lie among the imports, or hold a word of one."""
    old = known.text
    if old == text:
        return False
    start = _n_common(old, text)
    if not known.is_settled or _is_in_open_import(text, start):
        return True
    n_after = _n_common_at_end(old[start:], text[start:])
    end = len(old) - n_after
    if any(item.span.start <= end and start <= item.span.end for item in known.imports):
        return True
    return any(_MAY_TELL.search(_whole_lines(side, start, len(side) - n_after)) for side in (old, text))


def _is_in_open_import(text: str, offset: int) -> bool:
    """Whether an import that is not finished yet may reach to `offset`: it has an open bracket."""
    before = text[max(0, offset - _MAX_IMPORT_CHARS) : offset]
    words = list(_IMPORT_WORD.finditer(before))
    tail = before[words[-1].end() :] if words else ""
    return any(tail.count(opened) > tail.count(closed) for opened, closed in ("()", "{}"))


def _whole_lines(text: str, start: int, end: int) -> str:
    line_end = text.find("\n", end)
    return text[text.rfind("\n", 0, start) + 1 : line_end if line_end >= 0 else len(text)]


def _n_common(one: str, other: str) -> int:
    """Length of the common beginning, by halves: comparing slices is quick."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _n_common_at_end(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low
