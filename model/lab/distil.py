"""Losses that a run can be trained with: the corpus alone, or a teacher's opinion beside it.

A teacher gives every possible next token a probability, the corpus names one: the student learns from both
(Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"). Knows nothing of rows,
optimizers or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.lab.net import Net, weighted_sum


class Loss(Protocol):
    """The weighted sum, over all targets of a batch, of what the net got wrong; in nats."""

    def __call__(self, net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor: ...


def pick_targets(weights: Tensor, context_share: float) -> tuple[Tensor, Tensor]:
    """Which flat targets are taken, and the weight of each: all that weigh more than plain context and a
    random share of the others, which then weigh so much more: the same gradient on average, for less work.
    """
    chances = torch.where(weights > 1.0, 1.0, context_share)
    taken = torch.nonzero((torch.rand_like(weights) < chances) & (weights > 0)).squeeze(1)
    return taken, weights[taken] / chances[taken]


def log_chances(net: Net, ids: Tensor, taken: Tensor) -> Tensor:
    """Of every token at the taken places: `[taken, vocab]`, float32."""
    hidden = net.hidden(ids).flatten(0, 1)[taken]
    return F.log_softmax(F.linear(hidden, net.embedding.weight).float(), -1)


@dataclass(frozen=True)
class Corpus:
    """Cross-entropy with the token that stands there."""

    context_share: float = 1.0

    def __call__(self, net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        if self.context_share >= 1.0:
            return weighted_sum(net, ids, targets, weights)
        taken, weight = pick_targets(weights.flatten(), self.context_share)
        each = F.nll_loss(log_chances(net, ids, taken), targets.flatten()[taken], reduction="none")
        return (each * weight).sum()


@dataclass(frozen=True)
class Distilled:
    """A mix: `share` of the divergence (KL) from what the teacher says, the rest of the corpus."""

    teacher: Net
    share: float = 0.5
    context_share: float = 1.0

    def __call__(self, net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        taken, weight = pick_targets(weights.flatten(), self.context_share)
        with torch.no_grad():
            said = log_chances(self.teacher, ids, taken)
            wanted = self.share * said.exp()
            known = (wanted * said).sum(-1)  # no gradient, but without it a good student's loss is not zero
            wanted[torch.arange(len(taken)), targets.flatten()[taken]] += 1 - self.share
        each = known - (wanted * log_chances(net, ids, taken)).sum(-1)
        return (each * weight).sum()
