"""`edgewise serve`: the language server on stdin and stdout.

Runs in the editor session. Must not import anything that the server does not need anyway.
"""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--stdio", is_flag=True, help="Accepted for editors that pass it; stdin and stdout are always used."
)
def serve(stdio: bool) -> None:
    """Run the language server on stdin and stdout, as an editor starts it."""
    from lsp_server.__main__ import main

    main()
