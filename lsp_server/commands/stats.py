"""`edgewise stats`: what the last sessions of every window come to, as a table, as JSON or as a page.

Runs in the command-line process. Reads what sessions have written; starts nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from lsp_server.commands.failure import CommandFailed
from lsp_server.commands.output import build_console, write_json, write_note


@click.command()
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a page with drawings, which needs no network.")  # fmt: skip
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def stats(page: Path | None, is_json: bool) -> None:
    """Show how fast suggestions were, where they came from and how many were taken."""
    from lsp_server.journal import journal_folder, read_records
    from lsp_server.settings import cache_folder
    from lsp_server.stats import rows, summarise

    records = read_records(journal_folder(cache_folder()))
    if page is not None:
        from lsp_server.plots import render

        _write_page(page, render(records))
    summary = summarise(records)
    if is_json:
        write_json(asdict(summary))
    elif page is None:
        _print_table(rows(summary))


def _write_page(page: Path, html: str) -> None:
    try:
        page.write_text(html, "utf-8")
    except OSError as error:
        raise CommandFailed(f"{page} cannot be written ({error.strerror}): choose another file.") from error
    write_note(f"Written to {page}.")


def _print_table(lines: list[tuple[str, str, str]]) -> None:
    from rich.table import Table

    table = Table(box=None)
    for name in ("", "p50 or count", "p95"):
        table.add_column(name, justify="left" if not name else "right")
    for line in lines:
        table.add_row(*line)
    build_console().print(table)
