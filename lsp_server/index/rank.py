"""Weighs the evidence for each candidate. Pure.

Runs in the session. A linear model: the score of a candidate is the sum of its evidence, each between 0 and
about 1, times its weight. Read the weights as log odds: they were fitted to put the definition that was used
next before the others (softmax over the candidates of a place), by `python -m tests.bench.retrieval fit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lsp_server.index.candidates import Candidate
from lsp_server.index.place import Place, parts_of, word_parts
from lsp_server.types import SymbolKind

WEIGHTS: Mapping[str, float] = {
    "alike": 2.7,
    "alike at all": 1.22,
    "argument, class": 0.79,
    "argument, field": -0.1,
    "argument, function": -0.49,
    "argument, method": -0.43,
    "argument, variable": 0.22,
    "behind": 2.97,
    "by habit": -1.04,
    "definers": -1.15,
    "dot, member": 0.71,
    "dot, no member": -0.71,
    "dunder": -1.19,
    "error": -0.6,
    "files": -0.69,
    "import star": 2.0,  # by hand: too few cases
    "import unused": 4.14,
    "import used": -0.23,
    "inherited": -0.94,
    "isinstance, class": 0.51,
    "isinstance, field": -0.01,
    "isinstance, function": -0.29,
    "isinstance, method": 0.11,
    "isinstance, variable": -0.32,
    "kind class": 0.07,
    "kind field": -1.7,
    "kind function": 0.29,
    "kind method": 1.37,
    "kind variable": -0.03,
    "like line": 2.31,
    "like near": 2.15,
    "member of attribute": -0.27,
    "member of global": -0.25,
    "member of import": 0.04,
    "member of local": 0.26,
    "member of own class": -1.03,
    "member of result": -0.1,
    "of module": -0.55,
    "of module known": 1.02,
    "of module near": 0.51,
    "of package": 0.5,  # by hand: Python has none
    "private": -0.75,
    "raise, class": 1.06,
    "raise, error": 1.11,
    "raise, function": -1.24,
    "raise, method": 0.26,
    "raise, variable": -0.08,
    "receiver": 3.74,
    "receiver guessed": -0.59,
    "related": 0.17,
    "return, class": -0.06,
    "return, field": -0.07,
    "return, function": 0.07,
    "return, method": 0.15,
    "return, variable": -0.09,
    "root in line": 0.71,
    "root near": 0.4,
    "same folder": -0.02,
    "same name": 0.8,
    "typed": 4.0,  # by hand: in the cases no word has been begun
    "used before": -3.75,
    "used later": -0.27,
    "used soon": -3.71,
    "value, class": -0.24,
    "value, field": -0.29,
    "value, function": 0.78,
    "value, method": -0.21,
    "value, variable": -0.03,
}

# What each evidence means, by its beginning.
MEANINGS: Mapping[str, str] = {
    "import": "the file imports it: used before the cursor, unused there, or by a star",
    "of module": "a module that the file imports offers it; near: the module is named nearby",
    "of package": "another file of the package defines it, and it is seen without an import",
    "receiver": "a member of what stands before the dot; guessed: by its name, or one of several",
    "inherited": "a member of a base class of the class around the cursor",
    "member of": "a member of what a name in sight stands for",
    "root": "that name stands on the line, or nearby",
    "alike": "the functions of related files that share most names with this one use it",
    "same name": "functions of the same name in related files use it",
    "behind": "in related files it stands behind the same word and a dot",
    "files": "in so many related files it is used (logarithm)",
    "by habit": "nothing but its name speaks for it",
    "definers": "so many definitions have this name (logarithm)",
    "used": "the text names it already: before the cursor, soon after it, or later",
    "like": "parts of its name stand nearby, or on the line",
    "related": "it is defined in a related file",
    "same folder": "it is defined in the same folder",
    "typed": "its name begins with what is typed",
    "private": "its name begins with an underscore",
    "dunder": "its name has two at both ends",
    "error": "its name is that of an error",
    "kind": "what it is",
    "dot": "a member or not, when there is a dot before the cursor",
    "value": "what it is, behind `=`",
    "argument": "what it is, behind `(`",
    "return": "what it is, behind `return`",
    "raise": "what it is, behind `raise`",
    "isinstance": "what it is, behind `isinstance(`",
}

_ERRORS = ("Error", "Exception", "Warning")


@dataclass(frozen=True, slots=True)
class Ranked:
    """`situation` is the evidence that a place gives for everything of one kind."""

    score: float
    candidate: Candidate
    situation: Mapping[str, float]

    @property
    def evidence(self) -> dict[str, float]:
        return {**self.situation, **self.candidate.evidence}


def rank(
    candidates: Iterable[Candidate], place: Place, path: str, related: frozenset[str] = frozenset()
) -> list[Ranked]:
    """The likeliest first."""
    is_raised = place.line.lstrip().startswith("raise ")
    words = _Words(parts_of(place.near), parts_of(place.line_words), place.typed.lower(), is_raised)
    folder = path[: path.rfind("/") + 1]
    situations = {
        (kind, is_member): _situation(place, kind, is_member=is_member)
        for kind in SymbolKind
        for is_member in (False, True)
    }
    scores = {key: score(situation) for key, situation in situations.items()}
    ranked = []
    for candidate in candidates:
        symbol = candidate.symbol
        key = (symbol.kind, bool(symbol.container))
        _add_usage(candidate.evidence, symbol.name, place)
        _add_name(candidate.evidence, symbol.name, words)
        if symbol.path in related:
            candidate.evidence["related"] = 1.0
        if symbol.path.startswith(folder) and "/" not in symbol.path[len(folder) :]:
            candidate.evidence["same folder"] = 1.0
        ranked.append(Ranked(scores[key] + score(candidate.evidence), candidate, situations[key]))
    ranked.sort(key=_best_first)
    return ranked


def score(evidence: Mapping[str, float]) -> float:
    return sum([WEIGHTS.get(name, 0.0) * value for name, value in evidence.items()])


def _best_first(item: Ranked) -> tuple[float, str, int]:
    symbol = item.candidate.symbol
    return -item.score, symbol.path, symbol.span.start


@dataclass(frozen=True, slots=True)
class _Words:
    """Parts of words; those on the line are among those nearby. `typed` in small letters."""

    near: frozenset[str]
    on_line: frozenset[str]
    typed: str
    is_raised: bool


def _situation(place: Place, kind: SymbolKind, *, is_member: bool) -> dict[str, float]:
    found = [f"kind {kind.value}"]
    if place.has_dot:
        found.append("dot, member" if is_member else "dot, no member")
    found += [f"{situation}, {kind.value}" for situation in _situations(place.line)]
    return dict.fromkeys(found, 1.0)


def _situations(line: str) -> Sequence[str]:
    first = line.split(maxsplit=1)[:1]
    written = line.rstrip()
    found = [word for word in ("raise", "return") if first == [word]]
    if written.endswith("="):
        found.append("value")
    elif written.endswith("("):
        found.append("argument")
        if written.endswith("isinstance("):
            found.append("isinstance")
    return found


def _add_usage(evidence: dict[str, float], name: str, place: Place) -> None:
    if name in place.before:
        evidence["used before"] = 1.0
    if name in place.soon:
        evidence["used soon"] = 1.0
    if name in place.later:
        evidence["used later"] = 1.0


def _add_name(evidence: dict[str, float], name: str, words: _Words) -> None:
    if name[0] == "_":
        evidence["private"] = 1.0
        if name.startswith("__") and name.endswith("__"):
            evidence["dunder"] = 1.0
    if (parts := word_parts(name)) and not words.near.isdisjoint(parts):
        evidence["like near"] = len(words.near.intersection(parts)) / len(parts)
        if not words.on_line.isdisjoint(parts):
            evidence["like line"] = len(words.on_line.intersection(parts)) / len(parts)
    if name.endswith(_ERRORS):
        evidence["raise, error" if words.is_raised else "error"] = 1.0
    if words.typed and name.lower().startswith(words.typed):
        evidence["typed"] = 1.0
