"""What a session costs: memory, time to the first answer, imports, the time that its loop is blocked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.e2e.client import ASK_THE_MODEL, ROOT, LspClient, position, uri_of
from tests.e2e.conftest import MAIN, PRICES, Home, make_home

MAX_RESIDENT_MB = 120
MAX_FIRST_ANSWER_S = 2.0
FOREIGN = {"numpy", "gguf", "rich", "click", "torch", "xllamacpp", "ctransformers", "starlette", "uvicorn"}
LAST_LINE = MAIN.count("\n")


async def work_a_while(client: LspClient, workspace: Path) -> None:
    """Opens, types, completes, explains."""
    path, prices = workspace / "main.py", workspace / "shop" / "prices.py"
    await client.initialize(workspace)
    await client.open(prices, PRICES)
    await client.open(path, MAIN * 20)
    await client.notified("edgewise/status", lambda status: status["index"]["ready"])
    line = 20 * LAST_LINE
    for column, char in enumerate("urn sum(prices) / len(prices)", start=7):
        await client.edit(path, (line, column), (line, column), char)
        await client.complete(path, line, column + 1)
    argument = {"uri": uri_of(prices), "position": position(5, 8)}
    assert await client.command("edgewise.explain", argument)


async def test_memory_of_a_session(home: Home, workspace: Path):
    async with home.client() as client:
        await work_a_while(client, workspace)
        resident_mb = psutil.Process(client.process.pid).memory_info().rss / 1_000_000
        assert resident_mb < MAX_RESIDENT_MB


async def first_answer_s(home: Home, workspace: Path) -> float:
    path = workspace / "main.py"
    started = time.perf_counter()
    async with home.client() as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        assert await client.complete(path, LAST_LINE, 7)
        return time.perf_counter() - started


async def test_the_first_answer_from_nothing(workspace: Path):
    """From the start of the process, the host's and the model's included, each time in a new home: the best
    of three. Where other programs want the processors, too, each gets its share of them."""
    times_s = []
    for _ in range(3):
        with make_home() as home:
            times_s.append(await first_answer_s(home, workspace))
    share = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert min(times_s) < MAX_FIRST_ANSWER_S * share, times_s


def test_the_server_imports_nothing_that_belongs_to_others():
    code = "import sys, json, lsp_server.server; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = {name.split(".")[0] for name in json.loads(output.stdout)}
    assert not modules & FOREIGN
    assert "pygls" in modules


async def test_the_loop_is_not_blocked(home: Home, workspace: Path):
    """Every callback of the server's loop is timed by `watched_server.py` while a person works."""
    command = (sys.executable, "-m", "tests.e2e.watched_server")
    async with home.client(command=command) as client:
        await work_a_while(client, workspace)
        await client.leave()
    report = json.loads(client.stderr.decode().rpartition("LOOP ")[2])
    assert report["n_callbacks"] > 200
    assert report["slow"] == []


async def test_nothing_is_written_to_the_workspace(home: Home, workspace: Path):
    before = snapshot_of(workspace)
    async with home.client() as client:
        await work_a_while(client, workspace)
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri_of(workspace / "main.py")}})
        await client.command("edgewise.restart")
        await client.complete(workspace / "main.py", 3, 0)
    assert snapshot_of(workspace) == before


def snapshot_of(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below: mode, time of change, content."""
    paths = [root, *sorted(root.rglob("*"))]
    return {
        str(path): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in paths
    }


async def test_two_windows_share_one_host(own_home: Home, workspace: Path):
    """Also when both open at the same moment; and the host goes on when one of them leaves."""
    path, settings = workspace / "main.py", {"completion": ASK_THE_MODEL}
    async with own_home.client(settings=settings) as one:
        async with own_home.client(settings=settings) as other:
            await asyncio.gather(one.initialize(workspace), other.initialize(workspace))
            for client in (one, other):
                await client.open(path, MAIN)
            answers = await asyncio.gather(*(client.complete(path, LAST_LINE, 7) for client in (one, other)))
            assert all(answers)
            [host] = own_home.hosts()
        await one.edit(path, (LAST_LINE, 7), (LAST_LINE, 7), "ain = ")
        await one.complete(path, LAST_LINE, 13)
        assert await one.was_served()
        assert [process.pid for process in own_home.hosts()] == [host.pid]
