"""The watch over the editor's process."""

from __future__ import annotations

import asyncio
import sys

from lsp_server.parent import wait_for_death

SLEEPER = (sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()")


async def start_process() -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *SLEEPER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def test_a_death_is_noticed():
    process = await start_process()
    watch = asyncio.create_task(wait_for_death(process.pid, check_every_s=0.01))
    process.kill()
    await process.wait()
    await asyncio.wait_for(watch, 5)


async def test_a_process_that_was_never_there_is_not_watched():
    process = await start_process()
    process.kill()
    await process.wait()
    watch = asyncio.create_task(wait_for_death(process.pid, check_every_s=0.001))
    done, _ = await asyncio.wait({watch}, timeout=0.2)
    watch.cancel()
    assert not done
