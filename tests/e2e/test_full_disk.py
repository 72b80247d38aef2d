"""A disk that is really full: the cache of a server lies on a file system of a few megabytes."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

from tests.e2e.client import Json, uri_of
from tests.e2e.conftest import MAIN, Home

UNSHARE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
SIZE_MB, LEFT_MB = 40, 2
BALLAST = "ballast"
N_FILES = 60


def command_with_cache_of(folder: Path) -> tuple[str, ...]:
    """A server in a mount namespace of its own, where `folder` is small and all but full."""
    quoted = shlex.quote(str(folder))
    script = (
        f"mount -t tmpfs -o size={SIZE_MB}m tmpfs {quoted}"
        f" && head -c {SIZE_MB - LEFT_MB}M /dev/zero > {quoted}/{BALLAST}"
        f" && exec {shlex.quote(sys.executable)} -m lsp_server"
    )
    return (*UNSHARE, "sh", "-c", script)


def says_full(params: Json) -> bool:
    return params["value"]["kind"] == "end" and "free some space" in params["value"].get("message", "")


async def test_a_full_disk_is_said_and_costs_nothing_for_good(own_home: Home, workspace: Path):
    """The editor is answered all the while; once there is room everything is read, by itself."""
    for number in range(N_FILES):
        (workspace / f"large{number}.py").write_text(
            "".join(f"def function_{number}_{line}(): pass\n" for line in range(500))
        )
    cache = own_home.folder / "cache"
    cache.mkdir()
    async with own_home.client(command=command_with_cache_of(cache)) as client:
        await client.initialize(workspace)
        await client.ready()
        await client.notified("$/progress", says_full)
        answer = await client.command("edgewise.status")
        assert answer["index"]["ready"] is False
        assert "full" in answer["problems"][0]
        path = workspace / "main.py"
        await client.open(path, MAIN)
        assert await client.complete(path, MAIN.count("\n"), 7)
        await asyncio.to_thread(Path(f"/proc/{client.process.pid}/root{cache}/{BALLAST}").unlink)
        changed = {"uri": uri_of(path), "type": 2}
        client.notify("workspace/didChangeWatchedFiles", {"changes": [changed]})
        status = await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        assert status["index"]["files"] == N_FILES + 3
        assert (await client.command("edgewise.status"))["problems"] == []
