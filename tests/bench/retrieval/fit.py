"""Fits the weights of `index/weights.py` and `completion/weights.py`: softmax over the candidates of each
case, the wanted one first.

What the cases say little about stays near where it was.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsp_server.index.related import Found
from tests.bench.retrieval.cases import Case

if TYPE_CHECKING:
    from torch import Tensor

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


def fit(
    examples: Sequence[Example],
    start: Mapping[str, float],
    penalty: float = PENALTY,
    n_rounds: int = N_ROUNDS,
) -> dict[str, float]:
    """By Adam, all examples a step. What was not seen keeps its weight."""
    import torch

    torch.set_num_threads(1)
    seen = Counter(name for example in examples for evidence in example.evidence for name in evidence)
    names = sorted(name for name, count in seen.items() if count >= MIN_SEEN)
    values, is_there, is_wanted = _tensors(examples, names)
    before = torch.tensor([start.get(name, 0.0) for name in names])
    weights = before.clone().requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=RATE)
    for _ in range(n_rounds):
        scores = (values @ weights).masked_fill(~is_there, -math.inf)
        lost = torch.logsumexp(scores, 1) - torch.logsumexp(scores.masked_fill(~is_wanted, -math.inf), 1)
        loss = lost.mean() + penalty * ((weights - before) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    fitted = dict(start)
    fitted |= {name: round(value, 2) for name, value in zip(names, weights.tolist(), strict=True)}
    return {
        name: value for name, value in sorted(fitted.items()) if not math.isclose(value, 0.0, abs_tol=0.005)
    }


def _tensors(examples: Sequence[Example], names: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """The evidence, (examples, candidates, names); which candidates there are, and which were wanted."""
    import torch

    column = {name: index for index, name in enumerate(names)}
    most = max(len(example.evidence) for example in examples)
    values = torch.zeros(len(examples), most, len(names))
    is_there, is_wanted = (torch.zeros(len(examples), most, dtype=torch.bool) for _ in range(2))
    for row, example in enumerate(examples):
        is_there[row, : len(example.evidence)] = True
        is_wanted[row, list(example.wanted)] = True
        for index, evidence in enumerate(example.evidence):
            known = [name for name in evidence if name in column]
            values[row, index, [column[name] for name in known]] = torch.tensor([evidence[n] for n in known])
    return values, is_there, is_wanted
