"""Training: a run that was cut goes on to the same weights; workers give the same gradients; the schedule."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from model.lab.arithmetic import fast_arithmetic, fast_type
from model.lab.distil import Corpus
from model.lab.export import load_net, write_gguf
from model.lab.gradients import HereGradients, Job, WorkerGradients, WorkerLost
from model.lab.held_out import losses_by_kind
from model.lab.mix import mix_rows
from model.lab.net import Net, Shape
from model.lab.plan import Pace, Plan
from model.lab.prune import save_net
from model.lab.rows import Rows
from model.lab.tokenizer import Tokenizer
from model.lab.train import Run, build_optimizers, freeze, train

SHAPE = Shape(n_vocab=64, d_model=32, n_layers=1, n_heads=1, d_ffn=32, n_ctx=64)
PLAN = Plan(steps=8, n_batch_tokens=64, warmup_steps=2, lr_matrix=0.02, lr_other=0.01)
PACE = Pace(log_every=2, eval_every=4, eval_rows=4)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Short and long rows of counting numbers."""
    folder, rng, made = tmp_path_factory.mktemp("rows"), np.random.default_rng(1), []
    for n_time in (16, 32):
        ids = (rng.integers(0, 64, (12, 1)) + np.arange(n_time + 1)) % 64
        kinds = rng.integers(1, 3, ids.shape)
        made.append(folder / f"{n_time}.npz")
        np.savez(made[-1], ids=ids.astype(np.uint16), kinds=kinds.astype(np.uint8))
    return made


def finish(folder: Path, plan: Plan, paths: list[Path]) -> Run:
    """A run, from where its folder says, to the end of the plan."""
    run = Run(folder, SHAPE, plan, "cpu")
    rows = [Rows(path, plan.seed) for path in paths]
    train(run, HereGradients(run.net, rows, "cpu", should_compile=False), [16, 32], rows[0], PACE)
    return run


