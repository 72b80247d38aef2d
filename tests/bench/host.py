"""What an engine host costs a user: how soon it is ready, how fast it reads and writes, what memory it takes.

    python -m tests.bench.host [--model M] [--rounds N] [--threads N]

Prints one table; judges nothing. Each round starts a real host of its own and asks it over its socket, as the
server does: a prompt of which nothing is cached, then a generation. "Ready" is from the start of the process
to the answer of the first question, two tokens long.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from model import store
from model.attach import HostSpec
from model.gguf import read_header
from model.speed import Speed, Workload, choose_ids, connect, measure, running_alone

N_PROMPT, N_GENERATED = 1024, 64


@dataclass(frozen=True, slots=True)
class Round:
    """One host: seconds until it had answered, then what it did."""

    ready_s: float
    speed: Speed


def run(model: Path, n_rounds: int, n_threads: int) -> list[Round]:
    spec = HostSpec(model, n_slots=4, n_threads=n_threads)
    ids = choose_ids(read_header(model))
    rounds = []
    for seed in range(n_rounds):
        started = time.perf_counter()
        with running_alone(spec) as attachment:
            wire = connect(attachment.endpoint)
            measure(wire, Workload(ids, 2, 2, seed=-1))
            ready_s = time.perf_counter() - started
            asked = Workload(ids, N_PROMPT, N_GENERATED, seed=seed)
            rounds.append(Round(ready_s, measure(wire, asked, attachment.pid)))
    return rounds


def draw(model: Path, rounds: Sequence[Round]) -> Table:
    title = f"{model.stem}: {len(rounds)} hosts, {N_PROMPT} prompt and {N_GENERATED} generated tokens"
    table = Table(title=title, title_justify="left")
    for name in ("", "best", "median", "worst"):
        table.add_column(name, justify="right")
    figures = (
        ("ready, s", [one.ready_s for one in rounds], min, max, ".2f"),
        ("prompt tokens/s", [one.speed.prompt_per_s for one in rounds], max, min, ".0f"),
        ("generated tokens/s", [one.speed.generated_per_s for one in rounds], max, min, ".0f"),
        ("resident, MB", [one.speed.resident_mb for one in rounds], min, max, ".0f"),
    )
    for name, values, best, worst, form in figures:
        table.add_row(name, *(format(value, form) for value in (best(values), median(values), worst(values))))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="builtin", help="name or file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="0: what a host takes by itself")
    options = parser.parse_args()
    model = store.resolve_model(options.model)
    Console(width=100).print(draw(model, run(model, options.rounds, options.threads)))


if __name__ == "__main__":
    main()
