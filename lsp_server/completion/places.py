"""Places in the workspace before which the same text stands as before the cursor.

Runs in the session. Pure. The idea is that of an n-gram model that backs off to the longest context found
(Liu et al. 2024, "Infini-gram"), by characters. All texts are flat. Must not know what is made of the places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

MOST_ALIKE = 288
SHORTER = (12, 6, 4)  # characters looked for, until enough are found; the fewest only where there is nothing
LONGER = (24, 48, 96)  # and required, until there are few enough
FEW_PLACES, MOST_PLACES = 40, 200
MOST_FOUND = 2000
LEAST_BEGUN = 2  # characters of a word
_BEGUN = re.compile(r"\w{1,80}\Z")

_Key = tuple[int, int]  # the text's number and the offset in it


@dataclass(frozen=True, slots=True)
class Place:
    """An offset in a text; of the text before it, the last `n_alike` characters are those before the
    cursor. `is_own`: the text is of the document itself."""

    text: str
    offset: int
    n_alike: int
    is_own: bool

    def rest_of_line(self) -> str:
        end = self.text.find("\n", self.offset)
        return self.text[self.offset : end if end >= 0 else None].rstrip()

    def moved_by(self, n_chars: int) -> Place:
        """Behind so many characters that are the same there and at the cursor."""
        return replace(self, offset=self.offset + n_chars, n_alike=self.n_alike + n_chars)


def begun_word(before: str) -> str:
    """The one that the cursor stands in, or behind."""
    found = _BEGUN.search(before[-80:])
    return found[0] if found else ""


def find_places(before: str, below: str, near: Sequence[str]) -> list[Place]:
    """Those that are alike for long, and where these are few, others too; of very many, those that are alike
    for longer. The document itself, `before` and `below` the cursor, comes first."""
    texts = [before, below, *near]
    found: dict[_Key, None] = {}
    for n_chars in SHORTER:
        is_enough = len(found) >= FEW_PLACES or (found and n_chars == SHORTER[-1])
        if is_enough or n_chars > len(before):
            continue
        found |= _longest(before, texts, islice(_ends_of(before[-n_chars:], texts), MOST_FOUND))
    if len(found) < FEW_PLACES:
        found |= _longest(before, texts, islice(_begun_words(before, texts[:2]), MOST_FOUND))
    return [
        Place(texts[number], offset, _n_alike(before, texts[number], offset), is_own=number < 2)
        for number, offset in found
    ]


def _ends_of(needle: str, texts: Sequence[str]) -> Iterator[_Key]:
    """Where it was found, but for the cursor itself, which is the end of the first text."""
    for number, text in enumerate(texts):
        last = len(text) - (number == 0)
        start = text.find(needle, 0, last)
        while start >= 0:
            yield number, start + len(needle)
            start = text.find(needle, start + 1, last)


def _begun_words(before: str, texts: Sequence[str]) -> Iterator[_Key]:
    """Inside of words that begin as the cursor's does."""
    begun = begun_word(before)
    if len(begun) < LEAST_BEGUN:
        return
    for number, end in _ends_of(begun, texts):
        start = end - len(begun)
        if _is_in_word(texts[number][end : end + 1]) and not _is_in_word(
            texts[number][max(0, start - 1) : start]
        ):
            yield number, end


def _is_in_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _longest(before: str, texts: Sequence[str], places: Iterator[_Key]) -> dict[_Key, None]:
    found = list(places)
    for n_chars in LONGER:
        if len(found) <= MOST_PLACES:
            break
        needle = before[-n_chars:]
        longer = [(number, end) for number, end in found if texts[number].endswith(needle, 0, end)]
        found = longer or found
    return dict.fromkeys(found[:MOST_PLACES])


def _n_alike(before: str, text: str, offset: int) -> int:
    """How many characters before the place are those at the end of `before`."""
    most = min(MOST_ALIKE, offset, len(before))
    n_alike, step = 0, MOST_ALIKE // 2
    while step:
        n_tried = n_alike + step
        if n_tried <= most and text.endswith(before[-n_tried : len(before) - n_alike], 0, offset - n_alike):
            n_alike = n_tried
        else:
            step //= 2
    return n_alike
