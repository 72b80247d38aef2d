"""Signature recall on blind cases, ours beside simple methods, held-out packages apart; and the time taken.

    python -m tests.bench.retrieval run --package rich --package networkx --held-out pygments
    python -m tests.bench.retrieval run --cases cases.jsonl
    python -m tests.bench.retrieval fit --package rich --package networkx
    python -m tests.bench.retrieval latency --package sympy=FOLDER
    python -m tests.bench.retrieval model --n 20
    python -m tests.bench.retrieval model --package rich --package click=FOLDER --n 100 --kept answers.jsonl
    python -m tests.bench.retrieval precedents --package rich --n 100
    python -m tests.bench.retrieval fit-precedents --package networkx=FOLDER --package sphinx=FOLDER --n 220
    python -m tests.bench.retrieval run --language go --package gin=FOLDER --held-out hcl=FOLDER

A wanted definition counts as found when its first line stands in the context. One token is 3.5 characters.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsp_server.index.retrieval import CHARS_PER_TOKEN
from lsp_server.index.weights import weights_for
from lsp_server.memory import collect_seldom
from tests.bench.retrieval.cases import (
    Case,
    Package,
    load_cases,
    load_package,
    make_cases,
    one_spaced,
    read_files,
    read_package,
)
from tests.bench.retrieval.fit import build_example, fit
from tests.bench.retrieval.import_methods import BY_IMPORTS
from tests.bench.retrieval.latency import Clock, ask, print_latency
from tests.bench.retrieval.methods import SIMPLE
from tests.bench.retrieval.sources import SOURCES
from tests.bench.retrieval.workspace import Workspace

BUDGETS = (1024, 2048)
OURS = "edgewise"
BUILTIN = Path("model/builtin")
CORPUS = Path("model/lab/work/corpus/heldout.jsonl")
WHAT = ("run", "fit", "latency", "model", "precedents", "fit-precedents")
VIAS = ("import", "module", "package", "member")


@dataclass
class Score:
    """Found and wanted, by how the symbol is visible; "" is all."""

    found: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wanted: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, case: Case, context: str) -> None:
        context = one_spaced(context)
        for wanted in case.wanted:
            is_found = any(line in context for line in wanted.lines)
            for via in ("", wanted.via):
                self.found[via] += is_found
                self.wanted[via] += 1

    def share(self, via: str = "") -> str:
        return f"{100 * self.found[via] / self.wanted[via]:5.1f}" if self.wanted[via] else "    -"


def run(cases: Sequence[Case], held_out: frozenset[str], *, is_alone: bool) -> None:
    scores: dict[tuple[str, str, int], Score] = defaultdict(Score)
    times: list[Clock] = []
    with tempfile.TemporaryDirectory() as cache:
        for package, of_package in by_package(cases).items():
            group = "held out" if package in held_out else "tuned on"
            loaded = load_package(package, of_package[0].root, SOURCES[of_package[0].language])
            workspace = Workspace(of_package[0].root, Path(cache))
            for case in of_package:
                for budget in BUDGETS:
                    chars = int(budget * CHARS_PER_TOKEN)
                    for name, simple in () if is_alone else other_contexts(case, loaded, chars):
                        scores[group, name, budget].add(case, simple)
                    context, taken = workspace.retrieve(case, chars)
                    scores[group, OURS, budget].add(case, context)
                    times.append(taken)
            print(f"{package}: {len(loaded.files)} files, {len(of_package)} cases, {group}", flush=True)
    print_table(scores, times)


def other_contexts(case: Case, package: Package, chars: int) -> Iterator[tuple[str, str]]:
    for name, method in SIMPLE.items():
        yield name, method(case, package.files, chars)
    for name, by_imports in BY_IMPORTS.items():
        yield name, by_imports(case, package, chars)


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
        for name in (*SIMPLE, *BY_IMPORTS, OURS):
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
    weights = fit([example for example in examples if example is not None], weights_for(cases[0].language))
    print(json.dumps(weights, indent=4))


def run_latency(cases: Sequence[Case]) -> None:
    collect_seldom()  # as the session does
    with tempfile.TemporaryDirectory() as cache:
        for package, of_package in by_package(cases).items():
            workspace = Workspace(of_package[0].root, Path(cache))
            n_files = len(read_files(of_package[0].root, SOURCES[of_package[0].language]))
            questions = [ask(workspace.retriever, case) for case in of_package]
            print(f"\n{package}: {n_files} files")
            print_latency(questions)


def run_model(arguments: argparse.Namespace) -> None:
    """With PyTorch and the engine, which nothing else here needs."""
    from tests.bench.retrieval import lines

    with tempfile.TemporaryDirectory() as folder:
        packages = dict(named_folder(named) for named in (*arguments.package, *arguments.held_out))
        packages = packages or lines.write_corpus(arguments.corpus, Path(folder) / "corpus")
        lines.run(packages, Path(folder) / "index", arguments.n, arguments.model, arguments.kept)


def run_precedents(arguments: argparse.Namespace) -> None:
    """Without a model, but the cuts are the lab's."""
    from tests.bench.retrieval import lines, precedents

    with tempfile.TemporaryDirectory() as folder:
        packages = dict(named_folder(named) for named in (*arguments.package, *arguments.held_out))
        packages = packages or lines.write_corpus(arguments.corpus, Path(folder) / "corpus")
        source = SOURCES[arguments.language]
        if arguments.what == "precedents":
            precedents.run(packages, Path(folder) / "index", arguments.n, source)
            return
        for examples in precedents.collect_examples(packages, Path(folder) / "index", arguments.n, source):
            print(json.dumps(precedents.fit_weights(examples), indent=4), flush=True)


def named_folder(named: str) -> tuple[str, Path]:
    name, _, folder = named.partition("=")
    return name, Path(folder).absolute() if folder else read_package(name)


def by_package(cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        found[case.package].append(case)
    return found


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.retrieval")
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--package", action="append", default=[], help="an installed package, or NAME=FOLDER")
    parser.add_argument("--language", choices=tuple(SOURCES), default="python")
    parser.add_argument("--held-out", action="append", default=[], help="one that nothing was fitted on")
    parser.add_argument("--cases", type=Path, action="append", default=[], help="cases of another tool")
    parser.add_argument("--n", type=int, default=60, help="cases of each package")
    parser.add_argument("--model", type=Path, default=BUILTIN, help="a folder with model.toml")
    parser.add_argument("--alone", action="store_true", help="run: without the simple methods")
    parser.add_argument("--kept", type=Path, help="model: a file of answers, to go on with")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="packages that no model was trained on")
    return parser.parse_args()


def read_all(arguments: argparse.Namespace) -> Iterator[Case]:
    for named in (*arguments.package, *(arguments.held_out if arguments.what == "run" else ())):
        name, root = named_folder(named)
        yield from make_cases(load_package(name, root, SOURCES[arguments.language]), arguments.n)
    for path in arguments.cases:
        yield from load_cases(path)


def main() -> None:
    arguments = read_arguments()
    if arguments.what == "model":
        run_model(arguments)
        return
    if "precedents" in arguments.what:
        run_precedents(arguments)
        return
    cases = list(read_all(arguments))
    if arguments.what == "fit":
        run_fit(cases)
    elif arguments.what == "latency":
        run_latency(cases)
    else:
        held_out = frozenset(name.partition("=")[0] for name in arguments.held_out)
        run(cases, held_out, is_alone=arguments.alone)


if __name__ == "__main__":
    main()
