"""`python -m tests.e2e.watched_server`: the server, with every callback of its loop timed.

At the end one line `LOOP {...}` on stderr names those that kept the loop for longer than 10 ms. On a machine
that is busy with other programs the clock also runs while the loop does not: what counts is the thread's own
processor time, and of the clock only what no other program can explain.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

MAX_BUSY_MS = 10.0
MAX_ELAPSED_MS = 250.0

slow: list[str] = []
n_callbacks = 0
is_watching = False


def watch(handle: asyncio.Handle) -> None:
    global n_callbacks
    was_watching = is_watching
    started, busy = time.perf_counter(), time.thread_time()
    run(handle)
    elapsed_ms, busy_ms = (time.perf_counter() - started) * 1000, (time.thread_time() - busy) * 1000
    n_callbacks += 1
    if was_watching and (busy_ms > MAX_BUSY_MS or elapsed_ms > MAX_ELAPSED_MS):
        slow.append(f"{busy_ms:.1f} ms busy, {elapsed_ms:.1f} ms elapsed: {handle!r}")


run = asyncio.Handle._run
asyncio.Handle._run = watch  # type: ignore[method-assign]


def main() -> None:
    from lsp_server import server
    from lsp_server.__main__ import main as serve_main

    serve = server.serve

    async def serve_watched(source: int, target: int) -> int:
        """The first callback is the start itself, when nobody types yet."""
        global is_watching
        is_watching = True
        return await serve(source, target)

    server.serve = serve_watched
    try:
        serve_main()
    finally:
        print("LOOP " + json.dumps({"n_callbacks": n_callbacks, "slow": slow}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
