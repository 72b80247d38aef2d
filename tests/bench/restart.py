"""A host that starts again: its first answer beside a warm one, with and without the kept KV cache.

    python -m tests.bench.restart [--model FILE.gguf] [--tokens N] [--rounds N]
    python -m tests.bench.restart --tokens 4096 --shape n_layer=30,n_embd=576,n_head=9,...

Prints one table; judges nothing. A round is: a new host and the prompt (cold); the same prompt again (warm);
the host ends, another starts, and the prompt (kept); the same once more with nothing kept (lost). The
server's own client asks, for as many tokens as a usual suggestion has. Folders are of the run's own.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from model.attach import Attachment, HostSpec, attach, find_meeting
from model.calibrate import temporary_file
from model.client import ModelClient
from model.commands.measuring import parse_shape
from model.meeting import read_identity, release
from model.protocol import Endpoint, FimPrompt, GenerationOptions, Purpose, TokenPrompt
from model.shapes import write_random
from model.store import resolve_model

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "lsp_server").rglob("*.py"))
ANSWER = GenerationOptions(n_predict=16, may_keep=True)
N_WARM = 3
ROOM = 512  # behind the prompt: its tokens for the answer, and what no budget takes


@dataclass(frozen=True, slots=True)
class Answer:
    """Milliseconds from the call to the end of the answer, and what the host says was evaluated."""

    ms: float
    n_prompt: int
    n_cached: int


@dataclass(frozen=True, slots=True)
class Round:
    """`kept` and `lost` are the first answers after a restart, with the kept KV cache and without."""

    cold: Answer
    warm: Answer
    kept: Answer
    lost: Answer


class FirstSlot:
    """The endpoint of a host of our own, as the supervisor would give it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def connect(self) -> Endpoint:
        return self._endpoint

    def report_failure(self, endpoint: Endpoint) -> None:
        """A benchmark waits."""

    def find_slots(self, purpose: Purpose) -> Sequence[int]:
        return (0,)


@asynccontextmanager
async def host(spec: HostSpec, root: Path, kv_folder: Path | None) -> AsyncIterator[ModelClient]:
    """A host and a client of it; both are gone after the block."""
    meeting = find_meeting(spec, read_identity(spec.model), root)
    lease = await asyncio.to_thread(meeting.take_lease)
    attachment: Attachment = await asyncio.to_thread(attach, meeting, spec, threading.Event())
    client = ModelClient(FirstSlot(attachment.endpoint), kv_folder=kv_folder)
    try:
        yield client
        await client.aclose()
    finally:
        release(lease)
        while await asyncio.to_thread(meeting.is_host_alive):  # noqa: ASYNC110  (another process's end)
            await asyncio.sleep(0.02)


async def build_prompt(client: ModelClient, n_tokens: int) -> TokenPrompt:
    text = "\n".join([await asyncio.to_thread(path.read_text, "utf-8") for path in SOURCES])
    room = (await client.info()).n_ctx
    return await client.build_prompt(FimPrompt(text[: 8 * n_tokens], "", path="a.py"), min(n_tokens, room))


async def ask(client: ModelClient, prompt: TokenPrompt) -> Answer:
    started = time.perf_counter()
    usages = [piece.usage async for piece in client.complete(prompt, ANSWER) if piece.usage]
    ms = 1000 * (time.perf_counter() - started)
    return Answer(ms, usages[-1].n_prompt, usages[-1].n_cached)


async def run_round(spec: HostSpec, root: Path, n_tokens: int) -> Round:
    async with host(spec, root / "run", root / "kv") as client:
        prompt = await build_prompt(client, n_tokens)
        cold = await ask(client, prompt)
        warm = sorted([await ask(client, prompt) for _ in range(N_WARM)], key=lambda one: one.ms)[N_WARM // 2]
    async with host(spec, root / "run", root / "kv") as client:
        await client.build_prompt(FimPrompt("a", ""))  # learns the tokenizer: not what is measured
        kept = await ask(client, prompt)
    async with host(spec, root / "run", None) as client:
        await client.build_prompt(FimPrompt("a", ""))
        lost = await ask(client, prompt)
    return Round(cold, warm, kept, lost)


async def run(model: str, n_tokens: int, n_rounds: int) -> list[Round]:
    spec = HostSpec(resolve_model(model), n_ctx=n_tokens + ROOM, idle_exit_s=0.0)
    rounds = []
    for _ in range(n_rounds):
        with tempfile.TemporaryDirectory(prefix="ew-") as name:
            rounds.append(await run_round(spec, Path(name), n_tokens))
    return rounds


def draw(model: str, rounds: Sequence[Round]) -> Table:
    table = Table(title=f"{Path(model).name}, {len(rounds)} rounds, medians", title_justify="left")
    for name in ("answer of", "ms", "prompt tokens", "of which cached", "beside the warm one"):
        table.add_column(name, justify="left" if name.startswith("answer") else "right")
    warm_ms = statistics.median(one.warm.ms for one in rounds)
    rows = {
        "a cold host": [one.cold for one in rounds],
        "a warm host": [one.warm for one in rounds],
        "a host that started again": [one.kept for one in rounds],
        "the same without a kept KV cache": [one.lost for one in rounds],
    }
    for name, answers in rows.items():
        ms = statistics.median(answer.ms for answer in answers)
        cached = statistics.median(answer.n_cached for answer in answers)
        table.add_row(name, f"{ms:.1f}", str(answers[0].n_prompt), f"{cached:.0f}", f"{ms / warm_ms:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="builtin", help="a model's name or a GGUF file")
    parser.add_argument("--shape", help="random weights of this shape, with a context that takes the prompt")
    parser.add_argument("--tokens", type=int, default=1700, help="of the prompt")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with model_for(given.model, given.shape, given.tokens) as model:
        Console().print(draw(model, asyncio.run(run(model, given.tokens, given.rounds))))


@contextmanager
def model_for(model: str, shape: str | None, n_tokens: int) -> Iterator[str]:
    if not shape:
        yield model
        return
    asked, builtin = parse_shape(shape), resolve_model("builtin")
    with temporary_file() as path:
        n_ctx = max(8192, n_tokens + ROOM)
        write_random(path, asked.shape, asked.quant, n_ctx, lambda _: None, vocabulary=builtin)
        yield str(path)


if __name__ == "__main__":
    main()
