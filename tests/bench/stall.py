"""A host that hangs in the middle of an answer: how soon the request ends, and the next one is answered.

    python -m tests.bench.stall [--rounds N]

Prints one table; judges nothing. The host is stopped (SIGSTOP) while it computes. Folders are the run's own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from model.attach import find_meeting
from model.client import ModelClient
from model.meeting import read_identity
from model.protocol import FimPrompt, GenerationOptions, HostStatus, HostUnavailable
from model.store import resolve_model
from model.supervisor import HostSpec, Supervisor

PROMPT = FimPrompt(prefix="def added(values):\n    total = 0\n", suffix="")


@dataclass(frozen=True, slots=True)
class Stall:
    """Seconds from the stop to the end of the request, and to the first token of the next one."""

    ended_s: float
    served_s: float
    n_left: int


async def stall_once(root: Path) -> Stall:
    spec = HostSpec(resolve_model("builtin"), idle_exit_s=0.0)
    supervisor = Supervisor(spec, _ignore, runtime_root=root)
    client = ModelClient(supervisor)
    prompt = await client.build_prompt(PROMPT)
    pieces = client.complete(prompt, GenerationOptions(n_predict=2000))
    await anext(pieces)
    ready = find_meeting(spec, await asyncio.to_thread(read_identity, spec.model), root).read_ready()
    assert ready
    os.kill(ready[1], signal.SIGSTOP)
    stopped = time.monotonic()
    with contextlib.suppress(HostUnavailable):
        async for _ in pieces:
            pass
    ended_s = time.monotonic() - stopped
    while not await _is_answered(client):
        pass
    served_s = time.monotonic() - stopped
    n_left = int(psutil.pid_exists(ready[1]))
    await client.aclose()
    await supervisor.aclose()
    return Stall(ended_s, served_s, n_left)


async def _is_answered(client: ModelClient) -> bool:
    with contextlib.suppress(HostUnavailable):
        pieces = client.complete(await client.build_prompt(PROMPT), GenerationOptions(n_predict=1))
        return bool([piece async for piece in pieces])
    return False


def _ignore(status: HostStatus) -> None:
    """The table says it."""


def run(n_rounds: int) -> list[Stall]:
    stalls = []
    for _ in range(n_rounds):
        with tempfile.TemporaryDirectory(prefix="ew-") as name:
            stalls.append(asyncio.run(stall_once(Path(name) / "run")))
    return stalls


def draw(stalls: Sequence[Stall]) -> Table:
    table = Table(title=f"a stopped host, {len(stalls)} rounds", title_justify="left")
    for name in ("", "median s", "worst s"):
        table.add_column(name, justify="left" if not name else "right")
    for name, values in {
        "the request ends": [one.ended_s for one in stalls],
        "the next one is answered": [one.served_s for one in stalls],
    }.items():
        table.add_row(name, f"{statistics.median(values):.2f}", f"{max(values):.2f}")
    table.add_row("stopped hosts left", "", str(sum(one.n_left for one in stalls)))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    Console().print(draw(run(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
