"""An engine host for one contender alone, with its socket under a relay that counts.

Runs in the command-line process, on its event loop; the host is a process as for any session. All contenders'
hosts are started alike: threads are fixed and the speed is known beforehand, so none measures or changes
itself meanwhile. Must not know what is asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from lsp_server.bench.relay import Tally, behind_of, relayed
from lsp_server.engine import build_spec
from lsp_server.settings import CACHE_VARIABLE, ModelSettings
from model.attach import HostSpec, find_meeting
from model.client import ModelClient
from model.fit import Fit, choose_batch
from model.meeting import ROOT_VARIABLE, read_identity
from model.protocol import (
    Endpoint,
    GenerationOptions,
    HostUnavailable,
    SegmentKind,
    TokenPrompt,
    TokenSegment,
)
from model.speed import remember_fit
from model.supervisor import Supervisor
from model.transport import SocketTransport

MAX_KEPT_LINES = 20_000


@contextmanager
def own_folders(folder: Path) -> Iterator[None]:
    """Hosts, indexes and caches of what is started inside of the block are nobody else's."""
    before = dict(os.environ)
    os.environ |= {ROOT_VARIABLE: str(folder / "run"), CACHE_VARIABLE: str(folder / "cache")}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


class Tokens:
    """Text to ids at the engine itself, line by line and remembered: no contender waits for it for long."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._transport = SocketTransport(endpoint)
        self._known: dict[str, tuple[int, ...]] = {}

    async def ids(self, text: str) -> list[int]:
        lines = text.splitlines(keepends=True)
        for line in dict.fromkeys(lines):
            if line not in self._known:
                if len(self._known) > MAX_KEPT_LINES:
                    self._known.clear()
                self._known[line] = await self._ask(line)
        return [token for line in lines for token in self._known[line]]

    async def _ask(self, line: str) -> tuple[int, ...]:
        body = json.dumps({"content": line, "parse_special": False, "add_special": False})
        async with self._transport.post("/tokenize", body.encode()) as response:
            answer = json.loads(b"".join([chunk async for chunk in response.chunks()]))
        return tuple(answer["tokens"])


@dataclass(frozen=True, slots=True)
class Room:
    """A running host, and the ways to it."""

    endpoint: Endpoint
    client: ModelClient
    tokens: Tokens
    tally: Tally
    process: psutil.Process
    settings: ModelSettings

    async def generate(self, ids: Sequence[int], options: GenerationOptions) -> AsyncGenerator[str]:
        """The text for a prompt, piece by piece. Closing this ends the decode."""
        segment = TokenSegment(SegmentKind.PREFIX, "", "", tuple(ids))
        async for piece in self.client.complete(TokenPrompt((segment,)), replace(options, slot=0)):
            yield piece.text

    def cpu_s(self) -> float:
        return read_cpu_s(self.process)

    def host_mb(self) -> float:
        return float(self.process.memory_info().rss) / 1e6


def read_cpu_s(process: psutil.Process) -> float:
    """With that of its children that have ended. Nothing for one that has ended itself since it was found: a
    parsing process may at any moment."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


@asynccontextmanager
async def open_room(settings: ModelSettings, fit: Fit, *, is_counted: bool = True) -> AsyncIterator[Room]:
    """Inside of `own_folders`. `fit` is what is known of the model's speed. Without the count there is no
    relay in the way."""
    spec = build_spec(settings)
    remember_fit(spec, fit)
    supervisor = Supervisor(spec, lambda status: None)
    client = ModelClient(supervisor, "" if settings.family == "auto" else settings.family)
    try:
        endpoint = await supervisor.connect()
        if not endpoint.socket_path:
            raise HostUnavailable("The benchmark counts on a unix socket: run it on a system that has them.")
        path = Path(endpoint.socket_path)
        n_batch = choose_batch(fit.prompt_per_s, spec.model.stat().st_size)
        async with relayed(path, n_batch) if is_counted else nullcontext(Tally()) as tally:
            straight = replace(endpoint, socket_path=str(behind_of(path))) if is_counted else endpoint
            yield Room(endpoint, client, Tokens(straight), tally, _find_process(spec), settings)
    finally:
        await client.aclose()
        await supervisor.aclose()


def _find_process(spec: HostSpec) -> psutil.Process:
    ready = find_meeting(spec, read_identity(spec.model), None).read_ready()
    if ready is None:
        raise HostUnavailable("The engine host ended before it was used: run the benchmark again.")
    return psutil.Process(ready[1])
