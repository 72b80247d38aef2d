"""The same typing traces through one contender after the other, each with an engine host of its own.

Runs in the command-line process, in real time: keys come when the script says, whatever is slow. Must not
know how figures are shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lsp_server.bench.contenders import Contender, Desk, EngineAlone, Neovim, Scene, Straight, VsCode
from lsp_server.bench.keys import Script
from lsp_server.bench.ledger import Cost, Evaluated, Figures, Ledger, Struck, count_up
from lsp_server.bench.relay import Tally
from lsp_server.bench.rivals import Continue, LlamaVim, Tabby
from lsp_server.bench.room import Room, open_room, own_folders, read_cpu_s
from lsp_server.completion.fitting import fit as fit_settings
from lsp_server.demo.client import EditorClient, start_server
from lsp_server.index.service import IndexService
from lsp_server.prompting import is_cut_to_sure
from lsp_server.settings import Settings, cache_folder
from model.fit import Fit, choose_budget
from model.protocol import HostUnavailable, Pace

OPENING_S = 1.0  # between a file that is opened and the first key
LAST_S = 1.0  # for the answer to the last key


@dataclass(frozen=True, slots=True)
class Bench:
    """What all contenders share. `scratch` is for their own folders."""

    workspace: Path
    scratch: Path
    settings: Settings
    scripts: tuple[Script, ...]
    fit: Fit


class TimedDesk:
    """A ledger that looks at the clock itself."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    def asked(self, number: int) -> None:
        if number >= 0:
            self.ledger.asked(number, time.perf_counter())

    def answered(self, number: int, text: str) -> None:
        if number >= 0:
            self.ledger.answered(number, text, time.perf_counter())


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contender in its room. `session` is the server's process, where there is one."""

    contender: Contender
    room: Room
    session: psutil.Process | None = None

    def cpu_s(self) -> float:
        return self.room.cpu_s() + sum(map(read_cpu_s, _family(self.session)))

    def session_mb(self) -> float:
        return float(self.session.memory_info().rss) / 1e6 if self.session else 0.0


def _family(process: psutil.Process | None) -> list[psutil.Process]:
    """The server and its index workers; the host is no child of it."""
    return [process, *process.children(recursive=True)] if process else []


Open = Callable[["Bench", TimedDesk], AbstractAsyncContextManager[Entrant]]


async def replay(bench: Bench, name: str) -> Figures:
    """One contender types everything."""
    entry = CONTENDERS[name]
    with own_folders(bench.scratch / name):
        desk = TimedDesk()
        async with entry.open(bench, desk) as entrant:
            before = entrant.cpu_s()
            evaluated = await _type_all(bench.scripts, entrant.contender, desk, entrant.room.tally)
            cost = Cost(entrant.cpu_s() - before, entrant.session_mb(), entrant.room.host_mb())
            return count_up(entry.title, desk.ledger.keys, evaluated, cost)


async def _type_all(
    scripts: Sequence[Script], contender: Contender, desk: TimedDesk, tally: Tally
) -> list[Evaluated]:
    """What was evaluated from each key to the next; before the first key belongs to the first."""
    marks = [tally.total]
    for script in scripts:
        await _type(script, contender, desk, lambda: marks.append(tally.total))
    await asyncio.sleep(LAST_S)
    await contender.aclose()
    ends = [*marks[2:], tally.total]
    starts = [marks[0], *ends[:-1]]
    return [
        Evaluated(end.n_evaluated - start.n_evaluated, end.n_cached - start.n_cached)
        for start, end in zip(starts, ends, strict=True)
    ]


async def _type(script: Script, contender: Contender, desk: TimedDesk, mark: Callable[[], None]) -> None:
    text = script.start
    await contender.open(script.path, text, script.cursor)
    due = time.perf_counter() + OPENING_S
    for key in script.keys:
        due += key.gap_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        mark()
        text = key.applied(text)
        rest = script.whole[key.left.start : key.left.end]
        struck = Struck(time.perf_counter(), rest, (script.path, key.left.start), key.is_jump)
        contender.strike(Scene(desk.ledger.strike(struck), script.path, text, key.cursor), key)