def test_a_cut_run_ends_at_the_same_weights(tmp_path: Path, paths: list[Path]) -> None:
    whole = finish(tmp_path / "whole", PLAN, paths)
    cut = Run(tmp_path / "cut", SHAPE, PLAN, "cpu")
    rows = [Rows(path, PLAN.seed) for path in paths]
    gradients = HereGradients(cut.net, rows, "cpu", should_compile=False)
    for _ in range(5):
        cut.step(gradients, [16, 32])
    cut.save()
    resumed = finish(tmp_path / "cut", PLAN, paths)
    assert dataclasses.replace(resumed.state, seconds=0) == dataclasses.replace(whole.state, seconds=0)
    for ours, theirs in zip(whole.net.parameters(), resumed.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_it_learns_and_logs(tmp_path: Path, paths: list[Path]) -> None:
    run = Run(tmp_path, SHAPE, PLAN, "cpu")
    before = losses_by_kind(run.net, Rows(paths[0], 1), 8)
    run = finish(tmp_path, dataclasses.replace(PLAN, steps=40), paths)
    after = losses_by_kind(run.net, Rows(paths[0], 1), 8)
    assert after["middle"] < before["middle"] - 0.3
    assert '"done": true' in (tmp_path / "log.jsonl").read_text()


def test_long_rows_come_last(tmp_path: Path) -> None:
    run = Run(tmp_path, SHAPE, PLAN, "cpu")
    assert run.next_job([16, 32]) == Job(0, 0, 4)
    run.state.step, run.state.n_short = 7, 28
    assert run.next_job([16, 32]) == Job(1, 0, 2)


def test_a_run_begins_with_the_weights_of_a_gguf(
    tmp_path: Path, small_net: Net, tokenizer: Tokenizer
) -> None:
    write_gguf(small_net, tokenizer, tmp_path / "small.gguf", "F32")
    run = Run(tmp_path / "run", small_net.shape, PLAN, "cpu")
    run.begin_with(tmp_path / "small.gguf")
    for ours, theirs in zip(run.net.parameters(), small_net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    run.save()
    found = load_net(tmp_path / "small.gguf").shape
    assert dataclasses.replace(found, norm_eps=1e-5) == load_net(run.checkpoint).shape


def test_weights_of_another_shape_are_refused(tmp_path: Path, small_net: Net) -> None:
    save_net(small_net, tmp_path / "small.pt")
    other = dataclasses.replace(small_net.shape, n_heads=1)
    with pytest.raises(SystemExit, match=r"n_heads.*2, 1"):
        Run(tmp_path / "run", other, PLAN, "cpu").begin_with(tmp_path / "small.pt")
    wider = dataclasses.replace(small_net.shape, rope_base=100_000.0)
    Run(tmp_path / "wider", wider, PLAN, "cpu").begin_with(tmp_path / "small.pt")


def test_the_fast_type_is_bfloat16_only_where_the_processor_has_it() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split())
    has_it = not flags.isdisjoint({"avx512_bf16", "amx_tile"})
    assert fast_type("cpu") == (torch.bfloat16 if has_it else torch.float32)
    assert fast_type("cuda:0") == torch.bfloat16
    with fast_arithmetic("cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == fast_type("cpu")


def test_a_run_that_was_stopped_does_not_age(tmp_path: Path) -> None:
    run = Run(tmp_path, SHAPE, PLAN, "cpu")
    run.state.step, run.state.seconds = 10, 20.0
    assert run.believe(3.0) == 3.0
    assert run.believe(590.0) == 10.0


def test_schedule() -> None:
    plan = Plan(steps=100, warmup_steps=10, decay_from=0.5)
    assert plan.rate(0, 0.0) == pytest.approx(0.1)
    assert plan.rate(30, 0.3) == 1.0
    assert plan.rate(75, 0.75) == pytest.approx(0.5)
    assert plan.rate(100, 1.0) == 0.0
    assert Plan(minutes=10).progress(5, 300) == pytest.approx(0.5)


def test_every_pass_sees_every_row_once(paths: list[Path]) -> None:
    rows = Rows(paths[0], 1)
    for first in (0, 12, 24):
        assert sorted(rows.row_at(first + i) for i in range(12)) == list(range(12))


def test_workers_give_the_same_gradients(paths: list[Path]) -> None:
    torch.manual_seed(4)
    net = Net(SHAPE)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    job = Job(0, 3, 7)
    loss = HereGradients(net, [Rows(paths[0], 1)], "cpu", should_compile=False).compute(job)
    expected = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    workers = WorkerGradients(net, paths[:1], 1, 1, should_compile=False)
    for _ in range(2):
        assert workers.compute(job) == pytest.approx(loss, rel=1e-2)
        for parameter, wanted in zip(net.parameters(), expected, strict=True):
            assert parameter.grad is not None
            assert (parameter.grad - wanted).norm() < 0.03 * wanted.norm()


def test_a_worker_that_dies_ends_the_run_instead_of_waiting(paths: list[Path]) -> None:
    workers = WorkerGradients(Net(SHAPE), paths[:1], 1, 2, should_compile=False)
    workers.compute(Job(0, 0, 2))
    workers.workers[1].kill()
    with pytest.raises(WorkerLost):
        workers.compute(Job(0, 2, 2))


def test_what_is_frozen_stays_and_a_sample_has_the_same_gradient_on_average(paths: list[Path]) -> None:
    net = Net(SHAPE)
    freeze(net, "attention")
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    batch = Rows(paths[0], 1).batch(0, 4)
    torch.manual_seed(3)
    n_draws = 300
    for _ in range(n_draws):
        torch.autograd.backward(Corpus(0.5)(net, *batch) / n_draws)
    weight = net.blocks[0].attention.o.weight
    sampled = weight.grad
    net.zero_grad()
    torch.autograd.backward(Corpus()(net, *batch))
    assert sampled is not None and weight.grad is not None
    assert torch.linalg.norm(sampled - weight.grad) < 0.2 * torch.linalg.norm(weight.grad)
    for optimizer in build_optimizers(net, Plan()):
        optimizer.step()
    moved = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
    allowed = {name for name in before if ".attention." in name or name.endswith("norm.weight")}
    assert {"blocks.0.attention.o.weight", "norm.weight"} <= moved <= allowed


def test_a_mixture_has_rows_of_each_file(paths: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    np.savez(other, ids=np.full((4, 17), 9, np.uint16), kinds=np.ones((4, 17), np.uint8))
    assert mix_rows([(paths[0], 3), (other, 2)], tmp_path / "mixed.npz", 1) == 5
    with np.load(tmp_path / "mixed.npz") as mixed, np.load(paths[0]) as first:
        rows = sorted(map(tuple, mixed["ids"]))
        assert rows == sorted([*map(tuple, first["ids"][:3]), *[(9,) * 17] * 2])
