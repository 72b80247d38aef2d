"""Evaluation cases: the rest of a line on held-out packages, with what a server would find in other files,
and HumanEval infilling.

A case knows its expected text; snippets are chosen from the file *without* that text. Knows nothing of
engines.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from model.families import Family
from model.fim import Segment, family, layout
from model.lab.corpus import SourceFile
from model.lab.cuts import parse_python
from model.lab.samples import read_corpus
from model.lab.signatures import PackageIndex, build_snippets
from model.lab.tokenizer import Tokenizer
from model.protocol import FimPrompt, PromptSnippet

PREFIX_TOKENS, SUFFIX_TOKENS, SNIPPET_CHARS = 480, 160, 1200
SEEN_CHARS = 1800  # of the prefix: about as many as PREFIX_TOKENS hold
MOST_TRIES = 30  # for one line that names something of another file; one in five does


@dataclass(frozen=True)
class Case:
    """One thing to complete."""

    name: str
    prefix: str
    suffix: str
    expected: str
    path: str = ""
    repository: str = ""
    snippets: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()  # in the expected text, of definitions in other files
    is_told: bool = False  # each of them stands in a snippet and nowhere in the prefix that is sent
    test: str = ""


def family_in_order(order: str) -> Family:
    """The built-in family's row, as it stands or with its file laid out in another order."""
    row = family("edgewise")
    files = {
        "psm": "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}",
        "spm": "<|fim_suffix|>{suffix}<|fim_middle|>{typed}",
        "prefix": "{typed}",
    }
    if order == "family":
        return row
    file = files[order]
    return replace(row, file=file, repository="{header}{snippets}<|file_sep|>{path}\n" + file)


def prompt_ids(tokenizer: Tokenizer, case: Case, *, with_snippets: bool, order: str = "family") -> list[int]:
    """The prompt as `model.fim` lays it out for this family, the window cut at line ends."""
    snippets = tuple(PromptSnippet(path, text) for path, text in case.snippets if with_snippets)
    before = keep_last_lines(tokenizer, case.prefix, PREFIX_TOKENS)
    after = keep_first_lines(tokenizer, case.suffix, SUFFIX_TOKENS)
    prompt = FimPrompt(before, after, "", case.path, case.repository, snippets)
    return encode_segments(tokenizer, layout(family_in_order(order), prompt))


def encode_segments(tokenizer: Tokenizer, segments: Iterable[Segment]) -> list[int]:
    """Control tokens by name, everything else as text."""
    ids: list[int] = []
    for segment in segments:
        ids += [tokenizer.control[segment.text]] if segment.is_control else tokenizer.encode(segment.text)
    return ids


def keep_last_lines(tokenizer: Tokenizer, text: str, budget: int) -> str:
    """The last whole lines that fit."""
    return "".join(reversed(keep_first(tokenizer, text.splitlines(keepends=True)[::-1], budget)))


def keep_first_lines(tokenizer: Tokenizer, text: str, budget: int) -> str:
    """The first whole lines that fit."""
    return "".join(keep_first(tokenizer, text.splitlines(keepends=True), budget))


def keep_first(tokenizer: Tokenizer, lines: list[str], budget: int) -> list[str]:
    """The lines up to the one that no longer fits."""
    sizes = itertools.accumulate(len(tokenizer.encode(line)) for line in lines)
    return [
        line for line, size in zip(lines, itertools.takewhile(lambda n: n <= budget, sizes), strict=False)
    ]


def line_cases(corpus: Path, n_cases: int, seed: int = 7, *, must_name: bool = False) -> list[Case]:
    """Cuts in lines of the held-out Python files, the same number from each package; of any lines or only of
    those whose rest names something of another file.
    """
    rng = random.Random(seed)
    packages = [[f for f in files if f.language == "python"] for files in read_corpus(corpus)]
    share = -(-n_cases // len(packages))
    drawn = (package_cases(files, MOST_TRIES * share if must_name else share, rng) for files in packages)
    wanted = ((case for case in cases if case.names or not must_name) for cases in drawn)
    found = [case for cases in wanted for case in itertools.islice(cases, share)]
    rng.shuffle(found)
    return found[:n_cases]


def package_cases(files: list[SourceFile], n_cases: int, rng: random.Random) -> Iterator[Case]:
    """Cases of one package."""
    trees = {f.path: tree for f in files if (tree := parse_python(f.text))}
    index = PackageIndex(trees.items())
    for number in range(n_cases):
        file = rng.choice([f for f in files if f.path in trees])
        cut = pick_code_cut(file.text, rng)
        if cut:
            yield build_case(file, index, *cut, f"{file.path}:{number}", rng)


def pick_code_cut(text: str, rng: random.Random) -> tuple[int, int] | None:
    """A place in a line of code and the end of that line, at least three characters on."""
    starts = [m.start() for m in re.finditer(r"^[ \t]*[^\s#\"'][^\n]{5,}$", text, re.MULTILINE)]
    if not starts:
        return None
    start = rng.choice(starts)
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    first = start + len(text[start:end]) - len(text[start:end].lstrip())
    return (first if rng.random() < 0.3 else rng.randint(first, max(first, end - 3))), end


def build_case(
    file: SourceFile, index: PackageIndex, start: int, end: int, name: str, rng: random.Random
) -> Case:
    """The case and the snippets for it."""
    prefix, suffix, expected = file.text[:start], file.text[end:], file.text[start:end]
    used = index.used_by(file.path, prefix + suffix)
    near = "\n".join([*prefix.split("\n")[-15:], *suffix.split("\n")[:8]])
    snippets = tuple(build_snippets(used, near, SNIPPET_CHARS, rng))
    names = tuple(sorted({s.name for s in index.used_by(file.path, expected)}))
    seen, told = words_of(prefix[-SEEN_CHARS:]), words_of("\n".join(text for _, text in snippets))
    is_told = bool(names) and told.issuperset(names) and seen.isdisjoint(names)
    return Case(name, prefix, suffix, expected, file.path, file.package, snippets, names, is_told)


def words_of(text: str) -> set[str]:
    """The words of a text."""
    return set(re.findall(r"\w+", text))


def human_eval_cases(path: Path) -> list[Case]:
    """HumanEval single-line infilling (Bavarian et al. 2022): evaluation only, never training."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        found = [json.loads(line) for line in stream]
    return [
        Case(
            c["task_id"],
            c["prompt"],
            c["suffix"],
            c["canonical_solution"],
            test=f"{c['test']}\ncheck({c['entry_point']})\n",
        )
        for c in found
    ]
