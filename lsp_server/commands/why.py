"""`edgewise why`: the last request in sentences.

Runs in the command-line process. Reads what sessions have written; starts nothing.
"""

from __future__ import annotations

from dataclasses import asdict

import click

from lsp_server.commands.output import write_json, write_text


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def why(is_json: bool) -> None:
    """Say why there was no suggestion for the last request, or where its time went."""
    from lsp_server.journal import journal_folder, read_records
    from lsp_server.settings import cache_folder
    from lsp_server.stats import requests_of
    from lsp_server.why import explain_last

    requests = requests_of(read_records(journal_folder(cache_folder())))
    sentences = explain_last(requests)
    if is_json:
        write_json({"sentences": sentences, "record": asdict(requests[-1]) if requests else None})
    else:
        write_text("\n".join(sentences))
