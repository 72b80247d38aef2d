"""How likely each of several texts is to be what a person writes next, by what speaks for it.

Runs in the session. Pure. A conditional logit: what speaks for a text is weighed and added up, and the
probabilities of all texts, and of none of them, are to each other as the powers of these sums. The weights
are fitted to lines that were written (`python -m tests.bench.retrieval fit-precedents`). Must not know how
the texts were found.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lsp_server.completion.places import Place, begun_word

MOST_TEXTS = 12
SHARPNESS = 4  # a place that is alike for half as long has a sixteenth of a vote
OWN_WEIGHT = 1.5  # of a place in the document itself; elsewhere 1
FAR_CHARS = 500
SURROUNDING_CHARS = 500
MOST_UNKNOWN = 4
NONE = "none of them"  # what speaks for that

_NAME = re.compile(r"[^\W\d]\w*")
_DEPTHS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


@dataclass(frozen=True)
class Cursor:
    """What is around the cursor, flat: `before` it, and what is `below` its line."""

    before: str
    below: str = ""
    _known: dict[str, bool] = field(default_factory=dict)
    is_moved: bool = False  # since places were looked for

    @cached_property
    def line(self) -> str:
        """What stands before it in its line."""
        return self.before[self.before.rfind("\n") + 1 :]

    @cached_property
    def depth(self) -> int:
        """Brackets that are open in it."""
        return _depth(self.line)

    @cached_property
    def begun(self) -> str:
        """The word that it stands in."""
        return begun_word(self.before)

    @cached_property
    def next_line(self) -> str:
        return self.below.partition("\n")[2].partition("\n")[0]

    @cached_property
    def surroundings(self) -> frozenset[str]:
        return frozenset(_NAME.findall(self.before[-SURROUNDING_CHARS:]))

    def names(self, text: str) -> list[str]:
        """Of a text that follows, the first one whole."""
        return _NAME.findall(self.begun + text if begun_word(text[:1]) else text)

    def knows(self, name: str) -> bool:
        """Whether the document has it."""
        if name not in self._known:
            end = len(self.before) - len(self.begun)
            self._known[name] = self.before.find(name, 0, end) >= 0 or name in self.below
        return self._known[name]

    def has_line(self, line: str) -> bool:
        whole = f"\n{line}\n"
        return whole in self.before or whole in self.below

    def nearness(self, places: Sequence[Place]) -> float:
        """Of the nearest that stands before it. It speaks for the first word alone: counted for those behind
        it, as many are right and more are wrong."""
        if self.is_moved:
            return 0.0
        behind = [len(self.before) - place.offset for place in places if place.text is self.before]
        return 1 / (1 + min(behind) / FAR_CHARS) if behind else 0.0

    def moved_by(self, text: str) -> Cursor:
        return Cursor(self.before + text, self.below, self._known, is_moved=True)


def rank(
    cursor: Cursor, texts: Mapping[str, Sequence[Place]], weights: Mapping[str, float]
) -> list[tuple[str, float]]:
    """Each text with its probability, the likeliest first. What is missing to 1 is that of none of them."""
    evidence = weigh(cursor, texts)
    sums = {
        text: sum(weights.get(name, 0.0) * value for name, value in of_it.items())
        for text, of_it in evidence.items()
    }
    most = max([*sums.values(), weights[NONE]])
    powers = {text: math.exp(one - most) for text, one in sums.items()}
    whole = sum(powers.values()) + math.exp(weights[NONE] - most)
    ranked = [(text, power / whole) for text, power in powers.items()]
    return sorted(ranked, key=lambda one: one[1], reverse=True)


def weigh(cursor: Cursor, texts: Mapping[str, Sequence[Place]]) -> dict[str, dict[str, float]]:
    """What speaks for each text, by name; of many texts for those that have most votes. `texts` says at
    which places each stands."""
    votes = _votes(texts)
    chosen = sorted(votes, key=votes.__getitem__, reverse=True)[:MOST_TEXTS]
    n_texts = math.log(max(1, len(texts)))
    return {
        text: {
            "candidates": n_texts,
            "vote": votes[text],
            "log vote": math.log(votes[text] + 1e-6),
            **_by_places(cursor, texts[text]),
            **_by_text(cursor, text),
        }
        for text in chosen
    }


def _votes(texts: Mapping[str, Sequence[Place]]) -> dict[str, float]:
    """Their shares. The longest that are alike have the most."""
    most = max((place.n_alike for places in texts.values() for place in places), default=1)
    votes: defaultdict[str, float] = defaultdict(float)
    for text, places in texts.items():
        for place in places:
            votes[text] += (OWN_WEIGHT if place.is_own else 1.0) * (place.n_alike / most) ** SHARPNESS
    n_votes = sum(votes.values())
    return {text: vote / n_votes for text, vote in votes.items()}


def _by_places(cursor: Cursor, places: Sequence[Place]) -> dict[str, float]:
    best = max(places, key=lambda place: place.n_alike)
    likeness = _likeness(cursor, best)
    is_own = any(place.is_own for place in places)
    return {
        "places": math.log(len(places)),
        "texts": math.log(len({id(place.text) for place in places})),
        "alike": math.log1p(best.n_alike),
        "alike, whole line": float(best.n_alike > len(cursor.line)),
        "own": float(is_own),
        "own, near": cursor.nearness(places),
        "surroundings": likeness,
        "surroundings, own": likeness * is_own,
        "next line": float(any(_goes_on_with(place, cursor.next_line) for place in places[:MOST_TEXTS])),
    }


def _by_text(cursor: Cursor, text: str) -> dict[str, float]:
    names = cursor.names(text)
    unknown = sum(not cursor.knows(name) for name in names)
    line = cursor.line + text
    return {
        "nothing": float(not text.strip()),
        "length": math.log1p(len(text)),
        "new line": float(not cursor.line),
        "unknown names": float(min(unknown, MOST_UNKNOWN)),
        "known first": float(bool(names) and cursor.knows(names[0])),
        "closes too much": float(cursor.depth + _depth(text) < 0),
        "there already": float(cursor.has_line(line)),
        "in a word": float(bool(cursor.begun)),
    }


def _depth(text: str) -> int:
    return sum(_DEPTHS[char] for char in text if char in _DEPTHS)


def _likeness(cursor: Cursor, place: Place) -> float:
    """Of the names before the place and before the cursor, the share that both have."""
    names = set(_NAME.findall(place.text[max(0, place.offset - SURROUNDING_CHARS) : place.offset]))
    return len(names & cursor.surroundings) / max(1, len(names | cursor.surroundings))


def _goes_on_with(place: Place, next_line: str) -> bool:
    end = place.text.find("\n", place.offset)
    return bool(next_line) and end >= 0 and place.text.startswith(next_line, end + 1)
