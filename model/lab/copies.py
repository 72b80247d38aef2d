"""Rows whose text names what only their snippets define: what teaches a small net to look at its snippets.

In an ordinary row few tokens can be copied from a snippet, so a short run learns to do without. Here windows
are chosen by how many such names they hold, snippets stand first as in a prompt (LAYOUT.md), and the tokens
of each name's first occurrence are targets of a kind of their own, `COPIED`: they weigh more, and their loss,
with the snippets and without, tells early whether snippets are read. Knows nothing of the network.

Run: `python -m model.lab.copies --corpus FILE --tokenizer T --out ROWS`.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TypeAlias

import numpy as np

from model.lab.corpus import SourceFile
from model.lab.samples import (
    CONTEXT,
    COPIED,
    NO_LOSS,
    SNIPPET,
    Ids,
    Kinds,
    Recipe,
    Source,
    encode_context,
    read_corpus,
    read_sources,
)
from model.lab.signatures import build_snippets
from model.lab.tokenizer import Tokenizer

NAME = re.compile(r"[A-Za-z_]\w{3,}")
CHARS_A_TOKEN = 3.3
MIN_NAMES = 3  # in a window, of definitions in other files
Made: TypeAlias = tuple[int, Ids, Kinds]  # how many tokens are copied, and the row


@dataclass(frozen=True)
class Copying:
    """What rows to build."""

    n_time: int = 1024
    n_snippet_chars: int = 1200
    share: float = 1.0  # of the files
    package_rows: int = 150  # at most from one package, so that no single style rules
    is_told: bool = True  # False leaves the snippets out, for comparison: same windows, same targets
    seed: int = 1


def piece_starts(tokenizer: Tokenizer, ids: Ids) -> list[int]:
    """The offset at which each token of an ASCII text begins."""
    processor = tokenizer.processor
    lengths = (1 if processor.is_byte(i) else len(processor.id_to_piece(i)) for i in ids)
    return [0, *itertools.accumulate(lengths)][: len(ids)]


def first_mentions(text: str, names: frozenset[str]) -> list[tuple[int, int]]:
    """Where each of the names first stands in a text."""
    seen: set[str] = set()
    spans = []
    for match in NAME.finditer(text):
        if match[0] in names and match[0] not in seen:
            seen.add(match[0])
            spans.append(match.span())
    return spans


def mark_copies(tokenizer: Tokenizer, text: str, ids: Ids, spans: list[tuple[int, int]]) -> Kinds:
    """COPIED for every token that begins in one of the spans, and for one that holds a span's beginning."""
    starts = piece_starts(tokenizer, ids)
    kinds = [CONTEXT] * len(ids)
    for start, end in spans:
        first = bisect.bisect_right(starts, start) - 1
        last = bisect.bisect_left(starts, end)
        kinds[first:last] = [COPIED] * (last - first)
    return kinds


def encode_half_typed(tokenizer: Tokenizer, text: str, at: int) -> Ids:
    """Cut at a character and tokenised apart, as where a cursor stands in a half-typed word."""
    return [i for part in tokenizer.encode_many([text[:at], text[at:]]) for i in part]


class CopyRows:
    """Cuts the files of one package into rows: snippets, path, a window that uses the snippets' names."""

    def __init__(self, tokenizer: Tokenizer, recipe: Copying) -> None:
        self.tokenizer, self.recipe = tokenizer, recipe
        self.rng = random.Random(recipe.seed)

    def rows(self, sources: list[Source]) -> Iterator[Made]:
        """Every window of every file that holds enough names, half of each window new."""
        for source in sources:
            names = frozenset(s.name for s in source.used if len(s.name) > 3)
            lines = source.file.text.splitlines(keepends=True)
            ends = list(itertools.accumulate(map(len, lines)))
            n_chars = int(CHARS_A_TOKEN * self.recipe.n_time) - self.recipe.n_snippet_chars
            at = 0
            while names and at < len(lines):
                start = ends[at - 1] if at else 0
                last = max(at + 1, bisect.bisect_right(ends, start + n_chars))
                window = "".join(lines[at:last])
                if window.isascii() and len(names.intersection(NAME.findall(window))) >= MIN_NAMES:
                    yield self.row(source, window)
                at += max(1, (last - at) // 2)

    def row(self, source: Source, window: str) -> Made:
        """One row, padded. Snippets give the names, the window's tokens that repeat them are marked."""
        rng, tokenizer, width = self.rng, self.tokenizer, self.recipe.n_time + 1
        package = source.file.package.removeprefix("npm:")
        n_chars = rng.randint(self.recipe.n_snippet_chars // 3, self.recipe.n_snippet_chars)
        snippets = build_snippets(source.used, window, n_chars, rng)
        header = package if rng.random() < 0.7 else None
        told = snippets if self.recipe.is_told else []
        context = encode_context(tokenizer, header, told, source.file.path)
        names = frozenset(NAME.findall("\n".join(text for _, text in snippets)))
        spans = first_mentions(window, names & {s.name for s in source.used})
        at = rng.choice(spans)[0] + rng.randint(1, 3) if spans else 0
        ids = encode_half_typed(tokenizer, window, at)
        kinds = mark_copies(tokenizer, window, ids, spans)
        head = [SNIPPET if i > 7 else NO_LOSS for i in context]
        ids, kinds = ([*context, *ids, tokenizer.end][:width], [*head, *kinds, CONTEXT][:width])
        room = width - len(ids)
        return kinds.count(COPIED), ids + [tokenizer.pad] * room, kinds + [NO_LOSS] * room


def package_copies(files: list[SourceFile], tokenizer_path: Path, recipe: Copying) -> list[Made]:
    """The rows of one package in which most is copied."""
    python = [file for file in files if file.language == "python"]
    sources = read_sources(python, Recipe(share=recipe.share, seed=recipe.seed))
    made = list(CopyRows(Tokenizer(tokenizer_path), recipe).rows(sources))
    return sorted(made, key=lambda row: -row[0])[: recipe.package_rows]


def build_copies(corpus: Path, tokenizer: Path, recipe: Copying, out: Path, n_workers: int) -> None:
    """Writes an `.npz` of `ids` and `kinds`, in random order."""
    with Pool(n_workers) as pool:
        by_package = pool.map(
            partial(package_copies, tokenizer_path=tokenizer, recipe=recipe), read_corpus(corpus), chunksize=1
        )
    made = [row for rows in by_package for row in rows if row[0]]
    order = np.random.default_rng(recipe.seed).permutation(len(made))
    np.savez(
        out,
        ids=np.array([made[i][1] for i in order], np.uint16),
        kinds=np.array([made[i][2] for i in order], np.uint8),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="train.jsonl or heldout.jsonl")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help=".npz")
    parser.add_argument("--time", type=int, default=1024, help="tokens in a row")
    parser.add_argument("--snippet-chars", type=int, default=1200)
    parser.add_argument("--share", type=float, default=1.0, help="of the files that become rows")
    parser.add_argument("--package-rows", type=int, default=150)
    parser.add_argument("--untold", action="store_true", help="the same rows without their snippets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    recipe = Copying(args.time, args.snippet_chars, args.share, args.package_rows, not args.untold, args.seed)
    build_copies(args.corpus, args.tokenizer, recipe, args.out, args.workers)
    with np.load(args.out) as made:
        kinds = np.bincount(made["kinds"].ravel(), minlength=5) / made["kinds"].size
        print(json.dumps({"rows": len(made["ids"]), "kinds": [round(float(k), 4) for k in kinds]}))


if __name__ == "__main__":
    main()
