"""Muon: its updates are nearly orthogonal, and it learns."""

from __future__ import annotations

import pytest
import torch

from model.lab.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(48, 48), (32, 80), (80, 32)])
def test_singular_values_end_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    batch = torch.randn(3, *shape) * torch.tensor([0.01, 1.0, 100.0])[:, None, None]
    values = torch.linalg.svdvals(orthogonalise(batch, dtype=torch.float32))
    assert values.max() < 1.3
    assert values.median() > 0.6
    assert (values > 0.3).float().mean() > 0.95


def test_it_keeps_the_singular_vectors() -> None:
    torch.manual_seed(2)
    matrix = torch.randn(24, 24)
    u, _, v = torch.linalg.svd(matrix)
    near = orthogonalise(matrix[None], dtype=torch.float32)[0]
    rotated = u.T @ near @ v.T
    assert (rotated - torch.diag(rotated.diagonal())).abs().max() < 0.05


def test_it_learns_a_linear_map() -> None:
    torch.manual_seed(3)
    target, weight = torch.randn(16, 16) / 4, torch.nn.Parameter(torch.zeros(16, 16))
    x = torch.randn(256, 16)
    optimizer, losses = Muon([weight], lr=0.05), []
    for step in range(60):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 60)
        loss = (x @ (weight - target).T).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 5
