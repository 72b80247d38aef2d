"""Fits the weights of `index/weights.py`: softmax over the candidates of each case, the wanted one first.

What the cases say little about stays near where it was.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lsp_server.index.related import Found
from tests.bench.retrieval.cases import Case

N_ROUNDS = 300
RATE = 0.1
PENALTY = 0.002
MIN_SEEN = 10


@dataclass(frozen=True, slots=True)
class Example:
    """The evidence of each candidate of a case, and which of them were wanted."""

    evidence: Sequence[dict[str, float]]
    wanted: Sequence[int]


def build_example(case: Case, found: Found) -> Example | None:
    """None when nothing that was wanted is among the candidates."""
    places = {place for wanted in case.wanted for place in wanted.places}
    hits = [
        index
        for index, item in enumerate(found.ranked)
        if (item.candidate.symbol.path, item.candidate.symbol.line) in places
    ]
    return Example([item.evidence for item in found.ranked], hits) if hits else None


def fit(examples: Sequence[Example], start: Mapping[str, float]) -> dict[str, float]:
    """By Adam, all examples a step. What was not seen keeps its weight."""
    import torch

    torch.set_num_threads(1)
    seen = Counter(name for example in examples for evidence in example.evidence for name in evidence)
    names = sorted(name for name, count in seen.items() if count >= MIN_SEEN)
    column = {name: index for index, name in enumerate(names)}
    rows = []
    for example in examples:
        matrix = torch.zeros(len(example.evidence), len(names))
        for row, evidence in enumerate(example.evidence):
            for name, value in evidence.items():
                if name in column:
                    matrix[row, column[name]] = value
        rows.append((matrix, torch.tensor(example.wanted)))
    before = torch.tensor([start.get(name, 0.0) for name in names])
    weights = before.clone().requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=RATE)
    for _ in range(N_ROUNDS):
        loss = PENALTY * ((weights - before) ** 2).sum()
        for matrix, wanted in rows:
            scores = matrix @ weights
            loss = loss + (torch.logsumexp(scores, 0) - torch.logsumexp(scores[wanted], 0)) / len(rows)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    fitted = dict(start)
    fitted |= {name: round(value, 2) for name, value in zip(names, weights.tolist(), strict=True)}
    return {
        name: value for name, value in sorted(fitted.items()) if not math.isclose(value, 0.0, abs_tol=0.005)
    }
