"""`edgewise bench ...`: the table of benchmarks. Each prints one table, or JSON; none judges.

Runs in the command-line process. A benchmark's module is imported when it is run. Must not know any of them.
"""

from __future__ import annotations

import importlib

import click

# Benchmark -> (where it is defined, what `edgewise bench --help` says of it).
BENCHMARKS: dict[str, tuple[str, str]] = {
    "index": (
        "lsp_server.commands.bench_index:index",
        "Indexing beside tree-sitter alone and universal-ctags.",
    ),
}


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


@click.group(cls=LazyBenchmarks)
def bench() -> None:
    """Measure this installation on this machine, beside other tools in the same run."""
