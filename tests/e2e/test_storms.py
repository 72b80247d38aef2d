"""Many at once: twenty windows, and a window that floods beside one in which a person types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from tests.e2e.client import ASK_THE_MODEL, INVOKED, Call, LspClient
from tests.e2e.conftest import MAIN, Home

N_WINDOWS = 20
N_FLOOD = 200
GROWTH_MB = 60
STORM_S, PER_S = 4.0, 200
MAX_MORE_OPEN = 16  # descriptors and threads
LAST_LINE = MAIN.count("\n")
SLOW = {"completion": {**ASK_THE_MODEL, "timeout_ms": 60_000}}


@pytest.mark.timeout(300)
async def test_twenty_windows_opened_at_once(own_home: Home, workspace: Path):
    """One host for all of them, every window is served, and `own_home` counts what is left afterwards."""
    path = workspace / "main.py"

    async def work(client: LspClient) -> bool:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        await client.complete(path, LAST_LINE, 7)
        return await client.was_served()

    async with AsyncExitStack() as stack:
        opened = (own_home.client(settings=SLOW) for _ in range(N_WINDOWS))
        windows = await asyncio.gather(*(stack.enter_async_context(client) for client in opened))
        assert all(await asyncio.gather(*map(work, windows)))
        assert len(own_home.hosts()) == 1
    hosts = own_home.hosts()
    psutil.wait_procs(hosts, timeout=30.0)
    assert own_home.hosts() == []


async def test_a_flood_in_one_window_leaves_the_others_kv_cache(own_home: Home, workspace: Path):
    """A broken client asks hundreds of times, each time for another text: what the other window had in its
    slot is still there, and the flooded server stays small."""
    one_path, other_path = workspace / "main.py", workspace / "shop" / "prices.py"
    async with own_home.client(settings=SLOW) as one, own_home.client(settings=SLOW) as other:
        for client, path in ((one, one_path), (other, other_path)):
            await client.initialize(workspace)
            await client.open(path, MAIN)
            await client.ready()
        await one.complete(one_path, LAST_LINE, 7)
        server = psutil.Process(other.process.pid)
        before_mb = server.memory_info().rss / 1e6
        calls = []
        for number in range(N_FLOOD):
            await other.edit(other_path, (0, 0), (0, 0), f"# {number} is a line of its own\n")
            calls.append(other.start_completion(other_path, LAST_LINE + number + 1, 7))
        answers = [await call.result() for call in calls]
        assert answers.count(None) >= N_FLOOD // 2
        assert await other.was_served()
        assert server.memory_info().rss / 1e6 < before_mb + GROWTH_MB
        await one.edit(one_path, (LAST_LINE, 7), (LAST_LINE, 7), "urn sum(prices) / ")
        await one.complete(one_path, LAST_LINE, 25)
        asked = [trace["fields"] for trace in await one.traces() if trace["fields"].get("n_prompt")]
        assert asked[-1]["n_cached"] >= asked[-1]["n_prompt"] // 2


@pytest.mark.parametrize("burst", [1, 50])
async def test_two_hundred_requests_a_second(own_home: Home, workspace: Path, burst: int):
    """For seconds, evenly or in bursts, each after an edit, every third one cancelled at once. Each gets one
    answer (the client checks it), most of them null; the newest is served; nothing piles up."""
    path = workspace / "main.py"
    async with own_home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        await client.complete(path, LAST_LINE, 7)
        server = psutil.Process(client.process.pid)
        before_mb, n_before = server.memory_info().rss / 1e6, count_open(server)
        answers = await asyncio.gather(
            *[call.answer async for call in storm(client, path, burst)], return_exceptions=True
        )
        n_served = sum(isinstance(answer, dict) and bool(answer["items"]) for answer in answers)
        assert n_served <= len(answers) // 2
        await client.edit(path, (LAST_LINE, 0), (LAST_LINE + 1, 0), "    lowest =")
        await client.complete(path, LAST_LINE, 12, INVOKED)
        assert await client.was_served()
        assert server.memory_info().rss / 1e6 < before_mb + GROWTH_MB
        assert count_open(server) <= n_before + MAX_MORE_OPEN
        assert len(own_home.hosts()) == 1


async def storm(client: LspClient, path: Path, burst: int) -> AsyncIterator[Call]:
    """The pace is the client's own, whatever the server makes of it."""
    n_total = int(STORM_S * PER_S)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(n_total):
        if number % burst == 0:
            await asyncio.sleep(begun + number / PER_S - loop.time())
        await client.edit(path, (LAST_LINE, 7 + number), (LAST_LINE, 7 + number), "xyz("[number % 4])
        call = client.start_completion(path, LAST_LINE, 8 + number)
        if number % 3 == 0:
            client.cancel(call)
        yield call


def count_open(process: psutil.Process) -> int:
    return int(process.num_fds() + process.num_threads())
