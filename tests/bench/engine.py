"""What a generated token costs: the engine alone, the same through host and client, and with n-gram drafts.

    python -m tests.bench.engine [--model FILE.gguf] [--places N] [--tokens N]

Prints one table; judges nothing. Prompts are files of this project up to a place where a line or block is to
be written, or (column "edit") with the author's block standing further up, as in an edit that repeats what is
there. The engine alone is llama.cpp's server called in this process, without HTTP. Every prompt is asked of
each in turn. What is counted is processor time of the process that computes, on one thread: on a machine that
others use as well, the clock on the wall tells of them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from lsp_server.demo.places import PACKAGE, find_places
from model.attach import HostSpec
from model.client import ModelClient
from model.engines import EngineOptions
from model.engines.llama_cpp import LlamaCpp, LlamaServer
from model.gguf import read_header
from model.protocol import GenerationOptions, SegmentKind, TokenPrompt, TokenSegment
from model.speed import running_alone
from model.store import resolve_model
from model.wire import Wire
from tests.bench.restart import FirstSlot

DRAFTS = (4, 8, 16)
PROMPT_CHARS = 2400
GREEDY = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"], "ignore_eos": True, "cache_prompt": True}


@dataclass(slots=True)
class Cost:
    """Of many answers."""

    cpu_s: float = 0.0
    n_tokens: int = 0

    @property
    def ms_per_token(self) -> float:
        return 1000 * self.cpu_s / max(1, self.n_tokens)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one way of asking made of all prompts: processor milliseconds and tokens, summed."""

    name: str
    plain: Cost
    edit: Cost


Ask = Callable[[list[int], int, Cost], None]


class Alone:
    """The engine in this process."""

    def __init__(self, model: Path, folder: Path, n_draft: int = 0) -> None:
        header = read_header(model)
        socket_path = str(folder / f"{n_draft}.sock")
        options = EngineOptions(socket_path, "", n_ctx=2048, n_slots=1, n_threads=1, ngram_draft=n_draft)
        self._engine: LlamaServer = LlamaCpp().start(header, options)
        self.wire = Wire(socket_path)

    def ask(self, ids: list[int], n_tokens: int, cost: Cost) -> None:
        """Its first call reads the prompt; the second one counts, with all but one token cached."""
        body = {**GREEDY, "prompt": ids, "id_slot": 0}
        self._complete({**body, "n_predict": 1})
        before_s = time.process_time()
        cost.n_tokens += self._complete({**body, "n_predict": n_tokens})["timings"]["predicted_n"]
        cost.cpu_s += time.process_time() - before_s

    def _complete(self, body: dict[str, object]) -> Any:
        return self._engine._server.handle_completions(body)


def through_client(client: ModelClient, loop: asyncio.AbstractEventLoop, pid: int) -> Ask:
    host = psutil.Process(pid)

    def read_cpu_s() -> float:
        used = host.cpu_times()
        return float(used.user + used.system)

    async def complete(prompt: TokenPrompt, n_tokens: int) -> int:
        async with aclosing(client.complete(prompt, GenerationOptions(n_tokens))) as pieces:
            return [piece.usage.n_generated async for piece in pieces if piece.usage][-1]

    def ask(ids: list[int], n_tokens: int, cost: Cost) -> None:
        prompt = TokenPrompt((TokenSegment(SegmentKind.PREFIX, "", "", tuple(ids)),))
        loop.run_until_complete(complete(prompt, 1))
        before_s = read_cpu_s()
        cost.n_tokens += loop.run_until_complete(complete(prompt, n_tokens))
        cost.cpu_s += read_cpu_s() - before_s

    return ask


def build_prompts(n_places: int, *, is_edit: bool) -> list[str]:
    """Up to the cursor; of an edit, the block that is about to be written stands further up already."""
    places = itertools.islice(find_places(PACKAGE), n_places)
    return [
        ((place.author + "\n\n") if is_edit else "") + place.text[: place.offset][-PROMPT_CHARS:]
        for place in places
    ]


def run(model: Path, n_places: int, n_tokens: int) -> list[Asked]:
    loop = asyncio.new_event_loop()
    spec = HostSpec(model, n_slots=1, n_threads=1)
    with tempfile.TemporaryDirectory(prefix="ew-") as name, running_alone(spec) as host:
        engines = {n_draft: Alone(model, Path(name), n_draft) for n_draft in (0, *DRAFTS)}
        client = ModelClient(FirstSlot(host.endpoint))
        ways: dict[str, Ask] = {"the engine alone": engines[0].ask}
        ways["through host and client"] = through_client(client, loop, host.pid)
        ways |= {f"drafts of {n} tokens": engines[n].ask for n in DRAFTS}
        rows = [Asked(name, Cost(), Cost()) for name in ways]
        for is_edit in (False, True):
            for text in build_prompts(n_places, is_edit=is_edit):
                ids = engines[0].wire.post("/tokenize", {"content": text})["tokens"]
                for row in rows:
                    ways[row.name](ids, n_tokens, row.edit if is_edit else row.plain)
        loop.run_until_complete(client.aclose())
        loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    return rows


def draw(model: Path, rows: Sequence[Asked]) -> Table:
    title = f"{model.name}, processor ms for a generated token, one thread"
    table = Table(title=title, title_justify="left")
    for name in ("", "code", "beside the engine", "edit", "beside the engine"):
        table.add_column(name, justify="left" if not name else "right")
    for row in rows:
        plain, edit = row.plain.ms_per_token, row.edit.ms_per_token
        of_plain, of_edit = plain / rows[0].plain.ms_per_token, edit / rows[0].edit.ms_per_token
        table.add_row(row.name, f"{plain:.3f}", f"{of_plain:.3f}", f"{edit:.3f}", f"{of_edit:.3f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="builtin", help="a model's name or a GGUF file")
    parser.add_argument("--places", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=48)
    given = parser.parse_args()
    model = resolve_model(given.model)
    Console().print(draw(model, run(model, given.places, given.tokens)))


if __name__ == "__main__":
    main()
