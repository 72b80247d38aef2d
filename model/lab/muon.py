"""Muon, the optimizer of the matrices, written from its description.

Source: Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), for the
update and the quintic Newton-Schulz coefficients; Liu et al., "Muon is Scalable for LLM Training" (2025),
for the 0.2 * sqrt(max(rows, columns)) factor, which gives the update the size of an Adam step, and for
weight decay. Matrices of one shape are orthogonalised as one batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor

from model.lab.arithmetic import fast_type

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(batch: Tensor, n_steps: int = 5, dtype: torch.dtype = torch.float32) -> Tensor:
    """The nearest semi-orthogonal matrices, roughly: singular values end within about 0.7 .. 1.2."""
    a, b, c = COEFFICIENTS
    is_tall = batch.shape[-2] > batch.shape[-1]
    x = (batch.mT if is_tall else batch).to(dtype)
    x = x / (torch.linalg.matrix_norm(x.float(), keepdim=True) + 1e-7).to(dtype)
    for _ in range(n_steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    result: Tensor = (x.mT if is_tall else x).to(batch.dtype)
    return result


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, with decoupled weight decay."""

    def __init__(
        self, matrices: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of every matrix that has a gradient."""
        loss = closure() if closure else None
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    by_shape[p.shape].append(p)
            for same in by_shape.values():
                self._update(same, group)
        return loss

    def _update(self, same: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [p.grad for p in same if p.grad is not None]
        momenta = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in same]
        for gradient, momentum in zip(gradients, momenta, strict=True):
            momentum.lerp_(gradient, 1 - group["momentum"])
        nesterov = [g.lerp(m, group["momentum"]) for g, m in zip(gradients, momenta, strict=True)]
        batch = torch.stack(nesterov)
        updates = orthogonalise(batch, dtype=fast_type(batch.device.type))
        scale = 0.2 * max(same[0].shape) ** 0.5
        for p, update in zip(same, updates, strict=True):
            p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)
