"""Signature recall on blind cases, ours beside simple methods, held-out packages apart; and the time taken.

    python -m tests.bench.retrieval run --package rich --package networkx --held-out pygments
    python -m tests.bench.retrieval run --cases cases.jsonl
    python -m tests.bench.retrieval fit --package rich --package networkx
    python -m tests.bench.retrieval run --language go --package gin=FOLDER --held-out hcl=FOLDER

A wanted definition counts as found when its first line stands in the context. One token is 3.5 characters.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsp_server.index.document import ImportCache
from lsp_server.index.reader import Reader
from lsp_server.index.related import Found
from lsp_server.index.retrieval import CHARS_PER_TOKEN, Retriever
from lsp_server.index.service import IndexService
from lsp_server.index.store import workspace_folder
from lsp_server.index.view import OpenDocument, ParseCache
from tests.bench.retrieval.cases import Case, load_cases, load_package, make_cases, read_files, read_package
from tests.bench.retrieval.fit import build_example, fit
from tests.bench.retrieval.methods import SIMPLE
from tests.bench.retrieval.sources import SOURCES

BUDGETS = (1024, 2048)
OURS = "edgewise"
VIAS = ("import", "module", "package", "member")


@dataclass
class Score:
    """Found and wanted, by how the symbol is visible; "" is all."""

    found: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wanted: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, case: Case, context: str) -> None:
        for wanted in case.wanted:
            is_found = any(line in context for line in wanted.lines)
            for via in ("", wanted.via):
                self.found[via] += is_found
                self.wanted[via] += 1

    def share(self, via: str = "") -> str:
        return f"{100 * self.found[via] / self.wanted[via]:5.1f}" if self.wanted[via] else "    -"


@dataclass(frozen=True, slots=True)
class Clock:
    """On a busy machine the time of this thread on a core says more than the time of the day."""

    wall_ms: float
    cpu_ms: float

    @classmethod
    def now(cls) -> Clock:
        return cls(1000 * time.perf_counter(), 1000 * time.thread_time())

    def __sub__(self, other: Clock) -> Clock:
        return Clock(self.wall_ms - other.wall_ms, self.cpu_ms - other.cpu_ms)


class Workspace:
    """One package: its index, made once, and what is asked of it."""

    def __init__(self, root: Path, cache: Path) -> None:
        asyncio.run(_index(root, cache))
        self._reader = Reader(workspace_folder(cache, root))
        self._retriever = Retriever(self._reader, ParseCache(), ImportCache())

    def retrieve(self, case: Case, budget_chars: int) -> tuple[str, Clock]:
        """The context, and how long it took with the document open."""
        document = OpenDocument(case.file, case.text, case.language)
        self._retriever.warm_up({}, document)
        started = Clock.now()
        found = self._retriever.retrieve({}, document, case.offset, budget_chars)
        taken = Clock.now() - started
        return "".join(f"# {item.path}\n{item.text}\n" for item in found.snippets), taken

    def find(self, case: Case) -> Found:
        return self._retriever.find({}, OpenDocument(case.file, case.text, case.language), case.offset)


async def _index(root: Path, cache: Path) -> None:
    service = IndexService([root], cache)
    try:
        await service.start(watch=False)
        await service.wait_ready()
    finally:
        await service.aclose()


def run(cases: Sequence[Case], held_out: frozenset[str]) -> None:
    scores: dict[tuple[str, str, int], Score] = defaultdict(Score)
    times: list[Clock] = []
    with tempfile.TemporaryDirectory() as cache:
        for package, of_package in by_package(cases).items():
            group = "held out" if package in held_out else "tuned on"
            files = read_files(of_package[0].root, SOURCES[of_package[0].language])
            workspace = Workspace(of_package[0].root, Path(cache))
            for case in of_package:
                for budget in BUDGETS:
                    chars = int(budget * CHARS_PER_TOKEN)
                    for name, method in SIMPLE.items():
                        scores[group, name, budget].add(case, method(case, files, chars))
                    context, taken = workspace.retrieve(case, chars)
                    scores[group, OURS, budget].add(case, context)
                    times.append(taken)
            print(f"{package}: {len(files)} files, {len(of_package)} cases, {group}", flush=True)
    print_table(scores, times)


def print_table(scores: Mapping[tuple[str, str, int], Score], times: Sequence[Clock]) -> None:
    for group in sorted({group for group, _, _ in scores}):
        print(f"\n{group}: signature recall in %")
        print(
            f"{'':42}"
            + "".join(f"{budget:>8}" for budget in BUDGETS)
            + ""
            + "".join(f"{via:>8}" for via in VIAS)
            + " (2048)"
        )
        for name in (*SIMPLE, OURS):
            row = [scores[group, name, budget].share() for budget in BUDGETS]
            row += [scores[group, name, BUDGETS[-1]].share(via) for via in VIAS]
            print(f"{name:42}" + "".join(f"{cell:>8}" for cell in row))
    print(f"\n{OURS}: {len(times)} questions, the document open")
    for name in ("wall_ms", "cpu_ms"):
        taken = sorted(getattr(item, name) for item in times)
        print(f"{name:8} {taken[len(taken) // 2]:.1f} p50, {taken[int(len(taken) * 0.95)]:.1f} p95")


def run_fit(cases: Sequence[Case]) -> None:
    examples = []
    with tempfile.TemporaryDirectory() as cache:
        for of_package in by_package(cases).values():
            workspace = Workspace(of_package[0].root, Path(cache))
            examples += [build_example(case, workspace.find(case)) for case in of_package]
    weights = fit([example for example in examples if example is not None])
    print(json.dumps(weights, indent=4))


def by_package(cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        found[case.package].append(case)
    return found


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.retrieval")
    parser.add_argument("what", choices=("run", "fit"))
    parser.add_argument("--package", action="append", default=[], help="an installed package, or NAME=FOLDER")
    parser.add_argument("--language", choices=tuple(SOURCES), default="python")
    parser.add_argument("--held-out", action="append", default=[], help="one that nothing was fitted on")
    parser.add_argument("--cases", type=Path, action="append", default=[], help="cases of another tool")
    parser.add_argument("--n", type=int, default=60, help="cases of each package")
    return parser.parse_args()


def read_all(arguments: argparse.Namespace) -> Iterator[Case]:
    for named in (*arguments.package, *(arguments.held_out if arguments.what == "run" else ())):
        name, _, folder = named.partition("=")
        root = Path(folder).absolute() if folder else read_package(name)
        yield from make_cases(load_package(name, root, SOURCES[arguments.language]), arguments.n)
    for path in arguments.cases:
        yield from load_cases(path)


def main() -> None:
    arguments = read_arguments()
    cases = list(read_all(arguments))
    if arguments.what == "fit":
        run_fit(cases)
    else:
        run(cases, frozenset(name.partition("=")[0] for name in arguments.held_out))


if __name__ == "__main__":
    main()
