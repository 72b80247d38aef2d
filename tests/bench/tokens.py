"""How many tokens would be evaluated while traces are typed, without an engine that computes.

    python -m tests.bench.tokens [--dir DIR] [--seeds 1,2,3,4] [--keystrokes N] [--budget N] [--rival]

Prints one table; judges nothing. The pipeline of the server key by key on the real index, with a real host
for its tokenizer alone: of each prompt a slot has what it was given before. Nothing is timed and nothing is
shown, so two commits can be compared on one folder, whatever else runs. Suggestions would answer about half
of the keys: the share that is reused is higher here than in `edgewise bench`, the tokens are the same.

With `--rival` llama.vim's strategy types the same keys, each after all that the one before it asked for is
done: what it asks for where the machine is quicker than any typist. Its answers count, so an engine computes
them, and a relay counts what it evaluates.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.bench.contenders import Scene, Straight
from lsp_server.bench.keys import Script
from lsp_server.bench.plan import plan
from lsp_server.bench.replay import Bench, TimedDesk, open_straight
from lsp_server.bench.rivals import LlamaVim
from lsp_server.bench.room import open_room, own_folders
from lsp_server.bench.run import fixed
from lsp_server.bench.snapshot import unpack_snapshot
from lsp_server.commands.bench import settings_for
from model.desks import Desks
from model.fit import Fit
from model.protocol import FimPrompt, GenerationOptions, Piece, Shown
from model.sequences import count_common

UNTIMED = {"timeout_ms": 20_000, "search_deadline_ms": 2000}
FIT = Fit(1, 2500.0, 300.0)  # what the host does not measure


@dataclass(slots=True)
class Slots:
    """What an engine would have, and what it would evaluate."""

    n_slots: int
    n_evaluated: int = 0
    n_reused: int = 0
    n_prompts: int = 0
    n_whole: int = 0  # prompts of which less than half was there
    desks: Desks = field(default_factory=Desks)
    held: dict[int, Sequence[int]] = field(default_factory=dict)

    def post(self, ids: Sequence[int]) -> None:
        slot = self.desks.choose(ids, range(self.n_slots))
        self.desks.note(slot, ids)
        n_there = min(count_common(self.held.get(slot, ()), ids), len(ids) - 1)
        self.held[slot] = ids
        self.n_prompts += 1
        self.n_reused += n_there
        self.n_evaluated += len(ids) - n_there
        self.n_whole += 2 * n_there < len(ids)


@contextmanager
def untimed_bench(folder: Path | None, n_keys: int, seed: int, budget: int) -> Iterator[Bench]:
    with settings_for(None, None) as settings, tempfile.TemporaryDirectory(prefix="ew-") as name:
        completion = settings.completion.model_copy(update={**UNTIMED, "prompt_tokens": budget})
        settings = settings.model_copy(update={"model": fixed(settings.model), "completion": completion})
        folder = folder.resolve() if folder else unpack_snapshot(Path(name, "snapshot"))
        scripts = plan(folder, Path(name, "workspace"), n_keys, seed)
        yield Bench(Path(name, "workspace"), Path(name), settings, scripts, FIT)


async def count(bench: Bench, slots: Slots) -> None:
    with own_folders(bench.scratch / "own"):
        async with open_straight(bench, is_counted=False) as straight:
            client, budget = straight.room.client, bench.settings.completion.prompt_tokens
            await client.build_prompt(FimPrompt("a = 1\n", ""))  # the model's layout is known from now on

            async def generate(prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
                slots.post((await client.build_prompt(prompt, budget)).ids)
                yield Piece("", stop_reason="eos")

            async def measure(prompt: FimPrompt, budget_tokens: int) -> Shown:
                return (await client.build_prompt(prompt, budget_tokens)).shown

            straight.ports = replace(straight.ports, generate=generate, measure=measure)
            for script in bench.scripts:
                await type_script(straight, script)


async def type_script(straight: Straight, script: Script) -> None:
    text = script.start
    for key in script.keys:
        text = key.applied(text)
        if not key.is_jump:
            await straight.suggest(Scene(0, script.path, text, key.cursor))


async def count_rival(bench: Bench) -> int:
    with own_folders(bench.scratch / "rival"):
        async with open_room(bench.settings.model, FIT) as room:
            rival = LlamaVim(room, TimedDesk())
            for script in bench.scripts:
                text = script.start
                await rival.open(script.path, text, script.cursor)
                for key in script.keys:
                    await rival.settled()
                    text = key.applied(text)
                    rival.strike(Scene(-1, script.path, text, key.cursor), key)
                await rival.settled()
            await rival.aclose()
            return room.tally.total.n_evaluated


def count_places(scripts: Sequence[Script]) -> int:
    """Files that are opened, and jumps within them."""
    return sum(1 + sum(key.is_jump for key in script.keys) for script in scripts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, help="else the code that comes with the benchmark")
    parser.add_argument("--seeds", default="1,2,3,4")
    parser.add_argument("--keystrokes", type=int, default=260)
    parser.add_argument("--budget", type=int, default=1024, help="tokens of a prompt")
    parser.add_argument("--slots", type=int, default=3, help="that one window computes in")
    parser.add_argument("--rival", action="store_true", help="count llama.vim's strategy, too")
    given = parser.parse_args()
    table = Table(title=f"{given.keystrokes} keys, prompts of {given.budget} tokens", title_justify="left")
    for name in ("seed", "places", "prompts", "of them new", "tokens evaluated", "reused"):
        table.add_column(name, justify="right")
    if given.rival:
        table.add_column("llama.vim's", justify="right")
        table.add_column("times", justify="right")
    for seed in map(int, given.seeds.split(",")):
        slots = Slots(given.slots)
        with untimed_bench(given.dir, given.keystrokes, seed, given.budget) as bench:
            asyncio.run(count(bench, slots))
            n_places = count_places(bench.scripts)
            n_rival = asyncio.run(count_rival(bench)) if given.rival else 0
        share = slots.n_reused / max(1, slots.n_reused + slots.n_evaluated)
        figures = (seed, n_places, slots.n_prompts, slots.n_whole, slots.n_evaluated)
        beside = (str(n_rival), f"{n_rival / slots.n_evaluated:.1f}") if given.rival else ()
        table.add_row(*map(str, figures), f"{share:.2%}", *beside)
    Console().print(table)


if __name__ == "__main__":
    main()
