"""What code like this uses: learned at each question from the functions of related files, by their names.

Runs in the session, in the thread that all questions to the index run in. Pure over outlines.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from itertools import chain
from math import log, sqrt
from operator import itemgetter

from lsp_server.index.outline import Outline
from lsp_server.index.place import Place

_N_ALIKE = 40
# What most functions name says little, and costs most.
_MAX_WORDS = 60
# A function with few names is not alike because it shares one of them.
_SMALL_FUNCTION = 4


@dataclass(frozen=True, slots=True)
class Habits:
    """Each by name. `alike`: the share of functions like this one that use it; `behind`: its share of what
    stands behind the receiver's word; `files`: in how many related files; `same_name`: the share of the
    functions of the same name."""

    alike: Mapping[str, float] = field(default_factory=dict)
    behind: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    same_name: Mapping[str, float] = field(default_factory=dict)

    def names(self) -> Iterable[str]:
        return dict.fromkeys(chain(self.behind, self.same_name, self.alike))

    def strength(self, name: str) -> float:
        return self.alike.get(name, 0.0) + self.same_name.get(name, 0.0) + self.behind.get(name, 0.0)


class Users:
    """In how many of the related files each name is used; counted again only for files that come or go."""

    def __init__(self) -> None:
        self._counted: dict[int, Outline] = {}
        self._files: Counter[str] = Counter()

    def count(self, outlines: Sequence[Outline]) -> Mapping[str, int]:
        wanted = {id(outline): outline for outline in outlines}
        gone = self._counted.keys() - wanted.keys()
        if 2 * len(gone) > len(self._counted):
            self._files, self._counted, gone = Counter(), {}, set()
        for key in gone:
            self._files.subtract(self._counted[key].names)
        for key in wanted.keys() - self._counted.keys():
            self._files.update(wanted[key].names)
        self._counted = wanted
        return self._files

    def most_used(self, n_names: int) -> list[str]:
        return [name for name, _ in self._files.most_common(n_names)]


def read_habits(place: Place, outlines: Sequence[Outline], files: Mapping[str, int]) -> Habits:
    """`files` are the counts of `Users`."""
    name = place.function.rpartition(".")[2]
    namesakes = [names for outline in outlines if name for names in outline.namesakes.get(name, ())]
    word = last_word(place.receiver) if place.has_dot else ""
    return Habits(
        alike=_shares(_alike(place.around | place.line_words, outlines, files)),
        behind=_normal(Counter(chain.from_iterable(outline.behind.get(word, ()) for outline in outlines))),
        files=files,
        same_name=_shares((1.0, names) for names in namesakes),
    )


def _alike(
    own: frozenset[str], outlines: Sequence[Outline], files: Mapping[str, int]
) -> Iterable[tuple[float, frozenset[str]]]:
    """The functions that share most with these words; a word counts the more the fewer files have it."""
    n_files = len(outlines) + 1
    rarest = nsmallest(
        _MAX_WORDS, (name for name in own if name in files), key=lambda name: (files[name], name)
    )
    weights = {name: log(n_files / (files[name] + 0.5)) + 0.1 for name in rarest}
    sums: defaultdict[int, float] = defaultdict(float)
    functions: dict[int, frozenset[str]] = {}
    for outline in outlines:
        functions.update(outline.by_number)
        for name in weights.keys() & outline.users.keys():
            weight = weights[name]
            for number in outline.users[name]:
                sums[number] += weight
    scored = [(total / sqrt(len(functions[key]) + _SMALL_FUNCTION), key) for key, total in sums.items()]
    best = nlargest(_N_ALIKE, scored, key=itemgetter(0))
    return [(score * score, functions[key]) for score, key in best]


def _shares(functions: Iterable[tuple[float, frozenset[str]]]) -> dict[str, float]:
    total = 0.0
    shares: dict[str, float] = {}
    for weight, names in functions:
        total += weight
        for name in names:
            shares[name] = shares.get(name, 0.0) + weight
    return {name: share / total for name, share in shares.items()} if total else {}


def _normal(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}


def last_word(expr: str) -> str:
    """`c` of `a.b.c()`."""
    return expr.rstrip("()[]").rpartition(".")[2].strip("*?")
