"""Precedents: how lines of the workspace go on before which the same text stands as before the cursor.

Runs in the session. Pure. Code repeats itself, most of all within a file and a folder (Hindle et al. 2012,
"On the naturalness of software"; Tu et al. 2014, "On the localness of software"), so these places tell the
rest of a line, or its next words, more often than a very small model does. Must not know the index, the model
or LSP.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.likelihood import Cursor, rank
from lsp_server.completion.places import Place, find_places
from lsp_server.completion.weights import LINE_WEIGHTS, WORD_WEIGHTS
from lsp_server.masking import MASK
from lsp_server.text import flatten

LEAST_FOR_LINE, LEAST_FOR_WORDS = 0.2, 0.4  # likelihoods; docs/precedents.md says what others would do
LEAST_WORD_CHARS = 2
MOST_WORDS = 16
MOST_LEFT = 2
BEFORE_CHARS, AFTER_CHARS = 150_000, 50_000
_MASKED = MASK * 4
_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+)|$")


@dataclass(frozen=True, slots=True)
class Precedent:
    """`text` goes on from the cursor, within its line, and is what is written next with a probability of
    `likelihood`. It stands at `n_places`; at the best of them `n_alike` characters before it are the same."""

    text: str
    likelihood: float
    n_alike: int
    n_places: int


def precedent_at(context: CompletionContext, near: Sequence[str]) -> Precedent | None:
    """What is to be suggested: the rest of the line where one is likely enough, else the next words as far as
    they are. `near` are other texts of the workspace, flat, the nearest first."""
    return choose(*_find(context, near))


def precedents_at(
    context: CompletionContext, near: Sequence[str]
) -> tuple[Precedent | None, list[Precedent]]:
    """What is to be suggested, and all that the rest of the line may be, the likeliest first."""
    cursor, places = _find(context, near)
    return choose(cursor, places), [one for one in rank_lines(cursor, places) if one.text.strip()]


def choose(cursor: Cursor, places: Sequence[Place]) -> Precedent | None:
    line = next(iter(rank_lines(cursor, places)), None)
    if line is not None and line.text.strip() and line.likelihood >= LEAST_FOR_LINE:
        return line
    words = next_words(cursor, places)
    return words if words is not None and len(words.text.strip()) >= LEAST_WORD_CHARS else None


def rank_lines(cursor: Cursor, places: Sequence[Place]) -> list[Precedent]:
    """One of them may be "": the line is whole."""
    return _ranked(cursor, group(places, lambda rest: rest), LINE_WEIGHTS)


def next_words(cursor: Cursor, places: Sequence[Place]) -> Precedent | None:
    """Word by word, at the places that have had the same words so far."""
    text, likelihood = "", 1.0
    for _ in range(MOST_WORDS):
        groups = group(places, first_word)
        word = next(iter(_ranked(cursor, groups, WORD_WEIGHTS)), None)
        if word is None or not word.text or likelihood * word.likelihood < LEAST_FOR_WORDS:
            break
        text, likelihood = text + word.text, likelihood * word.likelihood
        places = [place.moved_by(len(word.text)) for place in groups[word.text]]
        cursor = cursor.moved_by(word.text)
    if not text:
        return None
    n_alike = max(place.n_alike for place in places) - len(text)
    return Precedent(text + _short_end(places), likelihood, n_alike, len(places))


def _short_end(places: Sequence[Place]) -> str:
    """A line that lacks a character or two, the same ones everywhere, is not left without them."""
    ends = group(places, lambda rest: rest)
    end = next(iter(ends), "")
    return end if len(ends) == 1 and len(end) <= MOST_LEFT else ""


def group(places: Sequence[Place], begin: Callable[[str], str]) -> Mapping[str, list[Place]]:
    """The places by what `begin` takes of the rest of their lines. Masked ones are left out."""
    groups: defaultdict[str, list[Place]] = defaultdict(list)
    for place in places:
        rest = place.rest_of_line()
        if _MASKED not in rest:
            groups[begin(rest)].append(place)
    return groups


def first_word(rest: str) -> str:
    """With the space before it; "" at the end of a line."""
    found = _WORD.match(rest)
    return found[0] if found else ""


def cursor_in(before: str, below: str) -> Cursor:
    """Of a document, as it stands."""
    return Cursor(flatten("\n" + before[-BEFORE_CHARS:]), flatten(below[:AFTER_CHARS]))


def _find(context: CompletionContext, near: Sequence[str]) -> tuple[Cursor, list[Place]]:
    cursor = cursor_in(context.prefix, context.suffix)
    return cursor, find_places(cursor.before, cursor.below, near)


def _ranked(
    cursor: Cursor, groups: Mapping[str, Sequence[Place]], weights: Mapping[str, float]
) -> list[Precedent]:
    return [
        Precedent(text, likelihood, max(place.n_alike for place in groups[text]), len(groups[text]))
        for text, likelihood in rank(cursor, groups, weights)
    ]
