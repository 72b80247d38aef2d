"""Where gradients come from: this process (a GPU, a test), or one worker process a core.

On a CPU that others use too, threads that meet after every operation wait for whichever was last to get its
core: measured here, a quarter of one core taken by another program cut 5,200 tokens/s to 1,770. Workers meet
once a step, and each takes the next few rows when it has time, so a slowed core only does less. Rows and
steps are the same either way; sums may differ in their last bits.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, multiprocessing

from model.lab.arithmetic import fast_arithmetic
from model.lab.distil import Corpus, Loss
from model.lab.net import Net
from model.lab.rows import Rows

LOOK_EVERY_S = 2.0
N_TOKENS = 1024  # that a worker takes at a time: the logits of more would leave the cache


@dataclass(frozen=True)
class Job:
    """Some rows: `kind` is the index of the file they are in."""

    kind: int
    position: int
    n_rows: int


class Gradients(Protocol):
    """Fills `.grad` of every parameter with the gradient of the mean weighted loss of a job's rows."""

    def compute(self, job: Job) -> float:
        """Returns that loss."""
        ...


class HereGradients:
    """In this process, on one device."""

    def __init__(
        self,
        net: Net,
        rows: list[Rows],
        device: str,
        *,
        should_compile: bool,
        loss: Loss = Corpus(),  # noqa: B008 - frozen
    ) -> None:
        self.net, self.rows, self.device = net, rows, device
        self.loss: Any = torch.compile(loss, dynamic=False) if should_compile else loss

    def compute(self, job: Job) -> float:
        """One forward and backward pass."""
        batch = [t.to(self.device) for t in self.rows[job.kind].batch(job.position, job.n_rows)]
        with fast_arithmetic(self.device):
            loss: Tensor = self.loss(self.net, *batch) / batch[2].sum().clamp(min=1.0)
        torch.autograd.backward(loss)
        return float(loss.detach())


@dataclass
class Shared:
    """What coordinator and workers both see."""

    net: Net
    loss: Loss
    gradients: list[list[Tensor]]  # by worker, by parameter
    sums: Tensor  # by worker: loss, weight
    job: Tensor  # kind, position, rows, the next row to take
    lock: Any
    starts: list[Semaphore]  # by worker
    done: Semaphore


def take_rows(shared: Shared, n_wanted: int) -> Job | None:
    """The next rows of the job, or None when all are taken."""
    with shared.lock:
        kind, position, n_rows, taken = shared.job.tolist()
        n_rows = min(n_wanted, n_rows - taken)
        shared.job[3] = taken + n_rows
    return Job(kind, position + taken, n_rows) if n_rows > 0 else None


def leave_with_parent() -> None:
    """Ends this worker when the coordinator is gone, killed or not."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def work(rank: int, shared: Shared, paths: list[Path], seed: int, *, should_compile: bool) -> None:
    """A worker: waits for a job, takes a few rows at a time, adds up their gradients; for ever."""
    threading.Thread(target=leave_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    rows = [Rows(path, seed) for path in paths]
    loss_of: Any = torch.compile(shared.loss, dynamic=False) if should_compile else shared.loss
    for parameter, gradient in zip(shared.net.parameters(), shared.gradients[rank], strict=True):
        parameter.grad = gradient
    while True:
        shared.starts[rank].acquire()
        while job := take_rows(shared, max(1, N_TOKENS // rows[int(shared.job[0])].n_time)):
            inputs, targets, weights = rows[job.kind].batch(job.position, job.n_rows)
            with fast_arithmetic("cpu"):
                loss: Tensor = loss_of(shared.net, inputs, targets, weights)
            torch.autograd.backward(loss / N_TOKENS)
            shared.sums[rank] += torch.tensor([float(loss.detach()), float(weights.sum())])
        shared.done.release()


class WorkerLost(Exception):
    """A worker is gone; the checkpoint is not."""


def shared_zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Zeros that other processes see."""
    zeros: Tensor = torch.zeros(*shape, dtype=dtype).share_memory_()  # type: ignore[no-untyped-call]
    return zeros


class WorkerGradients:
    """From worker processes that share the weights; the caller's process only adds up."""

    def __init__(
        self,
        net: Net,
        paths: list[Path],
        seed: int,
        n_workers: int,
        *,
        should_compile: bool,
        loss: Loss = Corpus(),  # noqa: B008 - frozen
    ) -> None:
        context = multiprocessing.get_context("spawn")
        net.share_memory()
        gradients = [[shared_zeros(*p.shape) for p in net.parameters()] for _ in range(n_workers)]
        sums, job = shared_zeros(n_workers, 2), shared_zeros(4, dtype=torch.int64)
        self.net = net
        starts = [context.Semaphore(0) for _ in range(n_workers)]
        self.shared = Shared(net, loss, gradients, sums, job, context.Lock(), starts, context.Semaphore(0))
        options = {"should_compile": should_compile}
        self.workers = [
            context.Process(target=work, args=(r, self.shared, paths, seed), kwargs=options, daemon=True)
            for r in range(n_workers)
        ]
        for worker in self.workers:
            worker.start()

    def compute(self, job: Job) -> float:
        """Lets the workers do a job, then sums what they have."""
        shared = self.shared
        shared.sums.zero_()
        shared.job.copy_(torch.tensor([job.kind, job.position, job.n_rows, 0]))
        for start in shared.starts:
            start.release()
        for _ in self.workers:
            self.wait_for_one()
        loss, weight = shared.sums.sum(0).tolist()
        scale = N_TOKENS / max(weight, 1.0)
        for parameter, *parts in zip(self.net.parameters(), *shared.gradients, strict=True):
            if not parameter.requires_grad:
                continue
            parameter.grad = torch.stack(parts).sum(0).mul_(scale)
            for part in parts:
                part.zero_()
        return float(loss / max(weight, 1.0))

    def wait_for_one(self) -> None:
        """Until a worker is done. No deadline, since a run may be stopped for an hour and go on; but a worker
        that is gone is not waited for.
        """
        while not self.shared.done.acquire(timeout=LOOK_EVERY_S):
            if not all(worker.is_alive() for worker in self.workers):
                raise WorkerLost("A worker ended: start the run again, it goes on from its checkpoint.")
