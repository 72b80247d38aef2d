"""`edgewise model tune [PATH]`: which files of a folder are learned from; the learning is the model's.

Runs in the command-line process. Knows the index's rules: what is ignored, too large, minified, not UTF-8 or
may hold secrets is not read. Writes nothing into the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import click

from lsp_server.commands.failure import BadArgument
from lsp_server.index.crawl import FoundFile, Limits, Skipped, crawl, read_source
from lsp_server.index.crawl import SkipReason as Reason
from lsp_server.index.source import decode
from lsp_server.settings import IndexSettings, cache_folder, load

MAX_CHARS = 40_000_000  # more than any run of minutes could see


@click.command()
@click.argument("folder", metavar="[PATH]", default=".", type=click.Path(path_type=Path))
@click.option("--minutes", default=8.0, show_default=True, type=click.FloatRange(0.05, 600),
              help="How long to train.")  # fmt: skip
@click.option("--lines", "n_cases", default=200, show_default=True, type=click.IntRange(10, 5000),
              help="Held-out lines to judge by.")  # fmt: skip
@click.option("--remove", "is_removal", is_flag=True, help="Take the adapter away that was installed.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def tune(folder: Path, minutes: float, n_cases: int, is_removal: bool, is_json: bool) -> int:
    """Teach the built-in model your own code: train an adapter, judge it, keep it if it helps."""
    from model.commands import tuning

    if is_removal:
        return tuning.run_remove(is_json=is_json)
    if not folder.is_dir():
        raise BadArgument(f"{folder} is not a folder: name the folder of a project.")
    tuning.check_extra()
    root = folder.resolve()
    texts = list(read_texts(root, load()[0].index))
    workspace = tuning.Workspace(root, texts, choose_scratch(root))
    return tuning.run_tune(workspace, tuning.Request(minutes, n_cases, is_json))


def read_texts(root: Path, settings: IndexSettings) -> Iterator[tuple[str, str]]:
    """Path and text of each file that the index would read."""
    limits = Limits(settings.max_files, settings.max_file_bytes, settings.exclude)
    n_chars = 0
    for found in crawl(root, limits):
        content = (
            read_source(root / found.path, settings.max_file_bytes) if isinstance(found, FoundFile) else None
        )
        if content is None or isinstance(content, Skipped):
            continue
        text = decode(content)
        if isinstance(text, Reason) or not text.strip():
            continue
        n_chars += len(text)
        if n_chars > MAX_CHARS:
            return
        yield found.path, text


def choose_scratch(root: Path) -> Path:
    """Where a run that was cut is gone on with: one folder for each workspace."""
    name = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return cache_folder() / "tune" / name
