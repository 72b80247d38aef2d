"""`edgewise eval [DIR]`: how much of your own code a model would have written for you, by a simulated typist.

Runs in the command-line process, over the real server. Must not know how anything is typed or judged.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import click

from lsp_server.commands.failure import BadArgument
from lsp_server.commands.output import build_console, write_json, write_note


@click.command("eval")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--functions", "n_functions", default=20, show_default=True, type=click.IntRange(1, 10_000),
              help="How many functions are written again.")  # fmt: skip
@click.option("--model", "model_name", metavar="M", help="A model's name or the path of a GGUF file.")
@click.option("--seed", default=3, show_default=True, help="Another seed is other functions.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def evaluate(folder: Path, n_functions: int, model_name: str | None, seed: int, is_json: bool) -> None:
    """Write functions of DIR again and count what suggestions would have spared. Nothing is written into DIR;
    ignored files and files that may hold secrets are left out."""
    if not folder.is_dir():
        raise BadArgument(f"{folder} is not a folder: name the folder of a project.")
    from lsp_server.bench.evaluate import Wanted, run
    from lsp_server.bench.typist import rows
    from lsp_server.commands.headless import model_values, quiet_logs
    from lsp_server.settings import Layer, load

    quiet_logs()
    settings, _ = load(Layer("command line", model_values(model_name)))
    found = asyncio.run(run(Wanted(folder.resolve(), n_functions, seed), settings, _Progress(n_functions)))
    if is_json:
        write_json(asdict(found))
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, title=f"written with {found.model}", title_justify="left")
    for name, figure in rows(found):
        table.add_row(name, figure)
    build_console().print(table)


class _Progress:
    """A note now and then, since it takes minutes."""

    def __init__(self, total: int) -> None:
        self._n_done, self._total = 0, total

    def __call__(self) -> None:
        self._n_done += 1
        if self._n_done % 5 == 0:
            write_note(f"edgewise: {self._n_done} of {self._total} functions")
