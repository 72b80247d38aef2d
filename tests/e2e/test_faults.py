"""What bad things get: an answer, a new host, or one clear sentence; no exception and no idle pop-up."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.client import ASK_THE_MODEL, INVOKED, LspClient, position
from tests.e2e.conftest import BUILTIN, MAIN, Home

LAST_LINE = MAIN.count("\n")
PATIENT = {"completion": {**ASK_THE_MODEL, "timeout_ms": 60_000}}


def is_failed(status) -> bool:
    return status["state"] == "failed"


async def start(client: LspClient, workspace: Path, text: str = MAIN) -> Path:
    path = workspace / "main.py"
    await client.initialize(workspace)
    await client.open(path, text)
    return path


async def test_a_host_killed_in_the_middle_of_a_decode(own_home: Home, workspace: Path):
    """Stopped first, so that the request surely runs when the kill comes."""
    async with own_home.client(settings=PATIENT) as client:
        path = await start(client, workspace)
        assert await client.complete(path, LAST_LINE, 7)
        [host] = own_home.hosts()
        host.send_signal(signal.SIGSTOP)
        n_sockets = count_sockets(own_home)
        await client.edit(path, (LAST_LINE, 7), (LAST_LINE, 7), "urn prices")
        call = client.start_completion(path, LAST_LINE, 17, INVOKED)
        while count_sockets(own_home) == n_sockets:  # until its connection stands
            await client.command("edgewise.status")
        host.kill()
        assert await call.result() == {"items": []}
        await client.complete(path, LAST_LINE, 17, INVOKED)
        assert await client.was_served()
        assert [other.pid for other in own_home.hosts()] != [host.pid]
        states = [params["state"] for method, params in client.notifications if method == "edgewise/status"]
        assert "restarting" in states
        assert states[-1] == "ready"
        assert client.shown == []


def count_sockets(home: Home) -> int:
    """The socket that the host listens on, and each connection to it, accepted or not."""
    return Path("/proc/net/unix").read_text().count(f"{home.folder}/run/")


SUSPENDED_S = 6.0


@pytest.mark.parametrize("is_suspected", [False, True])
async def test_a_suspended_machine(own_home: Home, workspace: Path, is_suspected):
    """Session, host and index worker are stopped together in the middle of a request, also while the session
    looks whether the host is well. Afterwards it is the same host that answers, this request and the next."""
    async with own_home.client(settings=PATIENT) as client:
        path = await start(client, workspace)
        assert await client.complete(path, LAST_LINE, 7)
        [host] = own_home.hosts()
        n_sockets = count_sockets(own_home)
        host.send_signal(signal.SIGSTOP)
        await client.edit(path, (LAST_LINE, 7), (LAST_LINE, 7), "urn prices")
        call = client.start_completion(path, LAST_LINE, 17, INVOKED)
        while count_sockets(own_home) <= n_sockets + is_suspected:  # the request, and then the look
            await client.command("edgewise.status")
        await suspend(client, own_home.processes(), host)
        await asyncio.wait_for(call.answer, 30.0)
        assert own_home.hosts() == [host]
        await client.edit(path, (LAST_LINE, 0), (LAST_LINE, 17), "    lowest =")
        await client.complete(path, LAST_LINE, 12, INVOKED)
        assert await client.was_served()
        assert own_home.hosts() == [host]
        assert not any(status["state"] == "restarting" for status in statuses(client))


async def suspend(client: LspClient, processes: list[psutil.Process], last: psutil.Process) -> None:
    """All of them sleep, and wake up one after the other: the host when the session is at work already."""
    others = [process for process in processes if process != last]
    for process in others:
        process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SUSPENDED_S)
    for process in others:
        process.send_signal(signal.SIGCONT)
    for _ in range(3):
        await client.command("edgewise.status")
    last.send_signal(signal.SIGCONT)


async def test_a_host_that_keeps_dying_is_told_once(own_home: Home, workspace: Path):
    async with own_home.client(settings=PATIENT) as client:
        path = await start(client, workspace)
        for _ in range(4):
            await client.ready()
            n_seen = len(client.notifications)
            [host] = own_home.hosts()
            host.kill()
            await client.notified("edgewise/status", lambda status: status["state"] == "ready", since=n_seen)
        [host] = own_home.hosts()
        host.kill()
        status = await client.notified("edgewise/status", is_failed)
        assert "host.log" in status["message"]
        assert await client.complete(path, LAST_LINE, 7) == []
        [shown] = client.take_shown()
        assert status["message"] in shown
        await client.command("edgewise.restart")
        assert await client.complete(path, LAST_LINE, 7)


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "truncated"])
async def test_a_model_that_cannot_be_used(own_home: Home, workspace: Path, kind):
    model = workspace.parent / "model.gguf"
    if kind == "folder":
        model.mkdir()
    elif kind == "truncated":
        model.write_bytes(BUILTIN.read_bytes()[:100_000])
    elif kind != "missing":
        model.write_text({"empty": "", "text": "not a model"}[kind])
    async with own_home.client(settings={"model": {"name": str(model)}}) as client:
        path = await start(client, workspace)
        status = await client.notified("edgewise/status", is_failed)
        assert str(model) in status["message"]
        assert await client.complete(path, LAST_LINE, 7) == []
        assert await client.complete(path, LAST_LINE, 7) == []
        trace = (await client.traces())[-1]
        assert trace["fields"]["outcome"] == "model-unavailable"
        [shown] = client.take_shown()
        assert status["message"] in shown


async def test_a_model_that_appears_is_used(own_home: Home, workspace: Path):
    model = workspace.parent / "model.gguf"
    async with own_home.client(settings={"model": {"name": str(model)}}) as client:
        path = await start(client, workspace)
        await client.notified("edgewise/status", is_failed)
        client.take_shown()
        shutil.copy(BUILTIN, model)
        await client.complete(path, LAST_LINE, 7)
        await client.ready()
        assert await client.complete(path, LAST_LINE, 7)


async def test_a_model_that_is_replaced_while_in_use(own_home: Home, workspace: Path):
    """By another good file, then by none: a status each, and one message for the failure."""
    model = workspace.parent / "model.gguf"
    shutil.copy(BUILTIN, model)
    async with own_home.client(settings={**PATIENT, "model": {"name": str(model)}}) as client:
        path = await start(client, workspace)
        assert await client.complete(path, LAST_LINE, 7)
        [host] = own_home.hosts(model)
        other = model.with_suffix(".new")
        shutil.copy(BUILTIN, other)
        other.replace(model)
        await type_until(client, path, lambda: own_home.hosts(model) not in ([], [host]))
        model.unlink()
        await type_until(client, path, lambda: any(map(is_failed, statuses(client))))
        [status] = filter(is_failed, statuses(client))
        assert str(model) in status["message"]
        [shown] = client.take_shown()
        assert status["message"] in shown


def statuses(client: LspClient) -> list[dict]:
    return [params for method, params in client.notifications if method == "edgewise/status"]


async def type_until(client: LspClient, path: Path, is_so: Callable[[], bool]) -> None:
    """Types and asks, as a person would, until something is so."""
    while not is_so():
        await client.edit(path, (LAST_LINE, 0), (LAST_LINE, 0), " ")
        await client.complete(path, LAST_LINE, 1, INVOKED)


BAD_TEXTS = {
    "binary": "\x7fELF\0\0\0" + "\0\x01\x02" * 1000,
    "undecodable": "\ufffd" * 500,
    "surrogates": "def f():\n    x = '\ud800'\n    \udfff ret",
    "controls": "".join(map(chr, range(1, 32))) * 20,
    "one long line": "x = " + "'a' + " * 20_000,
    "many lines": "\n" * 50_000,
    "no end": "((((((((((" * 2000,
    "special tokens": "<|fim_prefix|><|endoftext|></s><s>[INST]" * 50,
    "empty": "",
    "mixed line ends": "a = 1\r\nb = 2\rc = 3\n\x0c\x0b\x85\u2028d =",
    "bidirectional": "\u202edef f():\n    \u2066ret",
    "combining": "e" + "\u0301" * 5000,
}


async def test_texts_that_are_hardly_text(home: Home, workspace: Path):
    async with home.client(settings=PATIENT) as client:
        await client.initialize(workspace)
        for name, text in BAD_TEXTS.items():
            path = workspace / f"{name}.py"
            await client.open(path, text)
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            await client.complete(
                path, len(lines) - 1, len(lines[-1].encode("utf-16-le", "surrogatepass")) // 2
            )
            outcome = (await client.traces())[-1]["fields"]["outcome"]
            assert outcome != "internal-error", name
            if name in ("binary", "undecodable"):
                assert outcome == "not-text"
            await client.close(path)
        good = workspace / "main.py"
        await client.open(good, MAIN)
        assert await client.complete(good, LAST_LINE, 7)


async def test_a_file_of_50_megabytes(home: Home, workspace: Path):
    """Declined with a reason, and its edits cost nothing; other documents are served as ever."""
    huge, good = workspace / "huge.py", workspace / "main.py"
    async with home.client() as client:
        await client.initialize(workspace)
        await client.open(huge, "x = 1\n" * (50_000_000 // 6))
        await client.edit(huge, (0, 0), (0, 0), "y")
        assert await client.complete(huge, 3, 0) == []
        assert (await client.traces())[-1]["fields"]["outcome"] == "file-too-large"
        await client.open(good, MAIN)
        assert await client.complete(good, LAST_LINE, 7)
        client.change(huge, {"text": MAIN})
        assert await client.complete(huge, LAST_LINE, 7)


async def test_changes_that_make_no_sense(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client() as client:
        await client.initialize(workspace)
        client.notify("textDocument/didChange", {"textDocument": {"uri": "file:///closed.py", "version": 1}})
        await client.edit(path, (0, 0), (0, 0), "not open")
        await client.open(path, MAIN)
        await client.open(path, MAIN)
        stale = {"uri": path.as_uri(), "version": None}
        beyond = {"start": position(99, 99), "end": position(10**9, 10**9)}
        changes = [{"range": beyond, "text": ""}, {"range": {"start": beyond["end"]}, "text": ""}]
        client.notify("textDocument/didChange", {"textDocument": stale, "contentChanges": changes})
        client.notify("textDocument/didChange", {"textDocument": stale, "contentChanges": [{"range": 5}]})
        assert await client.complete(path, LAST_LINE, 7)
