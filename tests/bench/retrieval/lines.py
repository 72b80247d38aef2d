"""The rest of a line, written by a model that sees the context of each method: exact match and similarity.

Every method gets as many characters as the others, every prompt the same code around the cursor. A case needs
a cross-file name when the rest of its line names something that another file defines, and its own does not.
Each answer is kept by what was asked: a run that was stopped goes on, and asks anew only what has changed.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from math import sqrt
from pathlib import Path

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.context import build_context as build_place
from lsp_server.completion.precedent import precedent_at
from lsp_server.settings import CompletionSettings
from lsp_server.types import CompletionRequest, DocumentSnapshot, Snippet
from model.fim import family, layout
from model.lab.cases import encode_segments, keep_first_lines, keep_last_lines, pick_code_cut
from model.lab.engine import Engine
from model.lab.evaluate import similarity
from model.lab.samples import read_corpus
from model.lab.tokenizer import Tokenizer
from model.protocol import FimPrompt, PromptSnippet
from tests.bench.retrieval.cases import MAX_DEFINITIONS, MIN_NAME, Case, Package, load_package
from tests.bench.retrieval.methods import bm25, ring
from tests.bench.retrieval.sources import is_test
from tests.bench.retrieval.workspace import Workspace

CONTEXT_CHARS = 1400
PREFIX_TOKENS, SUFFIX_TOKENS, N_PREDICT = 320, 96, 48
N_TRIES = 3
N_THREADS = 1  # a model of this size gains nothing from a second one, and loses much beside other work
METHODS = ("none", "random chunks of near files (ring)", "chunks by BM25", "edgewise")
SERVED = "edgewise, precedents first"
_WORD = re.compile(r"[^\W\d]\w*")
_PATH = re.compile(r"^# (.+\.py)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """A case with what its author wrote."""

    case: Case
    expected: str
    needs_other_file: bool


@dataclass(slots=True)
class Answers:
    """What a model wrote, by model and prompt, in a file that only grows. None: for this run alone."""

    path: Path | None
    model: str
    _known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            rows = map(json.loads, self.path.read_text("utf-8").splitlines())
            self._known = {row["asked"]: row["text"] for row in rows}

    def of(self, ids: Sequence[int], write: Callable[[], str]) -> str:
        asked = hashlib.sha256(json.dumps([self.model, N_PREDICT, *ids]).encode()).hexdigest()
        if asked not in self._known:
            self._known[asked] = write()
            self._keep(asked)
        return self._known[asked]

    def _keep(self, asked: str) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"asked": asked, "text": self._known[asked]}) + "\n")


@dataclass(frozen=True, slots=True)
class Subject:
    """The model in its engine."""

    engine: Engine
    tokenizer: Tokenizer
    family: str
    answers: Answers

    @classmethod
    def load(cls, folder: Path, kept: Path | None) -> Subject:
        manifest = tomllib.loads((folder / "model.toml").read_text("utf-8"))
        weights = folder / manifest["file"]
        answers = Answers(kept, hashlib.sha256(weights.read_bytes()).hexdigest())
        tokenizer = Tokenizer(folder / "tokenizer.model")
        return cls(Engine(weights, N_THREADS), tokenizer, manifest["family"], answers)

    def complete(self, case: Case, snippets: Sequence[PromptSnippet]) -> str:
        """The rest of the line. The word before the cursor is the model's to cut into tokens, as in use."""
        before, after = case.text[: case.offset], case.text[case.offset :]
        prompt = FimPrompt(
            keep_last_lines(self.tokenizer, before, PREFIX_TOKENS),
            keep_first_lines(self.tokenizer, after, SUFFIX_TOKENS),
            path=f"{case.package}/{case.file}",
            repository=case.package,
            snippets=tuple(snippets),
        )
        ids = encode_segments(self.tokenizer, layout(family(self.family), prompt))
        return self.answers.of(ids, lambda: self._write(ids))

    def _write(self, ids: list[int]) -> str:
        for _ in range(N_TRIES):
            with suppress(TimeoutError):  # on a machine that others use, too
                return self.engine.complete(ids, N_PREDICT, ("\n",)).text.rstrip()
        return ""


def write_corpus(corpus: Path, folder: Path) -> dict[str, Path]:
    """The Python files of each package of a corpus, as folders."""
    for files in read_corpus(corpus):
        for file in files:
            path = folder / file.package / file.path
            if file.language == "python":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(file.text, "utf-8")
    return {path.name: path for path in sorted(folder.iterdir())}


def run(
    packages: Mapping[str, Path], cache: Path, n_lines: int, model: Path, kept: Path | None = None
) -> None:
    """`kept`: the file of answers; None: nothing is kept."""
    subject, started = Subject.load(model, kept), time.monotonic()
    results: dict[str, list[tuple[Line, str]]] = defaultdict(list)
    for name, root in packages.items():
        package = load_package(name, root)
        workspace = Workspace(root, cache)
        for line in make_lines(package, n_lines):
            for method in METHODS:
                context = build_context(method, line.case, package, workspace)
                results[method].append((line, subject.complete(line.case, context)))
            precedent = follow(line.case, workspace)
            results[SERVED].append((line, results[METHODS[-1]][-1][1] if precedent is None else precedent))
        print(f"{name}: {len(package.files)} files, {len(results[METHODS[0]])} lines so far", flush=True)
        print_results(results)
    print(f"{model.name}, {CONTEXT_CHARS} characters of context, {time.monotonic() - started:.0f} s")


