"""Weighs the evidence for each candidate. Pure.

Runs in the session. A linear model: the score of a candidate is the sum of its evidence, each between 0 and
about 1, times its weight in the language of the place (`weights.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lsp_server.index.candidates import Candidate
from lsp_server.index.place import Place, parts_of, word_parts
from lsp_server.index.weights import WEIGHTS
from lsp_server.types import SymbolKind

# Of what is seen in its class alone.
_CLOSED = ("private ", "#", "static #", "readonly #", "async #")
_ERRORS = ("Error", "Exception", "Warning")


class Ranked(NamedTuple):
    """`situation` is the evidence that a place gives for everything of one kind."""

    score: float
    candidate: Candidate
    situation: Mapping[str, float]

    @property
    def evidence(self) -> dict[str, float]:
        return {**self.situation, **self.candidate.evidence}


def rank(
    candidates: Iterable[Candidate],
    place: Place,
    path: str,
    related: frozenset[str] = frozenset(),
    weights: Mapping[str, float] = WEIGHTS,
) -> list[Ranked]:
    """The likeliest first."""
    is_raised = place.line.lstrip().startswith("raise ")
    words = _Words(parts_of(place.near), parts_of(place.line_words), is_raised)
    folder = path[: path.rfind("/") + 1]
    situations = {
        (kind, is_member): _situation(place, kind, is_member=is_member)
        for kind in SymbolKind
        for is_member in (False, True)
    }
    scores = {key: score(situation, weights) for key, situation in situations.items()}
    by_file: dict[str, dict[str, float]] = {}
    ranked = []
    for candidate in candidates:
        symbol = candidate.symbol
        key = (symbol.kind, bool(symbol.container))
        _add_usage(candidate.evidence, symbol.name, place)
        _add_name(candidate.evidence, symbol.name, symbol.signature, words)
        candidate.evidence.update(_evidence_of_file(symbol.path, folder, related, by_file))
        ranked.append(Ranked(scores[key] + score(candidate.evidence, weights), candidate, situations[key]))
    ranked.sort(key=_best_first)
    return with_typed(ranked, place.typed, weights)


def _evidence_of_file(
    path: str, folder: str, related: frozenset[str], known: dict[str, dict[str, float]]
) -> dict[str, float]:
    """The same for all that a file defines."""
    if path not in known:
        known[path] = {}
        if path in related:
            known[path]["related"] = 1.0
        if path.startswith(folder) and "/" not in path[len(folder) :]:
            known[path]["same folder"] = 1.0
    return known[path]


def with_typed(ranked: Sequence[Ranked], typed: str, weights: Mapping[str, float] = WEIGHTS) -> list[Ranked]:
    """The same when a word has been begun: what begins so comes first."""
    small, weight = typed.lower(), weights["typed"]
    if not small:
        return list(ranked)
    begun = [_begun(item, weight) for item in ranked if item.candidate.symbol.name.lower().startswith(small)]
    others = [item for item in ranked if not item.candidate.symbol.name.lower().startswith(small)]
    return sorted([*begun, *others], key=_best_first)


def _begun(item: Ranked, weight: float) -> Ranked:
    candidate = Candidate(item.candidate.symbol, {**item.candidate.evidence, "typed": 1.0})
    return Ranked(item.score + weight, candidate, item.situation)


def score(evidence: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    return sum([weights.get(name, 0.0) * value for name, value in evidence.items()])


def _best_first(item: Ranked) -> tuple[float, str, int]:
    symbol = item.candidate.symbol
    return -item.score, symbol.path, symbol.span.start


@dataclass(frozen=True, slots=True)
class _Words:
    """Parts of words; those on the line are among those nearby."""

    near: frozenset[str]
    on_line: frozenset[str]
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


def _add_name(evidence: dict[str, float], name: str, signature: str, words: _Words) -> None:
    if name[0] == "_":
        evidence["private"] = 1.0
        if name.startswith("__") and name.endswith("__"):
            evidence["dunder"] = 1.0
    if (parts := word_parts(name)) and not words.near.isdisjoint(parts):
        evidence["like near"] = len(words.near.intersection(parts)) / len(parts)
        if not words.on_line.isdisjoint(parts):
            evidence["like line"] = len(words.on_line.intersection(parts)) / len(parts)
    if signature.startswith(_CLOSED):
        evidence["closed"] = 1.0
    if name.endswith(_ERRORS):
        evidence["raise, error" if words.is_raised else "error"] = 1.0