# --- the contenders ---------------------------------------------------------------------------------------


class Readiness:
    """Set as soon as the server has a model and has read the workspace."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()
        self._failure = ""

    def on_notification(self, method: str, params: Any) -> None:  # noqa: ANN401  (JSON)
        if method == "edgewise/status" and params["state"] == "ready" and params["index"]["ready"]:
            self.is_ready.set()
        elif method == "edgewise/status" and params["state"] == "failed":
            self._failure = str(params["message"])
            self.is_ready.set()

    async def wait(self) -> None:
        """Raises HostUnavailable with the server's own sentence when there will be no model."""
        await self.is_ready.wait()
        if self._failure:
            raise HostUnavailable(self._failure)


@asynccontextmanager
async def running_server(
    bench: Bench, room: Room, *, asks_model_always: bool = False
) -> AsyncIterator[EditorClient]:
    """The real server, which finds the room's host running; ready when the workspace is read."""
    readiness = Readiness()
    options = bench.settings.model_dump(mode="json") | {"model": room.settings.model_dump(mode="json")}
    if asks_model_always:
        options["completion"]["precedents"] = "never"
    async with start_server(bench.workspace, options, readiness.on_notification) as client:
        await readiness.wait()
        yield client


def _ours(editor: type[VsCode] | type[Neovim], *, asks_model_always: bool = False) -> Open:
    @asynccontextmanager
    async def opened(bench: Bench, desk: TimedDesk) -> AsyncIterator[Entrant]:
        async with (
            open_room(bench.settings.model, bench.fit) as room,
            running_server(bench, room, asks_model_always=asks_model_always) as client,
        ):
            yield Entrant(editor(client, bench.workspace, desk), room, psutil.Process(client.pid))

    return opened


@asynccontextmanager
async def open_straight(bench: Bench, *, is_counted: bool = True) -> AsyncIterator[Straight]:
    async with AsyncExitStack() as stack:
        opened = open_room(bench.settings.model, bench.fit, is_counted=is_counted)
        room = await stack.enter_async_context(opened)
        index = IndexService((bench.workspace,), cache_folder(), bench.settings.index)
        stack.push_async_callback(index.aclose)
        await index.start(watch=False)
        await index.wait_ready()
        pace = Pace(budget_tokens=choose_budget(bench.fit))
        settings = fit_settings(bench.settings.completion, pace, room.endpoint.info)
        is_cut = is_cut_to_sure(bench.settings)
        yield Straight(room, index, bench.workspace, settings, is_cut=is_cut)


@asynccontextmanager
async def _engine_alone(bench: Bench, desk: TimedDesk) -> AsyncIterator[Entrant]:
    async with open_straight(bench) as straight:
        yield Entrant(EngineAlone(straight, desk), straight.room)


def _rival(rival: Callable[[Room, Desk], Contender]) -> Open:
    @asynccontextmanager
    async def opened(bench: Bench, desk: TimedDesk) -> AsyncIterator[Entrant]:
        async with open_room(bench.settings.model, bench.fit) as room:
            yield Entrant(rival(room, desk), room)

    return opened


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table."""

    title: str
    open: Open


CONTENDERS: dict[str, Entry] = {
    "vscode": Entry("edgewise, as VS Code asks", _ours(VsCode)),
    "neovim": Entry("edgewise, as Neovim asks", _ours(Neovim)),
    "model": Entry("edgewise without precedents", _ours(VsCode, asks_model_always=True)),
    "llama.vim": Entry("llama.vim's strategy", _rival(LlamaVim)),
    "continue": Entry("Continue's strategy", _rival(Continue)),
    "tabby": Entry("Tabby's strategy", _rival(Tabby)),
    "engine": Entry("our prompts, engine alone", _engine_alone),
}
