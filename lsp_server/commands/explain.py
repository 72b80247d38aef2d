"""`edgewise explain FILE[:LINE[-LINE]]`: what a piece of code is, what it calls and who calls it.

Runs in the command-line process, over the server's own session. Must not know LSP.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lsp_server.commands.output import is_terminal, write_json, write_text
from lsp_server.commands.target import Target, place_of, read_range


@click.command()
@click.argument("place", metavar="FILE[:LINE[-LINE]]")
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="The project's folder; found by itself if left out."
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def explain(place: str, workspace: Path | None, is_json: bool) -> None:
    """Explain the function at a line, some lines, or a whole file."""
    target = read_range(place)
    markdown = asyncio.run(_explain(target, workspace))
    if is_json:
        start, end = (
            place_of(target.text, offset)["line"] for offset in (target.span.start, target.span.end)
        )
        write_json({"markdown": markdown, "path": str(target.path), "lines": {"start": start, "end": end}})
    elif is_terminal():
        _print_rendered(markdown)
    else:
        write_text(markdown)


async def _explain(target: Target, workspace: Path | None) -> str:
    from lsp_server.commands.headless import open_file

    async with open_file(target.path, target.text, workspace, {}) as file:
        await file.wait_for_index()
        return await file.session.explain(file.snapshot, target.span, lambda piece: None)


def _print_rendered(markdown: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(markdown))
