"""`edgewise symbols QUERY`: definitions of a workspace by the letters of their names.

Runs in the command-line process, over the session's own index service. Must not know SQL or LSP.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsp_server.commands.failure import BadArgument
from lsp_server.commands.index import open_index
from lsp_server.commands.output import write_json, write_note, write_text

if TYPE_CHECKING:
    from lsp_server.types import Symbol


@click.command()
@click.argument("query")
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="The project's folder; found by itself if left out."
)
@click.option("--limit", metavar="N", default=50, show_default=True, help="At most so many.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def symbols(query: str, workspace: Path | None, limit: int, is_json: bool) -> None:
    """Print where names like QUERY are defined, best first: `gtu` finds `getUser`."""
    if not query or limit < 1:
        raise BadArgument("There is nothing to look for: give some letters of a name and a positive --limit.")
    found = asyncio.run(_find(query, _root_of(workspace), limit))
    if is_json:
        write_json({"symbols": [_build_item(symbol) for symbol in found]})
        return
    for symbol in found:
        write_text(_line(symbol))
    if not found:
        write_note(f"No definition's name has the letters of “{query}” in this order.")


def _root_of(workspace: Path | None) -> Path:
    from lsp_server.commands.headless import check_workspace, find_workspace

    check_workspace(workspace)
    return workspace.resolve() if workspace else find_workspace(Path.cwd() / "file")


async def _find(query: str, root: Path, limit: int) -> tuple[Symbol, ...]:
    async with open_index(root) as service:
        return await service.symbols_matching(query, limit)


def _build_item(symbol: Symbol) -> dict[str, Any]:
    return {
        "name": symbol.name,
        "kind": symbol.kind.value,
        "container": symbol.container,
        "path": symbol.path,
        "line": symbol.line + 1,
        "signature": symbol.signature,
    }


def _line(symbol: Symbol) -> str:
    container = f"{symbol.container}." if symbol.container else ""
    signature = symbol.signature.partition("\n")[0].strip()
    return f"{symbol.path}:{symbol.line + 1}: {symbol.kind.value} {container}{symbol.name}: {signature}"
