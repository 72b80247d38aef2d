"""Many at once: twenty windows, and a window that floods beside one in which a person types."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from tests.e2e.client import LspClient
from tests.e2e.conftest import MAIN, Home

N_WINDOWS = 20
N_FLOOD = 200
GROWTH_MB = 60
LAST_LINE = MAIN.count("\n")
SLOW = {"completion": {"timeout_ms": 60_000}}


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
