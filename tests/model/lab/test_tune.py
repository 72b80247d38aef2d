"""Tuning on a workspace: what is trained is what the engine runs; a cut run goes on; what helps is judged."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.families import Family
from model.fim import family
from model.lab.engine import Engine
from model.lab.export import write_gguf
from model.lab.net import Net
from model.lab.tokenizer import Tokenizer
from model.lab.tune import TunePlan, TuneRun, TuneTask, tune
from model.lab.tune_judge import Figures, Outcome
from model.lab.tune_lora import LoraShape, add_lora, lora_layers, read_lora, write_adapter
from model.lab.tune_samples import (
    SampleMaker,
    TuneFile,
    build_cases,
    build_prompt,
    build_tensors,
    split_files,
)

PLAN = TunePlan(
    minutes=10, n_time=64, n_rows=4, n_cases=12, max_steps=6, warmup_steps=2, lora=LoraShape(4, 8.0)
)


def test_an_untrained_adapter_changes_nothing(small_net: Net) -> None:
    ids = torch.randint(8, 600, (2, 24))
    with torch.no_grad():
        before = small_net(ids)
        after = add_lora(copy_of(small_net), PLAN.lora)(ids)
    assert torch.equal(before, after)


def copy_of(net: Net) -> Net:
    copied = Net(net.shape)
    copied.load_state_dict(net.state_dict())
    return copied.eval()


def disturb(net: Net) -> None:
    torch.manual_seed(8)
    for _, layer in lora_layers(net):
        torch.nn.init.normal_(layer.b, std=0.3)


def test_the_engine_computes_what_the_trained_net_does(
    small_net: Net, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Also q and k, whose rows stand in another order in the file."""
    net = add_lora(copy_of(small_net), PLAN.lora)
    disturb(net)
    write_gguf(small_net, tokenizer, tmp_path / "model.gguf", "F32")
    write_adapter(net, PLAN.lora, tmp_path / "adapter.gguf")
    ids = tokenizer.encode("def main(arguments):\n    return json.loads(arguments)\n")
    plain = Engine(tmp_path / "model.gguf", 1, 128).complete(ids, 8)
    tuned = Engine(tmp_path / "model.gguf", 1, 128, adapter=str(tmp_path / "adapter.gguf")).complete(ids, 8)
    assert tuned.ids == greedy(net, ids, 8)
    assert plain.ids == greedy(small_net, ids, 8) != tuned.ids


@torch.no_grad()
def greedy(net: Net, ids: list[int], n: int) -> tuple[int, ...]:
    found = list(ids)
    for _ in range(n):
        found.append(int(net(torch.tensor([found]))[0, -1].argmax()))
    return tuple(found[len(ids) :])


@pytest.fixture(scope="module")
def files() -> tuple[TuneFile, ...]:
    texts = [inspect.getsource(inspect), inspect.getsource(Path), inspect.getsource(torch.nn.init)]
    pieces = [text[at : at + 6000] for text in texts for at in range(0, 18_000, 6000)]
    return tuple(TuneFile(f"src/part{number}.py", piece) for number, piece in enumerate(pieces))


def test_a_file_stays_on_its_side(files: tuple[TuneFile, ...]) -> None:
    split = split_files(files)
    assert {*split.train, *split.held_out} == set(files)
    assert len(split.held_out) == 2
    fewer = split_files([file for file in files if file != split.train[-1]])
    assert set(fewer.held_out) <= set(split.held_out)


@pytest.mark.parametrize("name", ["edgewise", "edgewise-prefix"])
def test_samples_have_the_layout_that_is_asked_with(
    tokenizer: Tokenizer, files: tuple[TuneFile, ...], name: str
) -> None:
    row = family(name)
    maker = SampleMaker(tokenizer, row, "demo", 64)
    rows = next(maker.batches(files, 12, seed=1))
    has_suffix = "{suffix}" in row.file
    for sample in rows:
        assert len(sample.ids) == len(sample.weights) <= 65
        controls = [
            weight for i, weight in zip(sample.ids, sample.weights, strict=True) if is_fim(tokenizer, i)
        ]
        assert not any(controls)
        assert (sample.ids[-1] == tokenizer.end) is has_suffix
        assert sample.weights[-1] > 1
    assert rows == next(SampleMaker(tokenizer, row, "demo", 64).batches(files, 12, seed=1))
    inputs, targets, weights = build_tensors(rows, tokenizer.pad)
    assert inputs.shape == targets.shape == weights.shape
    assert not weights[targets == tokenizer.pad].any()


