"""`edgewise settings`: every setting, its value here, and what it is for.

Runs in the command-line process. Reads the definitions themselves, so the list cannot be out of date.
"""

from __future__ import annotations

import json
from typing import Any

import click

from lsp_server import settings as definitions
from lsp_server.commands.output import write_json, write_note, write_text


@click.command()
@click.option(
    "--markdown", "is_markdown", is_flag=True, help="Print the table of defaults that the README holds."
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def settings(is_markdown: bool, is_json: bool) -> None:
    """List every setting: its value, its default and what it is for."""
    if is_markdown:
        write_text(build_markdown())
        return
    values, problems = definitions.load()
    rows = [_row(name, values) for name in definitions.setting_names()]
    if is_json:
        complaints = [str(problem) for problem in problems]
        write_json({"file": str(definitions.config_file()), "settings": rows, "problems": complaints})
        return
    write_text(f"# {definitions.config_file()}\n" + "\n".join(_line(row) for row in rows))
    for problem in problems:
        write_note(f"edgewise: {problem}")


def build_markdown() -> str:
    """The settings table of the README."""
    rows = [
        f"| `{name}` | `{_shown(field.default)}` | {field.description} |"
        for name in definitions.setting_names()
        for field in [definitions.field_info(name)]
    ]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows]) + "\n"


def _row(name: str, values: definitions.Settings) -> dict[str, Any]:
    section, _, field = name.partition(".")
    about = definitions.field_info(name)
    return {
        "name": name,
        "value": getattr(getattr(values, section), field),
        "default": about.default,
        "description": about.description,
    }


def _line(row: dict[str, Any]) -> str:
    changed = "" if row["value"] == row["default"] else f"  (default: {_shown(row['default'])})"
    return f"{row['name']} = {_shown(row['value'])}{changed}\n    {row['description']}"


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
