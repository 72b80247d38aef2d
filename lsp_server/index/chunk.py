"""Cuts a text into chunks at syntax boundaries, and finds the words of each: what lexical search works on.

Runs in the parsing processes for every file, in the index worker to forget one, in the session for queries.
Pure. The same chunk always gives the same words: else the store could not take them out of its index again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# About forty lines of code; a chunk ends where a definition begins, when there is one in its second half.
_CHUNK_CHARS = 1600
_LONGEST_CHARS = 4 * _CHUNK_CHARS
_MAX_WORD_CHARS = 64
_KEPT_WORDS = 200_000

_SEPARATORS = str.maketrans(
    {chr(code): " " for code in range(128) if not (chr(code).isalnum() or code == 95)}
)
_PARTS = re.compile(r"[A-Z]+(?![a-z\x80-\U0010ffff])|[A-Z]?[a-z\x80-\U0010ffff]+")


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """Half-open, in offsets; `line` is that of its first character."""

    start: int
    end: int
    line: int


def cut(text: str, definitions: Sequence[int] = ()) -> Iterator[ChunkSpan]:
    """Whole lines, all of them. `definitions` are the offsets at which definitions begin, in order."""
    start, line = 0, 0
    while start < len(text):
        end = _end_of(text, start, definitions)
        yield ChunkSpan(start, end, line)
        line += text.count("\n", start, end)
        start = end


def _end_of(text: str, start: int, definitions: Sequence[int]) -> int:
    if len(text) - start <= _CHUNK_CHARS:
        return len(text)
    after = bisect_right(definitions, start + _CHUNK_CHARS)
    if after and definitions[after - 1] > start + _CHUNK_CHARS // 2:
        line_start = text.rfind("\n", start, definitions[after - 1]) + 1
        if line_start > start + _CHUNK_CHARS // 2:
            return line_start
    line_end = text.find("\n", start + _CHUNK_CHARS, start + _LONGEST_CHARS) + 1
    return line_end or min(start + _LONGEST_CHARS, len(text))


class _Words(dict[str, str]):
    """An identifier -> the words that it is found by: itself and its parts. Filled when asked."""

    def __missing__(self, identifier: str) -> str:
        words = "" if identifier.isdigit() or len(identifier) > _MAX_WORD_CHARS else _words_of(identifier)
        if len(self) > _KEPT_WORDS:
            self.clear()
        self[identifier] = words
        return words


def _words_of(identifier: str) -> str:
    parts = [part for part in _PARTS.findall(identifier) if len(part) > 1]
    return " ".join(dict.fromkeys(word.lower() for word in (identifier, *parts)))


_known_words = _Words()


def words_in(text: str) -> str:
    """Every word of a chunk once, in no order, with spaces between."""
    return " ".join(map(_known_words.__getitem__, set(text.translate(_SEPARATORS).split())))


def match_any(words: Iterable[str]) -> str:
    """A query for `terms`: chunks that hold any of some identifiers, or of their parts. "" finds nothing."""
    return " OR ".join(_quoted(words))


def match_all(words: Iterable[str]) -> str:
    return " AND ".join(_quoted(words))


def match_name(name: str) -> str:
    """Chunks that hold a name as it stands, in whatever case."""
    return " AND ".join(f'"{word.lower()}"' for word in name.translate(_SEPARATORS).split())


def _quoted(words: Iterable[str]) -> list[str]:
    found = " ".join(words_in(word) for word in words).split()
    return [f'"{word}"' for word in dict.fromkeys(found)]
