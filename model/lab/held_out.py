"""How much rows surprise a net: in all, and by the kind of target. Knows nothing of training.

Runs in the lab's commands.
"""

from __future__ import annotations

import torch

from model.lab.arithmetic import fast_arithmetic
from model.lab.net import Net, surprise, weighted_sum
from model.lab.rows import TARGET_WEIGHTS, Rows
from model.lab.samples import CONTEXT, COPIED, MIDDLE

N_ROWS = 4  # at a time
KINDS = {"context": CONTEXT, "middle": MIDDLE, "copied": COPIED}


@torch.no_grad()
def mean_loss(net: Net, rows: Rows, n_rows: int) -> float:
    """Weighted nats a target over the first rows."""
    total = weight = 0.0
    for at in range(0, min(n_rows, len(rows.ids)), N_ROWS):
        inputs, targets, weights = rows.batch(at, N_ROWS)
        total += float(weighted_sum(net, inputs, targets, weights))
        weight += float(weights.sum())
    return total / max(weight, 1.0)


@torch.no_grad()
def losses_by_kind(net: Net, rows: Rows, n_rows: int, device: str = "cpu") -> dict[str, float]:
    """Nats a target over the first rows: of the context, of the middles, of names to copy from snippets."""
    sums = {name: [0.0, 0.0] for name in KINDS}
    for at in range(0, min(n_rows, len(rows.ids)), N_ROWS):
        inputs, targets, weights = (t.to(device) for t in rows.batch(at, N_ROWS))
        with fast_arithmetic(device):
            each = surprise(net, inputs, targets)
        for name, kind in KINDS.items():
            mask = (weights.flatten() == TARGET_WEIGHTS[kind]).float()
            sums[name][0] += float((each * mask).sum())
            sums[name][1] += float(mask.sum())
    return {name: round(total / count, 4) for name, (total, count) in sums.items() if count}
