"""What finding definitions, references and imports costs beside tree-sitter's parse alone, for each language.

    python -m tests.bench.index.extraction [FOLDER ...] [--files N]

Every file is read once; then, in turns, it is only parsed, and taken from bytes to packed rows as the index
worker does, which looks for garbage no more often. Seconds are the processor's, of the best of five rounds:
on a busy machine those of the clock say nothing, and even these only by their ratios within one run.
Languages that the folders hold nothing of are measured on their golden sample: those rows have a star.
"""

from __future__ import annotations

import argparse
import gc
import sysconfig
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tree_sitter import Parser

from lsp_server.index.crawl import FoundFile, Limits, crawl
from lsp_server.index.extractor import parse_source
from lsp_server.index.grammars import grammar_of
from lsp_server.index.languages import LANGUAGES, Language, language_of
from tests.lsp_server.index.golden import samples

N_ROUNDS = 5
N_COPIES = 20
MIN_BYTES = 20_000


@dataclass(frozen=True)
class Row:
    """One language. `is_sample`: measured on its golden sample."""

    language: str
    n_files: int
    n_bytes: int
    parse_s: float
    index_s: float
    is_sample: bool

    @property
    def ratio(self) -> float:
        return self.index_s / self.parse_s


def measure(folders: Iterable[Path], n_files: int) -> list[Row]:
    """One row a language, in the order of the table of languages."""
    found = sources(folders, n_files)
    return [row_of(language, *(found.get(language.id) or sample_of(language))) for language in LANGUAGES]


def sources(folders: Iterable[Path], n_files: int) -> dict[str, tuple[list[tuple[str, bytes]], bool]]:
    """(files, False) of each language that the folders hold enough of."""
    files: dict[str, list[tuple[str, bytes]]] = {}
    for path in _files(folders):
        language = language_of(path.name)
        if language is not None and len(files.setdefault(language.id, [])) < n_files:
            files[language.id].append((path.name, path.read_bytes()))
    return {
        name: (listed, False)
        for name, listed in files.items()
        if sum(len(content) for _, content in listed) >= MIN_BYTES
    }


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for item in crawl(folder, Limits(max_files=1_000_000)):
            if isinstance(item, FoundFile):
                yield folder / item.path


def sample_of(language: Language) -> tuple[list[tuple[str, bytes]], bool]:
    path = next(path for path in samples() if path.parent.name == language.id)
    return [(path.name, path.read_bytes() * N_COPIES)], True


def row_of(language: Language, files: list[tuple[str, bytes]], is_sample: bool) -> Row:
    parser = Parser(grammar_of(language))
    parse_s = index_s = 0.0
    for name, content in files:
        alone, whole = [], []
        for _ in range(N_ROUNDS):
            started = time.process_time()
            parser.parse(content)
            between = time.process_time()
            parse_source(name, content)
            alone.append(between - started)
            whole.append(time.process_time() - between)
        parse_s += min(alone)
        index_s += min(whole)
    return Row(
        language.id, len(files), sum(len(content) for _, content in files), parse_s, index_s, is_sample
    )


def draw(rows: list[Row]) -> Table:
    table = Table(title="From bytes to symbols, beside tree-sitter's parse alone")
    for name in ("language", "files", "MB", "parse s", "parse MB/s", "all s", "all MB/s", "ratio"):
        table.add_column(name, justify="left" if name == "language" else "right")
    for row in rows:
        megabytes = row.n_bytes / 1e6
        table.add_row(
            row.language + ("*" if row.is_sample else ""),
            str(row.n_files),
            f"{megabytes:.2f}",
            f"{row.parse_s:.2f}",
            f"{megabytes / row.parse_s:.1f}",
            f"{row.index_s:.2f}",
            f"{megabytes / row.index_s:.1f}",
            f"{row.ratio:.2f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path(sysconfig.get_path("stdlib"))])
    parser.add_argument("--files", type=int, default=100, help="at most so many of each language")
    arguments = parser.parse_args()
    gc.disable()
    Console().print(draw(measure(arguments.folders, arguments.files)))


if __name__ == "__main__":
    main()
