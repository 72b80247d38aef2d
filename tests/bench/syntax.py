"""How long the syntax tree at the cursor takes to read, and how often it decides.

    python -m tests.bench.syntax [DIR ...] [--places N]

Prints one table: for the files of each language in the folders (this project's own, if left out), at the ends
of random lines and in empty ones below them. In processor time, which a busy machine changes
least. Judges nothing.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.demo.screen import percentile
from lsp_server.index.languages import LANGUAGES, language_of
from lsp_server.index.syntax_place import read_syntax_place

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / name for name in ("lsp_server", "model", "editors", "tests")]
PASSED_OVER = {"node_modules", ".venv", "out", "dist"}
READ = {language.id for language in LANGUAGES if language.bodies}


def find_files(folders: list[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in folder.rglob("*.*") if path.is_file()):
        language = language_of(path.name)
        if language is not None and language.id in READ and not PASSED_OVER & set(path.parts):
            found[language.id].append(path)
    return found


def measure(paths: list[Path], language_id: str, n_places: int) -> tuple[list[float], int]:
    """Processor milliseconds of each reading, and how many of them decided."""
    chance, took, n_decided = random.Random(7), [], 0
    read_syntax_place("", "", language_id, "")  # the grammar is loaded once
    for _ in range(n_places):
        path = chance.choice(paths)
        text = path.read_text("utf-8", errors="replace")
        end = text.find("\n", chance.randrange(len(text) or 1))
        before, after = (text[:end], text[end:]) if end >= 0 else (text, "")
        if chance.random() < 0.5:
            line = before[before.rfind("\n") + 1 :]
            before += "\n" + line[: len(line) - len(line.lstrip())]
        started = time.thread_time()
        place = read_syntax_place(before, after, language_id, path.as_posix())
        took.append(1000 * (time.thread_time() - started))
        n_decided += place is not None
    return took, n_decided


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, default=FOLDERS)
    parser.add_argument("--places", type=int, default=400)
    options = parser.parse_args()
    table = Table("language", "files", "places", "p50 ms", "p95 ms", "max ms", "decided")
    for language_id, paths in find_files(options.folders).items():
        took, n_decided = measure(paths, language_id, options.places)
        figures = [f"{percentile(took, 50):.2f}", f"{percentile(took, 95):.2f}", f"{max(took):.2f}"]
        share = f"{100 * n_decided / len(took):.0f} %"
        table.add_row(language_id, str(len(paths)), str(len(took)), *figures, share)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
