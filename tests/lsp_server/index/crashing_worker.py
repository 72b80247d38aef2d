"""The real worker, with one difference: some contents bring the process down, as a crashing grammar would."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from lsp_server.index import worker
from lsp_server.index.crawl import Skipped
from lsp_server.index.update import ParsedSource

ALWAYS = b"# crash always"
ONCE = b"# crash while there is "

_parse_source = worker.parse_source


def parse_or_crash(path: str, content: bytes) -> ParsedSource | Skipped:
    if content.startswith(ALWAYS):
        os.kill(os.getpid(), signal.SIGKILL)
    if content.startswith(ONCE):
        flag = Path(content.splitlines()[0].removeprefix(ONCE).decode())
        if flag.exists():
            flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    return _parse_source(path, content)


if __name__ == "__main__":
    worker.parse_source = parse_or_crash
    worker.main()
