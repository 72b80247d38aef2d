"""The real worker, with one difference: some contents bring the process down that parses them, as a crashing
grammar would, or the worker itself, as a system that runs out of memory would."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from lsp_server.index import extractor, worker
from lsp_server.index.crawl import Skipped
from lsp_server.index.pack import Packed
from lsp_server.index.pool import LIMIT_S, Pool

ALWAYS = b"# crash always"
ONCE = b"# crash while there is "
WORKER_ONCE = b"# kill the worker while there is "
FOREVER = b"# never ends"
LIMIT_VARIABLE = "TEST_LIMIT_S"
FILE_SIZE_VARIABLE = "TEST_FILE_SIZE_FLAG"


def parse_or_crash(path: str, content: bytes) -> tuple[str, Packed] | Skipped:
    if content.startswith(ALWAYS):
        os.kill(os.getpid(), signal.SIGKILL)
    if content.startswith(FOREVER):
        while True:
            pass
    for mark, victim in ((ONCE, os.getpid()), (WORKER_ONCE, os.getppid())):
        if content.startswith(mark):
            flag = Path(content.splitlines()[0].removeprefix(mark).decode())
            if flag.exists():
                flag.unlink()
                os.kill(victim, signal.SIGKILL)
    return extractor.parse_source(path, content)


def serve(connection: Connection) -> None:
    extractor.serve(connection, parse_or_crash)


def make_pool() -> Pool:
    return Pool(serve, float(os.environ.get(LIMIT_VARIABLE, LIMIT_S)))


def limit_file_size() -> None:
    """A disk that is full from a size on: writing any further fails, as long as a flag stands."""
    flag = Path(os.environ.get(FILE_SIZE_VARIABLE, os.devnull))
    if sys.platform != "win32" and flag.is_file():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(flag.read_text()), resource.RLIM_INFINITY))


if __name__ == "__main__":
    limit_file_size()
    worker.main(make_pool)
