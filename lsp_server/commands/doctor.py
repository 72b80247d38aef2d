"""`edgewise doctor`: is everything here that edgewise needs, and what to do about what is not.

Runs in the command-line process. Must not know how a check is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import click

from lsp_server.commands.failure import EXIT_FAILED
from lsp_server.commands.output import build_console, write_json


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(is_json: bool) -> int:
    """Check Python, engines, model, socket folder and editors. Exit code 1 when something is broken."""
    from lsp_server.doctor import Check, Verdict, run_checks
    from lsp_server.settings import load

    settings, _ = load()
    checks: Iterable[Check] = run_checks(settings)
    if is_json:
        checks = list(checks)
        is_ok = not any(check.verdict is Verdict.BROKEN for check in checks)
        write_json({"ok": is_ok, "checks": [asdict(check) for check in checks]})
        return 0 if is_ok else EXIT_FAILED
    n_broken = 0
    for check in checks:
        _print_check(check.verdict, f"{check.name}: {check.message}", check.cure)
        n_broken += check.verdict is Verdict.BROKEN
    build_console().print(
        "Everything needed is in order." if not n_broken else f"{n_broken} broken: see “mend” above."
    )
    return EXIT_FAILED if n_broken else 0


_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "broken": ("BROKEN", "bold red")}


def _print_check(verdict: str, message: str, cure: str) -> None:
    from rich.text import Text

    mark, style = _MARKS[verdict]
    console = build_console()
    console.print(Text.assemble((f"{mark:<7}", style), message))
    if cure:
        console.print(Text.assemble(" " * 7, ("mend: ", "bold"), cure))
