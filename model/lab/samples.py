"""Turns the corpus into training rows: token ids and, for each token, what kind of target it is. The layout
is LAYOUT.md's.

A row holds whole samples, never a part of one: the next sample's window is chosen to fit what is left of the
row, so a middle always has its context and little is padding. Knows nothing of the network. Run: `python -m
model.lab.samples --corpus DIR --out FILE`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from model.lab.corpus import SourceFile
from model.lab.cuts import Cut, parse_python, pick_cut, syntax_spans
from model.lab.signatures import PackageIndex, Signature, build_snippets
from model.lab.tokenizer import Tokenizer

FIM_RATE, SPM_RATE, REPO_RATE, PATH_RATE, TYPED_RATE = 0.75, 0.35, 0.25, 0.6, 0.3
SMALLEST_WINDOW = 96  # tokens; less room than this at the end of a row is padded
N_CUTS = 2  # drawn, and the later one taken: an editor shows more prefix than suffix
NO_LOSS, CONTEXT, MIDDLE, SNIPPET, COPIED = range(5)  # kinds of target; the last one: copies.py
Ids: TypeAlias = list[int]
Kinds: TypeAlias = list[int]


@dataclass(frozen=True)
class Recipe:
    """What rows to build."""

    n_time: int = 512
    repo_rate: float = REPO_RATE
    fim_rate: float = FIM_RATE
    spm_rate: float = SPM_RATE
    long_rate: float = 0.0  # of the FIM samples whose middle is long, so that more of the targets are middle
    n_snippet_chars: int = 500
    share: float = 1.0  # of the files; the others still lend their signatures
    seed: int = 1


@dataclass(frozen=True)
class Source:
    """A file with what was read from its syntax."""

    file: SourceFile
    spans: list[Cut]
    used: list[Signature]


def encode_context(
    tokenizer: Tokenizer, name: str | None, snippets: list[tuple[str, str]], path: str | None
) -> Ids:
    """HEADER? SNIPPET* PATH?"""
    ids: Ids = [tokenizer.repo, *tokenizer.encode(name + "\n")] if name else []
    for snippet_path, text in snippets:
        ids += [tokenizer.file, *tokenizer.encode(snippet_path + "\n"), *tokenizer.encode(text + "\n")]
    return ids + ([tokenizer.file, *tokenizer.encode(path + "\n")] if path else [])


def encode_fim(
    tokenizer: Tokenizer, prefix: str, middle: list[str], suffix: str, *, is_spm: bool
) -> tuple[Ids, Kinds]:
    """PSM or SPM; `middle` may be in two parts, as when the second is to be typed after the first."""
    before, after, *parts = tokenizer.encode_many([prefix, suffix, *middle])
    inside = [i for part in parts for i in part] + [tokenizer.end]
    if is_spm:  # the middle goes on right after the prefix: no joint to learn
        context = [tokenizer.suffix, *after, tokenizer.middle, *before]
    else:
        context = [tokenizer.prefix, *before, tokenizer.suffix, *after, tokenizer.middle]
    marks = (tokenizer.prefix, tokenizer.suffix, tokenizer.middle)
    kinds = [NO_LOSS if i in marks else CONTEXT for i in context]
    return context + inside, kinds + [MIDDLE] * len(inside)


def encode_plain(tokenizer: Tokenizer, text: str) -> tuple[Ids, Kinds]:
    """TEXT<|endoftext|>"""
    ids = [*tokenizer.encode(text), tokenizer.end]
    return ids, [CONTEXT] * len(ids)


def pick_long_cut(window: str, rng: random.Random) -> Cut:
    """From any character to a later end of a line, or of the window."""
    start = rng.randrange(len(window))
    end = window.find("\n", rng.randint(start, len(window)))
    return Cut(start, end if end >= 0 else len(window))


class SampleBuilder:
    """Cuts the files of one package into samples that fit the rows."""

    def __init__(self, tokenizer: Tokenizer, recipe: Recipe) -> None:
        self.tokenizer, self.recipe = tokenizer, recipe
        self.rng = random.Random(recipe.seed)

    def context(self, source: Source, window: str) -> Ids:
        """Header, snippets and path, each of them present in a share of the samples only."""
        rng, path = self.rng, source.file.path
        name = source.file.package.removeprefix("npm:")
        if source.used and rng.random() < self.recipe.repo_rate:
            n_chars = rng.randint(100, self.recipe.n_snippet_chars)
            snippets = build_snippets(source.used, window, n_chars, rng)
            return encode_context(self.tokenizer, name if rng.random() < 0.7 else None, snippets, path)
        if rng.random() < PATH_RATE:
            return encode_context(self.tokenizer, name if rng.random() < 0.4 else None, [], path)
        return []

    def body(self, window: str, spans: list[Cut]) -> tuple[Ids, Kinds]:
        """The window as FIM or plain text."""
        rng = self.rng
        if rng.random() >= self.recipe.fim_rate or not window.strip():
            return encode_plain(self.tokenizer, window)
        is_long = rng.random() < self.recipe.long_rate
        cuts = [
            pick_long_cut(window, rng) if is_long else pick_cut(window, spans, rng) for _ in range(N_CUTS)
        ]
        cut = max(cuts, key=lambda c: c.start)
        middle = [window[cut.start : cut.end]]
        if rng.random() < TYPED_RATE and len(middle[0]) > 1:
            at = rng.randint(1, min(len(middle[0]) - 1, 40))
            middle = [middle[0][:at], middle[0][at:]]
        is_spm = rng.random() < self.recipe.spm_rate
        return encode_fim(self.tokenizer, window[: cut.start], middle, window[cut.end :], is_spm=is_spm)

    def sample(
        self, source: Source, lines: list[str], lengths: list[int], first: int, room: int
    ) -> tuple[Ids, Kinds, int]:
        """One sample of at most `room` tokens from line `first` on, and the line after it."""
        context = self.context(source, "".join(lines[first : first + room // 10]))
        if len(context) > room // 2:
            context = []
        last, n_tokens, budget = first, 0, room - len(context) - 1
        while last < len(lines) and n_tokens + lengths[last] <= budget - 12:  # a cut adds a few tokens
            n_tokens += lengths[last]
            last += 1
        if last == first:
            return [], [], first + 1
        window = "".join(lines[first:last])
        offset = sum(map(len, lines[:first]))
        inside = [
            Cut(s.start - offset, s.end - offset)
            for s in source.spans
            if offset <= s.start and s.end <= offset + len(window)
        ]
        ids, kinds = self.body(window, inside)
        if len(ids) > budget:
            ids, kinds = encode_plain(self.tokenizer, window)
        is_snippet = context.count(self.tokenizer.file) > 1
        head = [SNIPPET if is_snippet and i > 7 else NO_LOSS for i in context]
        return context + ids, head + kinds, last

    def samples(self, sources: list[Source]) -> Iterator[tuple[Ids, Kinds]]:
        """All samples of a package. `self.room` is what the row still takes."""
        for source in sources:
            lines = source.file.text.splitlines(keepends=True)
            lengths = [len(ids) for ids in self.tokenizer.encode_many(lines)]
            at = 0
            while at < len(lines):
                ids, kinds, at = self.sample(source, lines, lengths, at, self.pick_window())
                if ids:
                    yield ids, kinds

    def pick_window(self) -> int:
        """Often all the room, sometimes less: short windows have more middle in them and editors have short
        files too.
        """
        smaller = self.rng.randint(SMALLEST_WINDOW, max(SMALLEST_WINDOW, self.room))
        return self.room if self.rng.random() < 0.35 or self.room - smaller < SMALLEST_WINDOW else smaller

    def rows(self, sources: list[Source]) -> Iterator[tuple[Ids, Kinds]]:
        """Rows of `n_time + 1` tokens: the last one is only a target."""
        width = self.recipe.n_time + 1
        self.room = width
        ids: Ids = []
        kinds: Kinds = []
        for more_ids, more_kinds in self.samples(sources):
            ids, kinds = ids + more_ids, kinds + more_kinds
            self.room = width - len(ids)
            if self.room < SMALLEST_WINDOW:
                yield ids + [self.tokenizer.pad] * self.room, kinds + [NO_LOSS] * self.room
                ids, kinds, self.room = [], [], width


def read_sources(files: list[SourceFile], recipe: Recipe) -> list[Source]:
    """The files of one package with their syntax spans and the snippets that they may get."""
    rng = random.Random(recipe.seed)
    trees = {f.path: parse_python(f.text) if f.language == "python" else None for f in files}
    index = PackageIndex((path, tree) for path, tree in trees.items() if tree)
    sources = []
    for file in (f for f in files if rng.random() < recipe.share):
        tree = trees[file.path]
        spans = syntax_spans(file.text, tree) if tree else []
        used = index.used_by(file.path, file.text) if tree else []
        sources.append(Source(file, spans, used))
    rng.shuffle(sources)
    return sources


def package_rows(
    files: list[SourceFile], tokenizer_path: Path, recipe: Recipe
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """All rows of one package."""
    builder = SampleBuilder(Tokenizer(tokenizer_path), recipe)
    rows = list(builder.rows(read_sources(files, recipe)))
    width = recipe.n_time + 1
    ids = np.array([r[0] for r in rows], np.uint16).reshape(len(rows), width)
    return ids, np.array([r[1] for r in rows], np.uint8).reshape(len(rows), width)


def read_corpus(path: Path) -> list[list[SourceFile]]:
    """The files of a split, by package, largest package first so that the workers end together."""
    by_package: dict[str, list[SourceFile]] = defaultdict(list)
    with path.open(encoding="utf-8") as stream:
        for record in map(json.loads, stream):
            by_package[record["package"]].append(SourceFile(**record))
    return sorted(by_package.values(), key=lambda files: -sum(len(f.text) for f in files))


def build_rows(corpus: Path, tokenizer: Path, recipe: Recipe, out: Path, n_workers: int) -> None:
    """Writes an `.npz` of `ids` and `kinds`, rows in random order."""
    with Pool(n_workers) as pool:
        made = pool.map(
            partial(package_rows, tokenizer_path=tokenizer, recipe=recipe), read_corpus(corpus), chunksize=1
        )
    order = np.random.default_rng(recipe.seed).permutation(sum(len(ids) for ids, _ in made))
    np.savez(
        out,
        ids=np.concatenate([m[0] for m in made])[order],
        kinds=np.concatenate([m[1] for m in made])[order],
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="train.jsonl or heldout.jsonl")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help=".npz")
    parser.add_argument("--time", type=int, default=512, help="tokens in a row")
    parser.add_argument("--snippet-chars", type=int, default=500)
    parser.add_argument("--repo-rate", type=float, default=REPO_RATE)
    parser.add_argument("--fim-rate", type=float, default=FIM_RATE)
    parser.add_argument("--spm-rate", type=float, default=SPM_RATE)
    parser.add_argument("--long-rate", type=float, default=0.0, help="of the FIM samples with a long middle")
    parser.add_argument("--share", type=float, default=1.0, help="of the files that become rows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    recipe = Recipe(
        args.time, args.repo_rate, args.fim_rate, args.spm_rate, args.long_rate, args.snippet_chars,
        args.share, args.seed,
    )  # fmt: skip
    build_rows(args.corpus, args.tokenizer, recipe, args.out, args.workers)
    with np.load(args.out) as made:
        kinds = np.bincount(made["kinds"].ravel(), minlength=4) / made["kinds"].size
        print(json.dumps({"rows": len(made["ids"]), "kinds": [round(float(k), 4) for k in kinds]}))


if __name__ == "__main__":
    main()
