"""Tunes a model file made by the lab on one workspace: trains an adapter, judges it on files it never saw.

Runs in the process of `edgewise model tune`, at a low priority and with one core left to the user. A run that
was cut goes on from its checkpoint. Must not know folders, ignore rules or where adapters are installed.
"""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from model.families import Family
from model.lab.arithmetic import fast_arithmetic
from model.lab.export import read_gguf_net
from model.lab.net import Net, weighted_sum
from model.lab.tokenizer import Tokenizer
from model.lab.tune_judge import Advance, Judge, Outcome, Watcher
from model.lab.tune_lora import LoraShape, add_lora, load_lora, lora_layers, read_lora, write_adapter
from model.lab.tune_samples import (
    SampleMaker,
    Split,
    TuneFile,
    build_cases,
    build_prompt,
    build_tensors,
    split_files,
)

PROBE_SHARE = 0.1  # of the files that are trained on: they tell when learning turns into learning by heart
N_PROBES, PATIENCE = 16, 3
SAVE_EVERY_S = 20.0


@dataclass(frozen=True)
class TunePlan:
    """How long and how fast an adapter learns, and on how many lines it is judged."""

    minutes: float = 8.0
    n_time: int = 256
    n_rows: int = 8
    lr: float = 4e-3
    warmup_steps: int = 10
    n_cases: int = 200
    n_threads: int = 1
    seed: int = 1
    max_steps: int = 0  # 0: the clock alone decides
    lora: LoraShape = field(default_factory=LoraShape)

    def progress(self, step: int, seconds: float) -> float:
        by_steps = step / self.max_steps if self.max_steps else 0.0
        return min(1.0, max(by_steps, seconds / (60 * self.minutes)))

    def rate(self, step: int, progress: float) -> float:
        """Warm-up, then a cosine to a tenth."""
        decay = 0.1 + 0.45 * (1 + math.cos(math.pi * progress))
        return self.lr * min(decay, (step + 1) / self.warmup_steps)


@dataclass(frozen=True)
class TuneTask:
    """What is tuned on what. `scratch` is a folder of this task's own, kept when a run is cut."""

    model: Path
    tokenizer: Path
    family: Family
    repository: str
    files: tuple[TuneFile, ...]
    scratch: Path

    def identify(self, plan: TunePlan) -> str:
        """Changes when anything changes that a checkpoint depends on; but not with the time that is left."""
        digest = hashlib.sha256(
            json.dumps([asdict(plan) | {"minutes": 0, "n_threads": 0, "n_cases": 0}]).encode()
        )
        digest.update(f"{self.model}\0{self.model.stat().st_size}\0{self.family.name}".encode())
        for file in self.files:
            digest.update(f"\0{file.path}\0{file.text}".encode("utf-8", "replace"))
        return digest.hexdigest()


def read_copy(net: Net) -> dict[str, torch.Tensor]:
    return {name: values.clone() for name, values in read_lora(net).items()}


