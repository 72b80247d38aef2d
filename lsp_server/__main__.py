"""`python -m lsp_server`: the language server on stdin and stdout.

Runs in the editor session. Imports the server lazily, after stdio is safe from whatever libraries print.
"""

from __future__ import annotations

import asyncio
import logging
import sys


def main() -> None:
    """Serves until the editor leaves; exits with the status that the protocol asks for."""
    from lsp_server.wire import take_stdio

    source, target = take_stdio()
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # it logs what it sends, code included

    from lsp_server.server import serve

    sys.exit(asyncio.run(serve(source, target)))


if __name__ == "__main__":
    main()
