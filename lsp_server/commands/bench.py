"""`edgewise bench`: typing traces replayed beside other tools' strategies, and the other benchmarks.

Runs in the command-line process. A benchmark's module is imported when it is run. Each prints one table, or
JSON; none judges. Must not know how anything is measured.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsp_server.commands.failure import BadArgument, CommandFailed
from lsp_server.commands.output import build_console, write_json, write_note, write_text

if TYPE_CHECKING:
    from lsp_server.bench.report import Report
    from lsp_server.settings import Settings

# Benchmark -> (where it is defined, what `edgewise bench --help` says of it).
BENCHMARKS: dict[str, tuple[str, str]] = {
    "index": (
        "lsp_server.commands.bench_index:index",
        "Indexing beside tree-sitter alone and universal-ctags.",
    ),
}
N_CTX = 4096  # of a model of random weights
CONTENDERS = ("vscode", "neovim", "model", "llama.vim", "continue", "tabby", "engine")


class LazyBenchmarks(click.Group):
    """Imports a benchmark only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(BENCHMARKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in BENCHMARKS:
            return None
        module, _, attribute = BENCHMARKS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Benchmarks"):
            formatter.write_dl([(name, about) for name, (_, about) in BENCHMARKS.items()])


@click.group(cls=LazyBenchmarks, invoke_without_command=True)
@click.option("--dir", "folder", type=click.Path(path_type=Path), metavar="DIR",
              help="Type functions of this folder. Left out: of code that comes along.")  # fmt: skip
@click.option("--keystrokes", "n_keys", default=260, show_default=True, type=click.IntRange(1, 100_000),
              help="Keys for each contender, typed in real time.")  # fmt: skip
@click.option("--only", "only", multiple=True, type=click.Choice(CONTENDERS),
              help="Replay only this contender; may be given again.")  # fmt: skip
@click.option("--overhead", "n_overhead", default=80, show_default=True, type=click.IntRange(0, 10_000),
              help="Keys for the server beside the engine; 0: none.")  # fmt: skip
@click.option("--seed", default=3, show_default=True, help="Another seed is another trace.")
@click.option("--model", "model_name", metavar="M", help="A model's name or the path of a GGUF file.")
@click.option("--shape", "shape", metavar="NAME",
              help="Random weights of a catalogue model's shape: nothing is downloaded.")  # fmt: skip
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a page with drawings, which needs no network.")  # fmt: skip
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.pass_context
def bench(
    ctx: click.Context,
    folder: Path | None,
    n_keys: int,
    only: tuple[str, ...],
    n_overhead: int,
    seed: int,
    model_name: str | None,
    shape: str | None,
    page: Path | None,
    is_json: bool,
) -> None:
    """Type functions again as a person would, through the real server and through other tools' strategies on
    the same engine, and print how long answers took and how much was computed for them."""
    if ctx.invoked_subcommand is not None:
        return
    if model_name and shape:
        raise BadArgument("--model and --shape name two models: give one of them.")
    from lsp_server.bench.run import Wanted, run
    from lsp_server.commands.headless import check_workspace, quiet_logs

    check_workspace(folder)
    quiet_logs()
    named = folder.resolve() if folder else None
    wanted = Wanted(named, only or CONTENDERS, n_keys, n_overhead, seed)
    with settings_for(model_name, shape) as settings:
        report = asyncio.run(run(wanted, settings, lambda step: write_note(f"edgewise: {step}")))
    _show(report, page, is_json=is_json)


@contextmanager
def settings_for(model_name: str | None, shape: str | None) -> Iterator[Settings]:
    """The user's own, with this model. A model of random weights lasts as long as the block."""
    from lsp_server.commands.headless import model_values
    from lsp_server.settings import Layer, load

    if shape is None:
        yield load(Layer("command line", model_values(model_name)))[0]
        return
    from model import calibrate
    from model.commands.measuring import parse_shape
    from model.shapes import write_random
    from model.store import resolve_model

    asked = parse_shape(shape)
    write_note(f"edgewise: writing random weights, {asked.title} as {asked.quant}")
    with calibrate.temporary_file() as path:
        builtin = resolve_model("builtin")
        write_random(path, asked.shape, asked.quant, N_CTX, lambda _: None, vocabulary=builtin)
        yield load(Layer("command line", {"model.name": str(path), "model.adapter": "none"}))[0]


def _show(report: Report, page: Path | None, *, is_json: bool) -> None:
    from lsp_server.bench.report import draw, render, summary

    if page is not None:
        try:
            page.write_text(render(report), "utf-8")
        except OSError as error:
            raise CommandFailed(
                f"{page} cannot be written ({error.strerror}): choose another file."
            ) from error
        write_note(f"Written to {page}.")
    if is_json:
        write_json(report.to_json())
    else:
        build_console().print(draw(report))
        write_text("\n".join(summary(report)))