def build_context(method: str, case: Case, package: Package, workspace: Workspace) -> Sequence[PromptSnippet]:
    if method == "none":
        return ()
    if method == "edgewise":
        return [_for_prompt(snippet) for snippet in workspace.snippets(case, CONTEXT_CHARS)]
    text = (bm25 if "BM25" in method else ring)(case, package.files, CONTEXT_CHARS)
    _, *parts = _PATH.split(text)
    return [PromptSnippet(path, code.strip("\n")) for path, code in zip(parts[::2], parts[1::2], strict=True)]


def follow(case: Case, workspace: Workspace) -> str | None:
    """How a line like this one goes on, as the server finds it before it asks the model."""
    snapshot = DocumentSnapshot("", case.file, case.file, "", case.language, 0, case.text)
    context = build_place(CompletionRequest(snapshot, case.offset), CompletionSettings())
    assert isinstance(context, CompletionContext)
    found = precedent_at(context, workspace.texts_near(case))
    return None if found is None else found.text


def _for_prompt(snippet: Snippet) -> PromptSnippet:
    return PromptSnippet(snippet.path, snippet.text)


def cut_lines(package: Package, n_lines: int, seed: int = 1) -> Iterator[Line]:
    """Cuts anywhere in lines of code."""
    rng = random.Random(f"{seed}:{package.name}")
    files = [file for file, text in package.files.items() if not is_test(file) and len(text) > 400]
    cuts = (_cut_line(package, rng.choice(files), rng) for _ in range(100 * n_lines if files else 0))
    return islice((line for line in cuts if line is not None), n_lines)


def make_lines(package: Package, n_lines: int, seed: int = 1) -> Iterator[Line]:
    """Cuts anywhere in lines of code; half of the lines need a cross-file name where there are so many."""
    rng = random.Random(f"{seed}:{package.name}")
    files = [file for file, text in package.files.items() if not is_test(file) and len(text) > 400]
    wanted = {True: n_lines // 2, False: n_lines - n_lines // 2}
    for _ in range(100 * n_lines):
        line = _cut_line(package, rng.choice(files), rng)
        if line is not None and wanted[line.needs_other_file]:
            wanted[line.needs_other_file] -= 1
            yield line


def _cut_line(package: Package, file: str, rng: random.Random) -> Line | None:
    text = package.files[file]
    cut = pick_code_cut(text, rng)
    if cut is None or text.count('"""', 0, cut[0]) % 2:
        return None
    start, end = cut
    name, without, language = f"{file}:{start}", text[:start] + text[end:], package.source.id
    case = Case(name, package.name, package.root, file, without, start, (), language)
    expected = text[start:end].rstrip()
    return Line(case, expected, _needs_other_file(package, file, expected))


def _needs_other_file(package: Package, file: str, expected: str) -> bool:
    own = {symbol.name for symbol in package.parsed[file].symbols}
    names = {name for name in _WORD.findall(expected) if len(name) >= MIN_NAME} - own - package.source.common
    return any(1 <= len(package.definitions.get(name, ())) <= MAX_DEFINITIONS for name in names)


def print_results(results: Mapping[str, Sequence[tuple[Line, str]]]) -> None:
    """Exact matches in % with their 95 % interval, similarity, and of how many lines a method made a match or
    lost one, against no context at all."""
    every = results[METHODS[0]]
    groups: dict[str, Callable[[Line], bool]] = {f"all {len(every)} lines": lambda line: True}
    groups[f"{sum(line.needs_other_file for line, _ in every)} with a cross-file name"] = _needs
    for title, is_wanted in groups.items():
        print(f"\n{title:36}{'exact':>8}{'95 %':>14}{'similar':>10}{'won':>6}{'lost':>6}")
        without = [got == line.expected for line, got in every if is_wanted(line)]
        for method, answers in results.items():
            group = [(line, got) for line, got in answers if is_wanted(line)]
            exact = [got == line.expected for line, got in group]
            low, high = interval(sum(exact), len(exact))
            similar = sum(similarity(got, line.expected) for line, got in group) / max(1, len(group))
            won = sum(here and not there for here, there in zip(exact, without, strict=True))
            lost = sum(there and not here for here, there in zip(exact, without, strict=True))
            share = 100 * sum(exact) / max(1, len(exact))
            between = f"{100 * low:.1f}-{100 * high:.1f}"
            print(f"{method:36}{share:8.1f}{between:>14}{100 * similar:10.1f}{won:6}{lost:6}")


def _needs(line: Line) -> bool:
    return line.needs_other_file


def interval(n_hits: int, n: int) -> tuple[float, float]:
    """Wilson's, of 95 %."""
    if not n:
        return 0.0, 1.0
    share, z = n_hits / n, 1.96
    middle = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))
