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


@dataclass(frozen=True)
class Corpus:
    """Cross-entropy with the token that stands there."""

    def __call__(self, net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        return weighted_sum(net, ids, targets, weights)


@dataclass(frozen=True)
class Sampled:
    """Cross-entropy of every target that weighs more than plain context, and of a random `share` of the
    others, which then weigh so much more: the same gradient on average, for a part of the logits.
    """

    share: float

    def __call__(self, net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        flat = weights.flatten()
        chances = torch.where(flat > 1.0, 1.0, self.share)
        taken = torch.nonzero((torch.rand_like(flat) < chances) & (flat > 0)).squeeze(1)
        hidden = net.hidden(ids).flatten(0, 1)[taken]
        logits = F.linear(hidden, net.embedding.weight).float()
        each = F.cross_entropy(logits, targets.flatten()[taken], reduction="none")
        return (each * flat[taken] / chances[taken]).sum()


@dataclass(frozen=True)
class Distilled:
    """A mix: `share` of the teacher's distribution (KL divergence at `temperature`), the rest of the corpus.

    The divergence is multiplied by the temperature's square, so that its gradients keep their size (Hinton et
    al. 2015, section 2).
    """

    teacher: Net
    share: float = 0.5
    temperature: float = 1.0

    def __call__(self, net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.logits(self.teacher, ids)
        given = self.logits(net, ids)
        flat = weights.flatten()
        corpus = F.cross_entropy(given, targets.flatten(), reduction="none")
        divergence = F.kl_div(
            F.log_softmax(given / self.temperature, -1),
            F.log_softmax(wanted / self.temperature, -1),
            reduction="none",
            log_target=True,
        ).sum(-1)
        mixed = (1 - self.share) * corpus + self.share * self.temperature**2 * divergence
        return (mixed * flat).sum()

    def logits(self, net: Net, ids: Tensor) -> Tensor:
        """`[batch * time, vocab]`, float32."""
        return F.linear(net.hidden(ids).flatten(0, 1), net.embedding.weight).float()
