"""`python -m lsp_server`: the language server on stdin and stdout.

Runs in the editor session. The order matters: first stdio is made safe from whatever libraries print, and
the heap is shared by all threads to come; then the engine host is started, and while it loads the model this
process imports the server.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import sys
from contextlib import suppress

from lsp_server.memory import collect_seldom, share_one_arena
from lsp_server.wire import take_stdio

# Libraries import these at the first request, where it would block the loop.
PRELOADED = ("encodings.utf_8_sig", "tree_sitter_python")


def main() -> None:
    """Serves until the editor leaves; exits with the status that the protocol asks for."""
    source, target = take_stdio()
    share_one_arena()
    collect_seldom()
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # it logs what it sends, code included

    from lsp_server import head_start

    head_start.begin()

    from lsp_server.server import serve

    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # what is imported stays: looking through it for garbage would stop everything now and then
    sys.exit(asyncio.run(serve(source, target)))


if __name__ == "__main__":
    main()
