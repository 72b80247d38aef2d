"""Keystrokes on a quiet machine and while another program takes a core: ours, and the engine as it comes.

    python -m tests.bench.contention [--model FILE.gguf] [--requests N] [--cores N] [--ours]

Prints one table; judges nothing. Each request is what a keystroke asks for: the prompt of before and two
tokens more, and a suggestion of 16 tokens. "As it comes" is one thread for each core, and waiting threads
that spin. The figures of one engine come from one host, quiet and busy in turns, so that what else the
machine does falls on both.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.demo.screen import percentile
from model.attach import HostSpec
from model.gguf import read_header
from model.hardware import count_cores
from model.speed import choose_ids, running_alone
from model.store import resolve_model
from model.wire import Wire

N_PROMPT = 200
N_TYPED = 2
N_GENERATED = 16
N_TURNS = 4
SETTLE_S = 5.0  # the host looks once a second, and needs a few looks
TIMEOUT_S = 300.0  # an engine that spins beside others has taken more than 30 s for 16 tokens
BUSY_LOOP = "while True: pass"


@dataclass(frozen=True, slots=True)
class Row:
    """One engine: milliseconds of each request."""

    name: str
    quiet_ms: Sequence[float]
    busy_ms: Sequence[float]


@contextmanager
def taken_cores(n_cores: int) -> Iterator[None]:
    """Other programs that never rest."""
    programs = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(n_cores)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


@contextmanager
def spinning() -> Iterator[None]:
    """Hosts that are started inside of the block wait as OpenMP does by default."""
    os.environ["OMP_WAIT_POLICY"] = "active"
    try:
        yield
    finally:
        del os.environ["OMP_WAIT_POLICY"]


def type_on(wire: Wire, ids: range, n: int, seed: int) -> list[float]:
    """Milliseconds of each of `n` keystrokes; the prompt before them is evaluated first, untimed."""
    drawn = random.Random(seed)
    prompt = [drawn.choice(ids) for _ in range(N_PROMPT)]
    took_ms = []
    _ask(wire, prompt, 1)
    for _ in range(n):
        prompt += [drawn.choice(ids) for _ in range(N_TYPED)]
        started = time.perf_counter()
        _ask(wire, prompt, N_GENERATED)
        took_ms.append(1000 * (time.perf_counter() - started))
    return took_ms


def _ask(wire: Wire, prompt: list[int], n_predict: int) -> None:
    greedy = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}
    body = {"prompt": prompt, "id_slot": 0, "n_predict": n_predict, "ignore_eos": True, "cache_prompt": True}
    wire.post("/completion", {**greedy, **body})


def measure(name: str, spec: HostSpec, n_requests: int, n_cores: int) -> Row:
    ids = choose_ids(read_header(spec.model))
    quiet_ms: list[float] = []
    busy_ms: list[float] = []
    with running_alone(spec) as attachment:
        endpoint = attachment.endpoint
        wire = Wire(endpoint.socket_path, endpoint.base_url, endpoint.api_key, TIMEOUT_S)
        for turn in range(N_TURNS):
            time.sleep(SETTLE_S)
            quiet_ms += type_on(wire, ids, n_requests // N_TURNS, turn)
            with taken_cores(n_cores):
                time.sleep(SETTLE_S)
                busy_ms += type_on(wire, ids, n_requests // N_TURNS, turn + N_TURNS)
    return Row(name, quiet_ms, busy_ms)


def run(model: Path, n_requests: int, n_cores: int, *, is_ours_only: bool = False) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ew-") as cache:
        ours = measure("edgewise", HostSpec(model, n_slots=2, cache_dir=cache), n_requests, n_cores)
    if is_ours_only:
        return [ours]
    plain = HostSpec(model, n_slots=2, n_threads=count_cores())
    with spinning():
        return [ours, measure("the engine as it comes", plain, n_requests, n_cores)]


def draw(model: Path, rows: Sequence[Row], n_cores: int) -> Table:
    title = f"{model.name}, a keystroke in ms, {n_cores} of {count_cores()} cores taken or none"
    table = Table(title=title, title_justify="left")
    for name in ("", "quiet p50", "p95", "busy p50", "p95", "p95 busy / quiet"):
        table.add_column(name, justify="left" if not name else "right")
    for row in rows:
        figures = [percentile(list(ms), share) for ms in (row.quiet_ms, row.busy_ms) for share in (50, 95)]
        table.add_row(row.name, *(f"{value:.0f}" for value in figures), f"{figures[3] / figures[1]:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="builtin", help="a model's name or a GGUF file")
    parser.add_argument("--requests", type=int, default=80, help="of each kind")
    parser.add_argument("--cores", type=int, default=1, help="that are taken")
    parser.add_argument("--ours", action="store_true", help="leave out the engine as it comes")
    given = parser.parse_args()
    if given.requests < N_TURNS:
        parser.error(f"--requests must be at least {N_TURNS}")
    model = resolve_model(given.model)
    rows = run(model, given.requests, given.cores, is_ours_only=given.ours)
    Console().print(draw(model, rows, given.cores))


if __name__ == "__main__":
    main()
