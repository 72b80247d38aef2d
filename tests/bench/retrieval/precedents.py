"""Precedents alone: of lines cut anywhere, how many have one, how many of those are right, in what time.

The rest of the line is cut out of its file, which is open, as a person would have it; the other files are as
the index stores them. Nothing here is fitted to a package.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lsp_server.completion.precedent import AFTER_CHARS, BEFORE_CHARS, LEAST_SCORE, Precedent, find_precedents
from lsp_server.text import flatten
from tests.bench.retrieval.cases import Package, load_package
from tests.bench.retrieval.lines import Line, cut_lines
from tests.bench.retrieval.sources import Source
from tests.bench.retrieval.workspace import Workspace

BANDS = (0.0, 0.1, 0.2, LEAST_SCORE, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
SCOPES = ("the document alone", "and its folder", "and the folders around it")


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found for one line, in a scope, and how long it took."""

    line: Line
    found: Precedent | None
    ms: float

    @property
    def is_offered(self) -> bool:
        return self.found is not None and bool(self.found.text.strip()) and self.found.score >= LEAST_SCORE

    @property
    def is_right(self) -> bool:
        return self.found is not None and self.found.text == self.line.expected


def run(packages: Mapping[str, Path], cache: Path, n_lines: int, source: Source) -> None:
    trials: dict[str, list[Trial]] = {scope: [] for scope in SCOPES}
    for name, root in packages.items():
        package = load_package(name, root, source)
        workspace = Workspace(root, cache)
        lines = list(cut_lines(package, n_lines))
        for scope in SCOPES:
            trials[scope] += [_try(line, _near(scope, line, package, workspace)) for line in lines]
        offered = [trial for trial in trials[SCOPES[-1]][-len(lines) :] if trial.is_offered]
        n_right = sum(trial.is_right for trial in offered)
        print(f"{name}: {len(lines)} lines, {len(offered)} with a precedent, {n_right} right", flush=True)
    print_scopes(trials)
    print_bands(trials[SCOPES[-1]])


def _near(scope: str, line: Line, package: Package, workspace: Workspace) -> Sequence[str]:
    if scope == SCOPES[0]:
        return ()
    if scope == SCOPES[-1]:
        return workspace.texts_near(line.case)
    folder = Path(line.case.file).parent
    beside = (file for file in package.files if Path(file).parent == folder and file != line.case.file)
    return [flatten("\n" + package.files[file]) for file in beside]


def _try(line: Line, near: Sequence[str]) -> Trial:
    case = line.case
    started = time.perf_counter()
    before = flatten("\n" + case.text[: case.offset][-BEFORE_CHARS:])
    own = (before[:-1], flatten(case.text[case.offset :][:AFTER_CHARS]))
    found = next(iter(find_precedents(before, own, near)), None)
    return Trial(line, found, 1000 * (time.perf_counter() - started))


def print_scopes(trials: Mapping[str, Sequence[Trial]]) -> None:
    print(
        f"\n{'looked for in':28}{'lines':>7}{'offered':>9}{'right':>9}{'of all':>9}{'p50 ms':>8}{'p95 ms':>8}"
    )
    for scope, of_scope in trials.items():
        offered = [trial for trial in of_scope if trial.is_offered]
        n_right = sum(trial.is_right for trial in offered)
        shares = (
            _percent(n, of) for n, of in ((len(offered), of_scope), (n_right, offered), (n_right, of_scope))
        )
        taken = sorted(trial.ms for trial in of_scope)
        p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
        print(f"{scope:28}{len(of_scope):7}{''.join(f'{share:>9}' for share in shares)}{p50:8.1f}{p95:8.1f}")


def print_bands(trials: Sequence[Trial]) -> None:
    print(f"\n{'score':16}{'lines':>7}{'right':>8}")
    scored = [(trial, trial.found.score) for trial in trials if trial.found and trial.found.text.strip()]
    for low, high in pairwise(BANDS):
        group = [trial for trial, score in scored if low <= score < high]
        n_right = sum(trial.is_right for trial in group)
        print(f"{low:.1f} to {min(high, 1):.1f}      {len(group):7}{_percent(n_right, group):>8}")


def _percent(n: int, of: Iterable[Trial]) -> str:
    return f"{100 * n / max(1, len(list(of))):.1f} %"
