"""Precedents alone: of lines cut anywhere, how many are offered one, how many of those are right, how soon.

The rest of the line is cut out of its file, which is open, as a person would have it; the other files are as
the index stores them. `below` the cursor is either all that follows, or what would follow if the rest of the
block were not written yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lsp_server.completion.likelihood import NONE, Cursor, weigh
from lsp_server.completion.places import find_places
from lsp_server.completion.precedent import Precedent, choose, cursor_in, first_word, group
from lsp_server.text import flatten
from model.sequences import count_common
from tests.bench.retrieval.cases import Package, load_package
from tests.bench.retrieval.fit import Example, fit
from tests.bench.retrieval.lines import Line, cut_lines
from tests.bench.retrieval.sources import Source
from tests.bench.retrieval.workspace import Workspace

BANDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
PENALTY, N_ROUNDS = 2e-5, 1000
SCOPES = ("the document alone", "and its folder", "and the folders around it", "the same, being written")
_BODY_STARTS = ("def ", "async def ", "class ", "@", "func ", "function ", "export ")


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found for one line, in a scope, and how long it took."""

    line: Line
    found: Precedent | None
    ms: float

    @property
    def is_right(self) -> bool:
        """To the end of the line."""
        return self.found is not None and self.found.text == self.line.expected

    @property
    def is_right_so_far(self) -> bool:
        return self.found is not None and self.line.expected.startswith(self.found.text)

    @property
    def n_right_chars(self) -> int:
        return 0 if self.found is None else count_common(self.found.text, self.line.expected)


def run(packages: Mapping[str, Path], cache: Path, n_lines: int, source: Source) -> None:
    trials: dict[str, list[Trial]] = {scope: [] for scope in SCOPES}
    for name, root in packages.items():
        package = load_package(name, root, source)
        workspace = Workspace(root, cache)
        lines = list(cut_lines(package, n_lines))
        for scope in SCOPES:
            trials[scope] += [_try(scope, line, package, workspace) for line in lines]
        offered = [trial for trial in trials[SCOPES[2]][-len(lines) :] if trial.found is not None]
        n_right = sum(trial.is_right for trial in offered)
        print(f"{name}: {len(lines)} lines, {len(offered)} with a precedent, {n_right} right", flush=True)
    print_scopes(trials)
    print_bands(trials[SCOPES[2]])


def collect_examples(
    packages: Mapping[str, Path], cache: Path, n_lines: int, source: Source
) -> tuple[list[Example], list[Example]]:
    """What spoke for which rest of a line, and for which next word; each line as it is in its file and as it
    is being written."""
    for_lines: list[Example] = []
    for_words: list[Example] = []
    for name, root in packages.items():
        package = load_package(name, root, source)
        workspace = Workspace(root, cache)
        for line in cut_lines(package, n_lines):
            near = workspace.texts_near(line.case)
            for cursor in _cursor(line, is_written=True), _cursor(line, is_written=False):
                for_lines.append(_example(cursor, near, line.expected, lambda rest: rest))
                for_words.append(_example(cursor, near, line.expected, first_word))
        print(f"{name}: {len(for_lines)} examples so far", flush=True)
    return for_lines, for_words


def fit_weights(examples: Sequence[Example]) -> dict[str, float]:
    """There are so many cases that next to nothing has to hold the weights back."""
    return fit(examples, {NONE: 0.0}, PENALTY, N_ROUNDS)


def _example(cursor: Cursor, near: Sequence[str], expected: str, begin: Callable[[str], str]) -> Example:
    """None of the texts is a candidate, too: the last."""
    evidence = weigh(cursor, group(find_places(cursor.before, cursor.below, near), begin))
    wanted = [index for index, text in enumerate(evidence) if text == begin(expected)]
    return Example([*evidence.values(), {NONE: 1.0}], wanted or [len(evidence)])


def _try(scope: str, line: Line, package: Package, workspace: Workspace) -> Trial:
    near = _near(scope, line, package, workspace)
    started = time.perf_counter()
    cursor = _cursor(line, is_written=scope != SCOPES[3])
    found = choose(cursor, find_places(cursor.before, cursor.below, near))
    return Trial(line, found, 1000 * (time.perf_counter() - started))


def _near(scope: str, line: Line, package: Package, workspace: Workspace) -> Sequence[str]:
    if scope == SCOPES[0]:
        return ()
    if scope != SCOPES[1]:
        return workspace.texts_near(line.case)
    folder = Path(line.case.file).parent
    beside = (file for file in package.files if Path(file).parent == folder and file != line.case.file)
    return [flatten("\n" + package.files[file]) for file in beside]


def _cursor(line: Line, *, is_written: bool) -> Cursor:
    before, below = line.case.text[: line.case.offset], line.case.text[line.case.offset :]
    return cursor_in(before, below if is_written else "\n" + "\n".join(_behind_block(before, below)))


def _behind_block(before: str, below: str) -> Iterator[str]:
    """The lines below without those of the cursor's block: from one that is further out or begins another."""
    depth = _depth(before[before.rfind("\n") + 1 :])
    is_behind = False
    for line in below.split("\n")[1:]:
        is_next = _depth(line) < depth or depth == 0 or line.lstrip().startswith(_BODY_STARTS)
        is_behind = is_behind or (bool(line.strip()) and is_next)
        if is_behind:
            yield line


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def print_scopes(trials: Mapping[str, Sequence[Trial]]) -> None:
    columns = (
        "lines",
        "offered",
        "right",
        "of all",
        "so far",
        "chars right",
        "wrong",
        "p50 ms",
        "p95 ms",
        "most",
    )
    print(f"\n{'looked for in':28}" + "".join(f"{column:>12}" for column in columns))
    for scope, of_scope in trials.items():
        n = len(of_scope)
        offered = [trial for trial in of_scope if trial.found is not None]
        n_right, n_so_far = sum(t.is_right for t in offered), sum(t.is_right_so_far for t in offered)
        n_shown = sum(len(trial.found.text) for trial in offered if trial.found is not None)
        n_chars = sum(trial.n_right_chars for trial in offered)
        shares = (_percent(len(offered), n), _percent(n_right, len(offered)), _percent(n_right, n))
        taken = sorted(trial.ms for trial in of_scope)
        times = (taken[n // 2], taken[int(n * 0.95)], taken[-1])
        cells = (str(n), *shares, _percent(n_so_far, len(offered)), f"{n_chars / n:.1f}")
        cells += (f"{(n_shown - n_chars) / n:.1f}", *(f"{ms:.1f}" for ms in times))
        print(f"{scope:28}" + "".join(f"{cell:>12}" for cell in cells))


def print_bands(trials: Sequence[Trial]) -> None:
    """Whether what is said to be so likely is right so often."""
    print(f"\n{'likelihood':16}{'offered':>9}{'right so far':>14}")
    for low, high in pairwise(BANDS):
        group_ = [trial for trial in trials if trial.found and low <= trial.found.likelihood < high]
        n_right = sum(trial.is_right_so_far for trial in group_)
        print(f"{low:.1f} to {min(high, 1):.1f}      {len(group_):9}{_percent(n_right, len(group_)):>14}")


def _percent(n: int, of: int) -> str:
    return f"{100 * n / max(1, of):.1f} %"