def is_fim(tokenizer: Tokenizer, index: int) -> bool:
    return index in (tokenizer.prefix, tokenizer.suffix, tokenizer.middle, tokenizer.file, tokenizer.repo)


def test_cases_are_lines_of_the_held_out_files(tokenizer: Tokenizer, files: tuple[TuneFile, ...]) -> None:
    cases = build_cases(files[:2], 20, "demo")
    assert len({case.name for case in cases}) == len(cases) == 20
    for case in cases:
        text = next(file.text for file in files if file.path == case.path)
        assert case.prefix + case.expected + case.suffix == text
        assert "\n" not in case.expected
        assert len(build_prompt(tokenizer, family("edgewise"), case, 128)) < 220


@pytest.fixture
def task(
    small_net: Net, tokenizer: Tokenizer, tokenizer_path: Path, files: tuple[TuneFile, ...], tmp_path: Path
) -> TuneTask:
    write_gguf(small_net, tokenizer, tmp_path / "model.gguf", "Q8_0")
    row: Family = family("edgewise")
    return TuneTask(tmp_path / "model.gguf", tokenizer_path, row, "demo", files, tmp_path / "scratch")


class Silent:
    """Collects what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.counts: dict[str, int] = {}

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[object]:
        def advance(n: int) -> None:
            self.counts[label] = self.counts.get(label, 0) + n

        yield advance


def run_steps(task: TuneTask, n_steps: int) -> TuneRun:
    run = TuneRun(task, PLAN)
    tokenizer = Tokenizer(task.tokenizer)
    maker = SampleMaker(tokenizer, task.family, task.repository, PLAN.n_time)
    resumed = run.resume()
    assert resumed is (run.step > 0)
    stop_at = run.step + n_steps

    def stop(_: int) -> None:
        if run.step >= stop_at:
            raise KeyboardInterrupt

    try:
        run.train(maker, split_files(task.files).train, tokenizer.pad, stop)
    except KeyboardInterrupt:
        assert run.checkpoint.exists()
    return run


def test_an_interrupted_run_ends_at_the_same_adapter(task: TuneTask, tmp_path: Path) -> None:
    whole = run_steps(replace(task, scratch=tmp_path / "whole"), 99)
    run_steps(task, 3)
    resumed = run_steps(task, 99)
    assert (resumed.step, resumed.n_tokens) == (whole.step, whole.n_tokens)
    assert resumed.step == PLAN.max_steps
    expected = read_lora(whole.net)
    for name, values in read_lora(resumed.net).items():
        assert torch.equal(values, expected[name])


def test_another_tasks_checkpoint_is_not_gone_on_with(task: TuneTask) -> None:
    run_steps(task, 2)
    changed = replace(task, files=(*task.files[:-1], TuneFile("src/new.py", "x = 1\n" * 50)))
    assert not TuneRun(changed, PLAN).resume()
    assert not TuneRun(task, replace(PLAN, lora=LoraShape(8, 8.0))).resume()
    assert TuneRun(task, replace(PLAN, minutes=99)).resume()
    (task.scratch / "tune.pt").write_bytes(b"damaged")
    assert not TuneRun(task, PLAN).resume()


def test_a_whole_run_learns_and_is_judged_by_the_engine(task: TuneTask) -> None:
    watcher = Silent()
    outcome = tune(task, replace(PLAN, max_steps=25, lr=0.02), watcher)
    assert outcome.losses[1] < outcome.losses[0]
    assert (outcome.n_steps, outcome.n_train_files, outcome.n_held_out_files) == (25, 7, 2)
    assert len(outcome.before.hits) == len(outcome.after.hits) == 12
    assert watcher.counts == {"training": 1000, "judging without": 12, "judging with": 12}
    assert outcome.adapter.exists()


@pytest.mark.parametrize(
    ("before", "after", "losses", "does_help"),
    [
        ("0011", "1111", (3.0, 2.9), True),
        ("0011", "0111", (3.0, 2.9), False),
        ("0011", "1101", (3.0, 2.9), False),
        ("0000", "1111", (3.0, 3.1), False),
    ],
)
def test_when_an_adapter_helps(
    before: str, after: str, losses: tuple[float, float], does_help: bool, tmp_path: Path
) -> None:
    hits = [Figures(tuple(mark == "1" for mark in marks)) for marks in (before, after)]
    outcome = Outcome(hits[0], hits[1], 8, 2, 10, 1000, 60.0, losses, tmp_path)
    assert outcome.does_help is does_help
    assert outcome.n_won - outcome.n_lost == after.count("1") - before.count("1")