class TuneRun:
    """The net with its adapter, its optimizer, and how far it has come."""

    def __init__(self, task: TuneTask, plan: TunePlan) -> None:
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.n_threads)
        self.task, self.plan = task, plan
        self.net: Net = add_lora(read_gguf_net(task.model), plan.lora).train()
        weights = [weight for _, layer in lora_layers(self.net) for weight in (layer.a, layer.b)]
        self.optimizer = torch.optim.AdamW(weights, lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.01)
        self.step, self.seconds, self.n_tokens = 0, 0.0, 0
        self.best, self.best_loss, self.n_worse = read_copy(self.net), math.inf, 0
        self._key = task.identify(plan)
        task.scratch.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        return self.task.scratch / "tune.pt"

    @property
    def progress(self) -> float:
        """Also done when it only gets worse."""
        return 1.0 if self.n_worse >= PATIENCE else self.plan.progress(self.step, self.seconds)

    def keep_best(self, loss: float) -> None:
        """The adapter that knows unseen files best is the one that is judged."""
        is_better = loss < self.best_loss
        self.n_worse = 0 if is_better else self.n_worse + 1
        if is_better:
            self.best, self.best_loss = read_copy(self.net), loss

    def resume(self) -> bool:
        """Goes on from a checkpoint of this very task, if there is one; another one's is left alone."""
        if not self.checkpoint.exists():
            return False
        try:
            stored: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, ValueError, OSError, KeyError, pickle.UnpicklingError):
            return False  # damaged: begin anew
        if stored["key"] != self._key:
            return False
        load_lora(self.net, stored["lora"])
        self.optimizer.load_state_dict(stored["optimizer"])
        self.step, self.seconds, self.n_tokens = stored["step"], stored["seconds"], stored["n_tokens"]
        self.best, self.best_loss, self.n_worse = stored["best"], stored["best_loss"], stored["n_worse"]
        return True

    def save(self) -> None:
        """Written beside, then renamed."""
        stored = {
            "key": self._key, "lora": read_lora(self.net), "optimizer": self.optimizer.state_dict(),
            "step": self.step, "seconds": self.seconds, "n_tokens": self.n_tokens,
            "best": self.best, "best_loss": self.best_loss, "n_worse": self.n_worse,
        }  # fmt: skip
        beside = self.checkpoint.with_suffix(".part")
        torch.save(stored, beside)
        beside.replace(self.checkpoint)

    def train(self, maker: SampleMaker, files: Sequence[TuneFile], pad: int, advance: Advance) -> None:
        """Until the plan is done. Ctrl-C leaves a checkpoint. `advance` counts thousandths of the run."""
        sides = split_files(files, PROBE_SHARE)
        batches = maker.batches(sides.train, self.plan.n_rows, self.plan.seed)
        for _ in range(self.step):
            next(batches)
        shown, saved, probed = 0, time.monotonic(), int(N_PROBES * self.progress)
        try:
            while self.progress < 1:
                shown += self._show(shown, advance)
                self.learn(*build_tensors(next(batches), pad))
                if int(N_PROBES * self.progress) > probed:
                    probed = int(N_PROBES * self.progress)
                    self.keep_best(self.measure_loss(maker, sides.held_out, pad))
                if time.monotonic() - saved > SAVE_EVERY_S:
                    self.save()
                    saved = time.monotonic()
        finally:
            self.save()
        load_lora(self.net, self.best)
        self._show(shown, advance)

    def _show(self, shown: int, advance: Advance) -> int:
        n_more = int(1000 * self.progress) - shown
        advance(n_more)
        return n_more

    def learn(self, inputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> None:
        """One update."""
        started = time.monotonic()
        with fast_arithmetic("cpu"):
            loss = weighted_sum(self.net, inputs, targets, weights) / weights.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(self.step, self.progress)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.n_tokens += inputs.numel()
        self.seconds += time.monotonic() - started

    @torch.no_grad()
    def measure_loss(self, maker: SampleMaker, files: Sequence[TuneFile], pad: int) -> float:
        """Mean loss on held-out files, always of the same samples."""
        total = weight = 0.0
        batches = maker.batches(files, 8, seed=0)
        for _ in range(4):
            inputs, targets, weights = build_tensors(next(batches), pad)
            total += float(weighted_sum(self.net, inputs, targets, weights))
            weight += float(weights.sum())
        return total / max(weight, 1.0)


def tune(task: TuneTask, plan: TunePlan, watcher: Watcher) -> Outcome:
    """Trains and judges. Raises nothing of its own; the caller has checked that there is enough to learn."""
    split, tokenizer = split_files(task.files), Tokenizer(task.tokenizer)
    maker = SampleMaker(tokenizer, task.family, task.repository, plan.n_time)
    run = TuneRun(task, plan)
    loss_before = run.measure_loss(maker, split.held_out, tokenizer.pad)
    if run.resume():
        watcher.say(f"Going on from {100 * run.progress:.0f} % of an earlier run.")
    with watcher.track("training", 1000) as advance:
        run.train(maker, split.train, tokenizer.pad, advance)
    adapter = task.scratch / "adapter.gguf"
    write_adapter(run.net, plan.lora, adapter)
    losses = (loss_before, run.measure_loss(maker, split.held_out, tokenizer.pad))
    before, after = build_judge(task, plan, split, tokenizer).compare(adapter, watcher)
    return Outcome(
        before,
        after,
        len(split.train),
        len(split.held_out),
        run.step,
        run.n_tokens,
        run.seconds,
        losses,
        adapter,
    )


def build_judge(task: TuneTask, plan: TunePlan, split: Split, tokenizer: Tokenizer) -> Judge:
    """Lines of the held-out files, asked as the server asks."""
    cases = build_cases(split.held_out, plan.n_cases, task.repository)
    prompts = [build_prompt(tokenizer, task.family, case, plan.n_time) for case in cases]
    return Judge(task.model, plan.n_threads, cases, prompts)
