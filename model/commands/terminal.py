"""How model commands speak: JSON for programs on stdout, notes and progress for people on stderr.

Runs in the model commands. Must not know any of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.progress import Progress

EXIT_INTERRUPTED: Final = 130

json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


def write_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


class Terminal:
    """See `model.pull.Watcher`. A bar where there is a terminal to draw it on, otherwise silence."""

    def say(self, sentence: str) -> None:
        click.echo(sentence, err=True)

    @contextmanager
    def track(self, label: str, n_bytes: int, n_done: int = 0) -> Iterator[Callable[[int], None]]:
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        with _build_progress() as progress:
            task = progress.add_task(label, total=n_bytes, completed=n_done)
            yield lambda n: progress.advance(task, n)

    @contextmanager
    def count(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar of things that are no bytes."""
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        with _build_progress(is_of_bytes=False) as progress:
            task = progress.add_task(label, total=total)
            yield lambda n: progress.advance(task, n)


def _build_progress(*, is_of_bytes: bool = True) -> Progress:
    from rich import progress
    from rich.console import Console

    amounts = (progress.DownloadColumn(), progress.TransferSpeedColumn()) if is_of_bytes else ()
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        *amounts,
        progress.TimeRemainingColumn(),
    )
    return progress.Progress(*columns, console=Console(stderr=True))


@contextmanager
def interruptible(sentence: str, *, is_json: bool) -> Iterator[None]:
    """Ctrl-C ends the command with a sentence and the exit code that shells know."""
    try:
        yield
    except KeyboardInterrupt:
        if is_json:
            write_json({"error": sentence})
        else:
            click.echo(f"edgewise: {sentence}", err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
