"""`edgewise index [DIR]`: bring the index of a folder up to date, and say what is in it and what is not.

Runs in the command-line process, over the session's own index service. Must not know SQL or LSP.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsp_server.commands.failure import BadArgument, CommandFailed
from lsp_server.commands.output import write_json, write_note, write_text

if TYPE_CHECKING:
    from lsp_server.index.folder import Progress
    from lsp_server.index.service import IndexService, IndexStatus

_SHOWN_PATHS = 5


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def index(folder: Path, is_json: bool) -> None:
    """Bring the index of DIR up to date (the current folder if left out), and say what is in it."""
    if not folder.is_dir():
        raise BadArgument(f"{folder} is not a folder: name the folder of the project.")
    answer = asyncio.run(_index(folder.resolve(), show_bar=not is_json and sys.stderr.isatty()))
    if is_json:
        write_json(answer)
    else:
        _print(answer)


async def _index(root: Path, *, show_bar: bool) -> dict[str, Any]:
    started = time.perf_counter()
    with open_bar() if show_bar else no_bar() as on_progress:
        async with open_index(root, on_progress) as service:
            seconds = time.perf_counter() - started
            status = service.status
    if not status.is_ready:
        raise CommandFailed(" ".join(status.problems) or f"{root} was not read: see `edgewise doctor`.")
    return _build_answer(root, status, seconds)


@asynccontextmanager
async def open_index(
    root: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> AsyncIterator[IndexService]:
    """The index of one folder, up to date."""
    from lsp_server.commands.headless import quiet_logs
    from lsp_server.index.service import IndexService
    from lsp_server.settings import cache_folder, load

    quiet_logs()
    settings, _ = load()
    enabled = settings.index.model_copy(update={"enabled": True})
    service = IndexService([root], cache_folder(), enabled, on_progress)
    try:
        await service.start(watch=False)
        await service.wait_ready()
        yield service
    finally:
        await service.aclose()


@contextmanager
def no_bar() -> Iterator[Callable[[Progress], None]]:
    yield lambda _: None


@contextmanager
def open_bar() -> Iterator[Callable[[Progress], None]]:
    """On stderr: a pipe gets the summary alone."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from lsp_server.index.messages import Step

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(str(Step.READING).capitalize(), total=None)

        def show(progress: Progress) -> None:
            said = str(progress.step).capitalize()
            bar.update(task, description=said, completed=progress.n_done, total=progress.n_total or None)

        yield show


def _build_answer(root: Path, status: IndexStatus, seconds: float) -> dict[str, Any]:
    return {
        "root": str(root),
        "files": status.n_files,
        "symbols": status.n_symbols,
        "parsed": status.n_parsed,
        "seconds": round(seconds, 3),
        "n_skipped": status.n_skipped,
        "skipped": [
            {"path": item.path, "reason": item.reason.value, "detail": item.detail} for item in status.skipped
        ],
        "problems": list(status.problems),
    }


def _print(answer: dict[str, Any]) -> None:
    for problem in answer["problems"]:
        write_note(f"edgewise: {problem}")
    write_text(
        f"{answer['files']} files, {answer['symbols']} symbols in {answer['seconds']:.1f} s "
        f"({answer['parsed']} read, {answer['files'] - answer['parsed']} unchanged)"
    )
    for line in skipped_lines(answer["skipped"], answer["n_skipped"]):
        write_text(line)


def skipped_lines(skipped: list[dict[str, str]], n_skipped: int) -> Iterator[str]:
    """By reason, the most frequent first, with the first few paths of each."""
    reasons = Counter(item["reason"] for item in skipped)
    for reason, count in reasons.most_common():
        paths = [_described(item) for item in skipped if item["reason"] == reason]
        more = f" and {count - _SHOWN_PATHS} more" if count > _SHOWN_PATHS else ""
        yield f"skipped, {reason}: {', '.join(paths[:_SHOWN_PATHS])}{more}"
    if n_skipped > len(skipped):
        yield f"skipped, besides: {n_skipped - len(skipped)}"


def _described(item: dict[str, str]) -> str:
    return f"{item['path']} ({item['detail']})" if item["detail"] else item["path"]
