"""Notices that the editor died without a word, by its process id.

Runs in the session. End of input says the same in most cases; an editor's child that inherited the pipe hides
it.
"""

from __future__ import annotations

import asyncio

import psutil

CHECK_EVERY_S = 2.0


async def wait_for_death(process_id: int, check_every_s: float = CHECK_EVERY_S) -> None:
    """Returns when the process is gone. Never returns when it was not there to begin with: the editor then
    lives in another container, where its ids mean other processes."""
    try:
        process = psutil.Process(process_id)
    except psutil.NoSuchProcess:
        await asyncio.Event().wait()
        return
    while _is_alive(process):  # noqa: ASYNC110 - nothing wakes us when a process dies that is no child of ours
        await asyncio.sleep(check_every_s)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
