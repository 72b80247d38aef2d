"""Precedents: places in the workspace before which the same text stands as before the cursor, and how their
lines go on.

Runs in the session. Pure. Code repeats itself, most of all within a file and a folder (Hindle et al. 2012,
"On the naturalness of software"; Tu et al. 2014, "On the localness of software"): the places with the longest
such text tell the rest of a line more often than a very small model does. The idea is that of an n-gram model
that backs off to the longest context found (Liu et al. 2024, "Infini-gram"), by characters and whole lines.
Must not know the index, the model or LSP.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lsp_server.completion.context import CompletionContext
from lsp_server.masking import MASK
from lsp_server.text import flatten

LEAST_SCORE = 0.3  # one in seven that score so is right to the letter (docs/precedents.md)
OWN_WEIGHT = 1.5  # of a place in the document itself; elsewhere 1
SHARPNESS = 4  # a place that is alike for half as long has a sixteenth of a vote
ENOUGH_ALIKE = 12  # characters; fewer lower the score
MOST_ALIKE = 288
SHORTER = (12, 6, 4)  # characters looked for, until some are found
LONGER = (24, 48, 96)  # and required, until there are few enough
MOST_FOUND, MOST_PLACES = 2000, 200
BEFORE_CHARS, AFTER_CHARS = 150_000, 50_000
_MASKED = MASK * 4


@dataclass(frozen=True, slots=True)
class Precedent:
    """`text` is the rest of a line. Of the votes, `share` are for it; it stands at `n_places`, and at the
    best place of all `n_alike` characters before the cursor are the same."""

    text: str
    share: float
    n_alike: int
    n_places: int

    @property
    def score(self) -> float:
        """Between 0 and 1; how often it is right grows with it."""
        return self.share * min(1.0, self.n_alike / ENOUGH_ALIKE)


@dataclass(frozen=True, slots=True)
class _Place:
    """An offset in one of the texts, and what a vote from there weighs."""

    text: str
    offset: int
    weight: float


def precedents_at(context: CompletionContext, near: Sequence[str]) -> tuple[Precedent, ...]:
    """What the rest of the cursor's line may be, the likeliest first; none where that is no text. `near` are
    other texts of the workspace, flat, the nearest first."""
    before = flatten("\n" + context.prefix[-BEFORE_CHARS:])
    own = (before[:-1], flatten(context.suffix[:AFTER_CHARS]))
    found = find_precedents(before, own, near)
    return tuple(one for one in found if one.text.strip()) if found and found[0].text.strip() else ()


def find_precedents(before: str, own: Iterable[str], near: Iterable[str]) -> list[Precedent]:
    """Each rest of a line that has votes, those with most first. One may be "": the line is whole. All texts
    are flat."""
    texts = [*((text, OWN_WEIGHT) for text in own), *((text, 1.0) for text in near)]
    alike = [(_n_alike(before, place), place) for place in _places(before, texts)]
    most = max((n_alike for n_alike, _ in alike), default=0)
    votes: defaultdict[str, list[float]] = defaultdict(list)
    for n_alike, place in alike:
        rest = _rest_of_line(place)
        if _MASKED not in rest:
            votes[rest].append(place.weight * (n_alike / most) ** SHARPNESS)
    n_votes = sum(map(sum, votes.values()))
    found = [Precedent(text, sum(of_it) / n_votes, most, len(of_it)) for text, of_it in votes.items()]
    return sorted(found, key=lambda precedent: precedent.share, reverse=True)


def _places(before: str, texts: Sequence[tuple[str, float]]) -> list[_Place]:
    """Those that are alike for long; of very many, those that are alike for longer."""
    places: list[_Place] = []
    for n_chars in SHORTER:
        places = _ends_of(before[-n_chars:], texts) if n_chars <= len(before) else []
        if places:
            break
    for n_chars in LONGER:
        if len(places) <= MOST_PLACES:
            break
        needle = before[-n_chars:]
        narrower = [place for place in places if place.text.endswith(needle, 0, place.offset)]
        if not narrower:
            break
        places = narrower
    return places[:MOST_PLACES]


def _ends_of(needle: str, texts: Sequence[tuple[str, float]]) -> list[_Place]:
    """Where it was found; of a great many, the first."""
    found: list[_Place] = []
    for text, weight in texts:
        start = text.find(needle)
        while start >= 0:
            found.append(_Place(text, start + len(needle), weight))
            if len(found) == MOST_FOUND:
                return found
            start = text.find(needle, start + 1)
    return found


def _n_alike(before: str, place: _Place) -> int:
    """How many characters before the place are those at the end of `before`."""
    most = min(MOST_ALIKE, place.offset, len(before))
    n_alike, step = 0, MOST_ALIKE // 2
    while step:
        n_tried = n_alike + step
        if n_tried <= most and place.text.endswith(
            before[-n_tried : len(before) - n_alike], 0, place.offset - n_alike
        ):
            n_alike = n_tried
        else:
            step //= 2
    return n_alike


def _rest_of_line(place: _Place) -> str:
    end = place.text.find("\n", place.offset)
    return place.text[place.offset : end if end >= 0 else None].rstrip()
