"""Training: one script for CPU and GPU. Cut at any minute, it goes on from its last checkpoint as if nothing
had happened.

The run is planned by the clock or by steps (`plan.py`). Matrices are trained by Muon, the rest by AdamW;
weights are float32, the arithmetic what the device is fast at. Knows nothing of files other than rows
(`samples.py`) and checkpoints.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any, TypeVar

import torch

from model.lab.distil import Corpus, Distilled, Loss
from model.lab.export import load_net, read_stored
from model.lab.gradients import Gradients, HereGradients, Job, WorkerGradients
from model.lab.held_out import losses_by_kind
from model.lab.muon import Muon
from model.lab.net import Net, Shape
from model.lab.plan import Pace, Plan, State
from model.lab.rows import Rows

T = TypeVar("T")
MOST_TIMES_USUAL = 5.0


def build_optimizers(net: Net, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for embedding and gains; what is frozen has none."""
    matrices = [p for _, p in net.named_matrices() if p.requires_grad]
    theirs = set(map(id, matrices))
    others = [p for p in net.parameters() if p.requires_grad and id(p) not in theirs]
    return [
        Muon(matrices, lr=plan.lr_matrix, weight_decay=plan.weight_decay),
        torch.optim.AdamW(others, lr=plan.lr_other, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]


def freeze(net: Net, only: str) -> None:
    """Leaves as they are all weights whose names do not hold `only`: a short run then forgets less, and its
    steps cost less. The gains of the norms are always trained.
    """
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(only in name or "norm" in name)


def check_shape(wanted: Shape, found: Shape, path: Path) -> None:
    """Two nets whose weights have the same sizes can still differ in heads or norm; the rotary base and the
    context may be changed on purpose (LOG.md), and are then learned.
    """
    differing = {
        field.name: (getattr(found, field.name), getattr(wanted, field.name))
        for field in dataclasses.fields(Shape)
        if field.name not in ("rope_base", "n_ctx")
        and not math.isclose(getattr(found, field.name), getattr(wanted, field.name), rel_tol=1e-6)
    }
    if differing:
        raise SystemExit(f"{path} is of another shape (there, here): {differing}")


class Run:
    """A net, its optimizers and its place in the data."""

    def __init__(self, folder: Path, shape: Shape, plan: Plan, device: str) -> None:
        torch.manual_seed(plan.seed)
        self.folder, self.plan, self.device = folder, plan, device
        folder.mkdir(parents=True, exist_ok=True)
        self.net = Net(shape).to(device)
        freeze(self.net, plan.train_only)
        self.optimizers = build_optimizers(self.net, plan)
        self.state = State()
        if self.checkpoint.exists():
            self.load()

    @property
    def checkpoint(self) -> Path:
        """The one file a run goes on from."""
        return self.folder / "checkpoint.pt"

    def load(self) -> None:
        """Goes on from the checkpoint."""
        self.state = State(**self.begin_with(self.checkpoint)["state"])

    def begin_with(self, checkpoint: Path) -> dict[str, Any]:
        """The weights and the optimizers' memory (a pruned net or a GGUF has none) of this or another run,
        but not how far it had come.
        """
        stored = read_stored(checkpoint, self.device)
        check_shape(self.net.shape, Shape(**stored["shape"]), checkpoint)
        self.net.load_state_dict(stored["net"])
        for optimizer, state in zip(self.optimizers, stored.get("optimizers", ()), strict=False):
            optimizer.load_state_dict(state)
        return stored

    def save(self) -> None:
        """Written beside, then renamed: a checkpoint is whole or it is the one before."""
        stored = {
            "net": self.net.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "state": dataclasses.asdict(self.state),
            "shape": dataclasses.asdict(self.net.shape),
            "plan": dataclasses.asdict(self.plan),
        }
        beside = self.checkpoint.with_suffix(".part")
        torch.save(stored, beside)
        beside.replace(self.checkpoint)

    def next_job(self, n_times: list[int]) -> Job:
        """The rows of the next step: short ones first, long ones (if there are any) in the last phase."""
        kind = len(n_times) - 1 if self.progress >= self.plan.long_from else 0
        n_rows = max(1, self.plan.n_batch_tokens // n_times[kind])
        return Job(kind, self.state.n_long if kind else self.state.n_short, n_rows)

    @property
    def progress(self) -> float:
        """How much of the plan is behind us."""
        return self.plan.progress(self.state.step, self.state.seconds)

    def step(self, gradients: Gradients, n_times: list[int]) -> float:
        """One update; returns the loss."""
        started, job = time.monotonic(), self.next_job(n_times)
        loss = gradients.compute(job)
        self.update(self.plan.rate(self.state.step, self.progress))
        self.count(job, n_times[job.kind])
        self.state.seconds += self.believe(time.monotonic() - started)
        return loss

    def believe(self, seconds: float) -> float:
        """A step that took many times the usual was stopped in between, which is no training time."""
        usual = self.state.seconds / self.state.step if self.state.step > 1 else seconds
        return min(seconds, MOST_TIMES_USUAL * usual)

    def count(self, job: Job, n_time: int) -> None:
        """Moves the place in the data."""
        self.state.n_long += job.n_rows if job.kind else 0
        self.state.n_short += 0 if job.kind else job.n_rows
        self.state.step += 1
        self.state.n_tokens += job.n_rows * n_time

    def update(self, rate: float) -> None:
        """One step of each optimizer at a share of its learning rate."""
        for optimizer, lr in zip(self.optimizers, (self.plan.lr_matrix, self.plan.lr_other), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = lr * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def write_log(run: Run, **values: object) -> None:
    """One line of the log, as JSON, in the file and on the screen."""
    state = {
        "step": run.state.step,
        "tokens": run.state.n_tokens,
        "minutes": round(run.state.seconds / 60, 2),
    }
    line = json.dumps(state | values)
    print(line, flush=True)
    with (run.folder / "log.jsonl").open("a") as log:
        log.write(line + "\n")


def train(run: Run, gradients: Gradients, n_times: list[int], held: Rows, pace: Pace) -> None:
    """Steps until the plan is done; a checkpoint every few minutes and at the end."""
    saved = marked = time.monotonic()
    losses: list[float] = []
    while run.progress < 1.0:
        losses.append(run.step(gradients, n_times))
        now = time.monotonic()
        if run.state.step % pace.log_every == 0:
            rate = len(losses) * run.plan.n_batch_tokens / (now - marked)
            write_log(run, loss=round(sum(losses) / len(losses), 4), tokens_per_s=round(rate))
            losses, marked = [], now
        if run.state.step % pace.eval_every == 0:
            write_log(run, held_out=losses_by_kind(run.net, held, pace.eval_rows, run.device))
            losses, marked = [], time.monotonic()
        if now - saved > pace.save_every_s:
            run.save()
            saved = now
    run.save()
    write_log(run, held_out=losses_by_kind(run.net, held, 4 * pace.eval_rows, run.device), done=True)


def build_loss(teacher: Path | None, share: float, device: str, context_share: float = 1.0) -> Loss:
    """The corpus alone, or beside it a teacher that learns no more."""
    if teacher is None:
        return Corpus(context_share)
    return Distilled(load_net(teacher).requires_grad_(False).to(device), share, context_share)


def build_gradients(
    run: Run, paths: list[Path], n_workers: int, loss: Loss, *, should_compile: bool
) -> Gradients:
    """Workers if there are to be any."""
    if n_workers:
        torch.set_num_threads(1)  # the optimizers' threads would wait for each other as the workers' would
        return WorkerGradients(
            run.net, paths, run.plan.seed, n_workers, should_compile=should_compile, loss=loss
        )
    rows = [Rows(path, run.plan.seed) for path in paths]
    return HereGradients(run.net, rows, run.device, should_compile=should_compile, loss=loss)


def add_fields(parser: argparse.ArgumentParser, *kinds: type) -> None:
    """An option for every field of some dataclasses."""
    for kind in kinds:
        for field in dataclasses.fields(kind):
            parser.add_argument(
                "--" + field.name.replace("_", "-"), type=type(field.default), default=field.default
            )


def pick(kind: type[T], args: argparse.Namespace) -> T:
    """A dataclass from its options."""
    return kind(**{field.name: getattr(args, field.name) for field in dataclasses.fields(kind)})  # type: ignore[arg-type]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the checkpoint and the log")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--long-rows", type=Path, help="rows of the last phase")
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument(
        "--begin-with", type=Path, help="checkpoint of another run, or .gguf, whose weights to start from"
    )
    parser.add_argument("--teacher", type=Path, help="checkpoint or .gguf to learn from beside the corpus")
    parser.add_argument("--teacher-share", type=float, default=0.5, help="of the loss")
    parser.add_argument(
        "--context-share", type=float, default=1.0, help="of the plain targets whose loss is computed"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        help="processes that compute gradients, one a core; 0: this one, all cores",
    )
    parser.add_argument("--compile", action="store_true")
    add_fields(parser, Shape, Plan, Pace)
    args = parser.parse_args()
    run = Run(args.run, pick(Shape, args), pick(Plan, args), args.device)
    if args.begin_with and not run.checkpoint.exists():
        run.begin_with(args.begin_with)
    paths = [args.rows, *([args.long_rows] if args.long_rows else [])]
    n_times = [Rows(path, run.plan.seed).n_time for path in paths]
    write_log(run, parameters=run.net.n_parameters(), workers=args.workers, n_times=n_times)
    loss = build_loss(args.teacher, args.teacher_share, args.device, args.context_share)
    gradients = build_gradients(run, paths, args.workers, loss, should_compile=args.compile)
    train(run, gradients, n_times, Rows(args.held_out, run.plan.seed), pick(Pace, args))


if __name__ == "__main__":
    main()
