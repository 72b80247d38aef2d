"""Pruning and distilling: what is left out, what stays, and that a teacher's opinion is learned."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from model.lab.average import average
from model.lab.distil import Corpus, Distilled
from model.lab.export import load_net
from model.lab.gradients import HereGradients, Job, WorkerGradients
from model.lab.held_out import mean_loss
from model.lab.net import Net, Shape
from model.lab.plan import Plan
from model.lab.prune import ffn_worth, keep_ffn, keep_layers, pick_layers, save_net
from model.lab.rows import Rows
from model.lab.train import Run, build_loss

SHAPE = Shape(n_vocab=64, d_model=32, n_layers=3, n_heads=1, d_ffn=48, n_ctx=64)


def random_net(seed: int, shape: Shape = SHAPE) -> Net:
    """Weights that all do something."""
    torch.manual_seed(seed)
    net = Net(shape)
    for parameter in net.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    return net


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.npz"
    rng = np.random.default_rng(3)
    ids = (rng.integers(0, 64, (16, 1)) + np.arange(17)) % 64
    np.savez(path, ids=ids.astype(np.uint16), kinds=np.ones_like(ids, np.uint8))
    return path


def test_the_layer_that_does_nothing_goes_first(rows: Path) -> None:
    net = random_net(1)
    idle = net.blocks[1]
    torch.nn.init.zeros_(idle.get_parameter("attention.o.weight"))
    torch.nn.init.zeros_(idle.get_parameter("ffn.down.weight"))
    data = Rows(rows, 1)
    assert pick_layers(net, data, 2) == [0, 2]
    smaller = keep_layers(net, [0, 2])
    assert smaller.shape.n_layers == 2
    assert mean_loss(smaller, data, 16) == pytest.approx(mean_loss(net, data, 16), abs=1e-5)


def test_units_that_do_nothing_go_first(rows: Path) -> None:
    net, idle = random_net(2), torch.arange(0, 48, 3)
    for block in net.blocks:
        block.get_parameter("ffn.down.weight").data[:, idle] = 0.0
    data = Rows(rows, 1)
    worth = ffn_worth(net, data)
    assert all((scores[idle] == 0).all() for scores in worth)
    smaller = keep_ffn(net, worth, 32)
    assert smaller.shape.d_ffn == 32
    assert smaller.n_parameters() < net.n_parameters()
    assert mean_loss(smaller, data, 16) == pytest.approx(mean_loss(net, data, 16), abs=1e-5)


def test_a_pruned_net_is_a_checkpoint_to_begin_with(tmp_path: Path) -> None:
    smaller = keep_layers(random_net(3), [0, 1])
    save_net(smaller, tmp_path / "pruned.pt")
    assert load_net(tmp_path / "pruned.pt").shape == smaller.shape
    run = Run(tmp_path / "run", smaller.shape, Plan(steps=1), "cpu")
    run.begin_with(tmp_path / "pruned.pt")
    for ours, theirs in zip(run.net.parameters(), smaller.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_teacher_alone_is_followed(rows: Path) -> None:
    """With no share of the corpus, the loss falls to zero when the student says what the teacher says."""
    teacher, student = random_net(4), random_net(5)
    inputs, targets, weights = Rows(rows, 1).batch(0, 8)
    loss = Distilled(teacher, share=1.0)
    assert float(loss(teacher, inputs, targets, weights).detach()) == pytest.approx(0.0, abs=1e-3)
    optimizer = torch.optim.AdamW(student.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        value = loss(student, inputs, targets, weights)
        losses.append(float(value.detach()))
        optimizer.zero_grad()
        torch.autograd.backward(value)
        optimizer.step()
    assert losses[-1] < losses[0] / 4


def test_without_a_share_the_teacher_is_not_heard(rows: Path) -> None:
    student = random_net(5)
    batch = Rows(rows, 1).batch(0, 8)
    alone, mixed = (
        float(loss(student, *batch).detach()) for loss in (Corpus(), Distilled(random_net(4), share=0.0))
    )
    assert mixed == pytest.approx(alone, rel=1e-5)


def test_workers_hear_the_teacher_too(tmp_path: Path, rows: Path) -> None:
    save_net(random_net(6, dataclasses.replace(SHAPE, n_layers=1)), tmp_path / "teacher.pt")
    loss = build_loss(tmp_path / "teacher.pt", 0.7, "cpu")
    student = random_net(7)
    here = HereGradients(student, [Rows(rows, 1)], "cpu", should_compile=False, loss=loss)
    expected = here.compute(Job(0, 0, 8))
    student.zero_grad()
    there = WorkerGradients(student, [rows], 1, 2, should_compile=False, loss=loss)
    assert there.compute(Job(0, 0, 8)) == pytest.approx(expected, rel=0.02)


def test_the_average_lies_between() -> None:
    old, new = random_net(8), random_net(9)
    half = average(old, new, 0.5, rope_base=50_000.0)
    assert half.shape == dataclasses.replace(new.shape, rope_base=50_000.0)
    for made, before, after in zip(half.parameters(), old.parameters(), new.parameters(), strict=True):
        assert torch.allclose(made, (before + after) / 2, atol=1e-6)
    ids = torch.arange(16)[None]
    same = average(old, new, 1.0, rope_base=new.shape.rope_base)
    assert torch.equal(same(ids), new(ids))
