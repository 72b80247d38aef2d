"""What a prefill costs that nobody waits for any more: how much later the next request begins, by batch size.

    python -m tests.bench.cancel [--model FILE.gguf | --shape NAME] [--rounds N] [--batches 8,32,128]

Prints one table; judges nothing. A long prompt is posted and given up at a random moment (its connection is
closed, as the client does); a short one follows at once in the same slot. Its time, less the median of the
same request on an idle engine, is what the cancelled one cost: the rest of the batch that was in work. The
row with the star is the batch that a host chooses from the measured speed.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.commands.bench import settings_for
from lsp_server.demo.screen import percentile
from model.engines import EngineOptions
from model.engines.llama_cpp import LlamaCpp
from model.fit import choose_batch, choose_limit_ms, guess_prompt_per_s
from model.gguf import GgufHeader, read_header
from model.hardware import choose_n_threads
from model.speed import Workload, choose_ids, measure
from model.store import resolve_model
from model.wire import Wire

N_CTX = 2048
N_LONG = N_CTX - 64
N_SHORT = 4
N_SPEED = 128
PREFILL_S = (0.3, 1.0)  # of the long prompt before it is given up, as shares of a second or of its length
GIVEN_UP = {"stream": True, "return_progress": True}  # as the client asks
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Row:
    """One batch size: milliseconds that each cancelled prefill cost."""

    n_batch: int
    prompt_per_s: float
    cost_ms: Sequence[float]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine in this process, and what may be asked of it."""

    socket_path: str
    wire: Wire
    ids: range

    def ask(self, drawn: random.Random) -> float:
        """Milliseconds of a short prompt that is not cached, and one token."""
        prompt = [drawn.choice(self.ids) for _ in range(N_SHORT)]
        started = time.perf_counter()
        self.wire.post("/completion", {"prompt": prompt, "id_slot": 0, "n_predict": 1, "cache_prompt": True})
        return 1000 * (time.perf_counter() - started)

    def give_up(self, drawn: random.Random, after_s: float) -> None:
        """A long prompt whose client goes away."""
        prompt = [drawn.choice(self.ids) for _ in range(N_LONG)]
        body = json.dumps({"prompt": prompt, "id_slot": 0, "n_predict": 1, **GIVEN_UP}).encode()
        head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.socket_path)
            connection.sendall(head.encode() + body)
            time.sleep(after_s)


@contextmanager
def running(header: GgufHeader, n_batch: int) -> Iterator[Engine]:
    n_threads = choose_n_threads(0, header.size_bytes)
    with tempfile.TemporaryDirectory(prefix="ew-") as folder:
        path = str(Path(folder) / "e.sock")
        options = EngineOptions(path, "", n_ctx=N_CTX, n_slots=1, n_threads=n_threads, n_batch=n_batch)
        server = LlamaCpp().start(header, options)
        yield Engine(path, Wire(path, "http://localhost", "", TIMEOUT_S), choose_ids(header))
        del server


def measure_batch(header: GgufHeader, n_batch: int, n_rounds: int, *, is_chosen: bool) -> Row:
    drawn = random.Random(n_batch)
    with running(header, n_batch) as engine:
        engine.ask(drawn)  # reads pages of the weights that were never touched
        speed = measure(engine.wire, Workload(engine.ids, N_SPEED, 2, 0, seed=n_batch))
        usual_ms = statistics.median(engine.ask(drawn) for _ in range(n_rounds))
        costs = []
        for _ in range(n_rounds):
            whole_s = N_LONG / speed.prompt_per_s
            engine.give_up(drawn, min(1.0, whole_s / 2) * drawn.uniform(*PREFILL_S))
            costs.append(max(0.0, engine.ask(drawn) - usual_ms))
    return Row(n_batch, speed.prompt_per_s, costs, is_chosen)


def run(model: Path, batches: Sequence[int], n_rounds: int) -> list[Row]:
    header = read_header(model)
    n_threads = choose_n_threads(0, header.size_bytes)
    guessed = choose_batch(guess_prompt_per_s(header.size_bytes, n_threads), header.size_bytes)
    with running(header, guessed) as engine:
        engine.ask(random.Random(0))
        speed = measure(engine.wire, Workload(engine.ids, N_SPEED, 2, 0, seed=0))
    chosen = choose_batch(speed.prompt_per_s, header.size_bytes)
    return [
        measure_batch(header, n_batch, n_rounds, is_chosen=n_batch == chosen)
        for n_batch in sorted({*batches, chosen})
    ]


def draw(model: Path, rows: Sequence[Row]) -> Table:
    limit_ms = choose_limit_ms(model.stat().st_size)
    title = f"{model.name}: a cancelled prefill, ms until the next request begins; at most {limit_ms:.0f}"
    table = Table(title=title, title_justify="left")
    for name in ("batch", "prompt tokens/s", "p50", "p95", "worst"):
        table.add_column(name, justify="right")
    for row in rows:
        costs = list(row.cost_ms)
        figures = (percentile(costs, 50), percentile(costs, 95), max(costs))
        name = f"{row.n_batch}{' *' if row.is_chosen else ''}"
        table.add_row(name, f"{row.prompt_per_s:.0f}", *(f"{value:.0f}" for value in figures))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="builtin", help="a model's name or a GGUF file")
    parser.add_argument("--shape", help="random weights of a catalogue model's shape")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batches", default="8,32,128,512", help="beside the one that a host chooses")
    given = parser.parse_args()
    batches = [int(number) for number in given.batches.split(",") if number]
    with settings_for(None if given.shape else given.model, given.shape) as settings:
        model = resolve_model(settings.model.name)
        Console().print(draw(model, run(model, batches, given.rounds)))


if __name__ == "__main__":
    main()
