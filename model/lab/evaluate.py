"""Measures a GGUF file: perplexity and the rest of the line on held-out packages, HumanEval single-line
infilling.

Completions come from the real engine (xllamacpp, greedy, token ids). Perplexity needs the logits of every
token, which the engine's server does not give: the file's own (dequantised) weights are read back into the
net for it. Prints a table and writes JSON.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from model.lab.blocks import block_cases, cut_block
from model.lab.cases import Case, human_eval_cases, line_cases, prompt_ids, words_of
from model.lab.engine import Engine
from model.lab.export import read_gguf_net
from model.lab.net import Net
from model.lab.samples import read_corpus
from model.lab.sandbox import does_pass
from model.lab.tokenizer import Tokenizer

N_PREDICT = 64
N_PREDICT_BLOCK = 192


@dataclass
class Score:
    """A running mean of several figures."""

    n: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """One case."""
        self.n += 1
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def table(self) -> dict[str, float]:
        """Percentages."""
        return {"cases": self.n} | {
            name: round(100 * total / max(self.n, 1), 1) for name, total in self.sums.items()
        }


@torch.no_grad()
def perplexity(
    net: Net, tokenizer: Tokenizer, corpus: Path, n_files: int, n_ctx: int = 1024
) -> dict[str, float]:
    """Of whole held-out files, left to right, each cut into windows; bits per character do not depend on the
    tokenizer.
    """
    total = n_tokens = n_chars = 0.0
    files = [file for files in read_corpus(corpus) for file in files[: max(1, n_files // 10)]]
    for file in files:
        ids = tokenizer.encode(file.text)[:n_ctx]
        logits = net(torch.tensor([ids]))[0, :-1]
        total += float(F.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum"))
        n_tokens += len(ids) - 1
        n_chars += len(tokenizer.decode(ids[1:]))
    return {
        "files": len(files),
        "perplexity": round(math.exp(total / n_tokens), 2),
        "bits_per_char": round(total / n_chars / math.log(2), 3),
    }


def similarity(a: str, b: str) -> float:
    """Edit similarity, 0 to 1."""
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


@dataclass(frozen=True)
class Subject:
    """What is measured: a file in an engine, and the order of prefix, suffix and middle."""

    engine: Engine
    tokenizer: Tokenizer
    order: str = "family"

    def complete_line(self, case: Case, *, with_snippets: bool) -> str:
        """The greedy middle up to its first newline."""
        ids = prompt_ids(self.tokenizer, case, with_snippets=with_snippets, order=self.order)
        return self.engine.complete(ids, N_PREDICT, ("\n",)).text


def score_lines(subject: Subject, cases: list[Case], *, with_snippets: bool) -> dict[str, Any]:
    """Exact match and edit similarity, of all cases, of those that name something defined in another file,
    and of those whose names only a snippet tells; of these two also how often all the names were written.
    """
    scores = {"all": Score(), "names_other_file": Score(), "names_only_told": Score()}
    label = "with snippets" if with_snippets else "without"
    for number, case in enumerate(cases):
        got = subject.complete_line(case, with_snippets=with_snippets).rstrip()
        figures = {
            "exact_match": float(got == case.expected.rstrip()),
            "edit_similarity": similarity(got, case.expected.rstrip()),
        }
        scores["all"].add(**figures)
        figures["names_written"] = float(words_of(got).issuperset(case.names))
        if case.names:
            scores["names_other_file"].add(**figures)
        if case.is_told:
            scores["names_only_told"].add(**figures)
        show_progress(f"lines, {label}", number, len(cases), scores["all"])
    return {name: score.table() for name, score in scores.items()}


def score_blocks(subject: Subject, cases: list[Case], *, with_snippets: bool) -> dict[str, float]:
    """Exact match and edit similarity of whole blocks, and of their first lines."""
    score = Score()
    for number, case in enumerate(cases):
        ids = prompt_ids(subject.tokenizer, case, with_snippets=with_snippets, order=subject.order)
        got = cut_block(subject.engine.complete(ids, N_PREDICT_BLOCK).text, case.prefix)
        wanted = cut_block(case.expected, case.prefix)
        score.add(
            exact_match=float(got == wanted),
            edit_similarity=similarity(got, wanted),
            first_line=float(got.split("\n")[0] == wanted.split("\n")[0]),
        )
        show_progress("blocks", number, len(cases), score)
    return score.table()


def score_human_eval(subject: Subject, cases: list[Case]) -> dict[str, float]:
    """Exact match of the stripped line, and pass@1 of the program with that line in it."""
    score = Score()
    for number, case in enumerate(cases):
        got = subject.complete_line(case, with_snippets=False)
        program = f"{case.prefix}{got}\n{case.suffix}\n{case.test}"
        score.add(
            exact_match=float(got.strip() == case.expected.strip()), pass_at_1=float(does_pass(program))
        )
        show_progress("HumanEval single line", number, len(cases), score)
    return score.table()


def show_progress(what: str, number: int, total: int, score: Score) -> None:
    """A line now and then."""
    if (number + 1) % 100 == 0 or number + 1 == total:
        print(f"{what}: {number + 1}/{total} {score.table()}", flush=True)


def compare_engines(subject: Subject, other: Subject, cases: list[Case]) -> dict[str, float]:
    """How often both engines write the same greedy text."""
    score = Score()
    for number, case in enumerate(cases):
        texts = {one.complete_line(case, with_snippets=True) for one in (subject, other)}
        score.add(same_text=float(len(texts) == 1))
        show_progress("both engines", number, len(cases), score)
    return score.table()


def measure_speed(engine: Engine, tokenizer: Tokenizer, case: Case) -> dict[str, float]:
    """Tokens a second, prompt and generated, of one long prompt that is not in the cache."""
    ids = tokenizer.encode(case.prefix + case.suffix)[:600]
    answer = engine.complete(ids, 64)
    return {
        "prompt_per_s": round(len(ids) / answer.prompt_ms * 1000),
        "generated_per_s": round(len(answer.ids) / answer.decode_ms * 1000),
    }


def print_table(result: dict[str, Any]) -> None:
    """Flat, one figure a line."""
    for group, figures in result.items():
        for name, value in figures.items() if isinstance(figures, dict) else [("", figures)]:
            print(f"{group:28} {name:18} {value}")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for, cheapest first."""
    torch.set_num_threads(args.threads)
    tokenizer, engine = Tokenizer(args.tokenizer), Engine(args.model, args.threads, adapter=args.adapter)
    subject = Subject(engine, tokenizer, args.order)
    cases = line_cases(args.held_out, args.lines, must_name=args.naming)
    longest = max(cases, key=lambda case: len(case.prefix))
    result: dict[str, Any] = {"speed": measure_speed(engine, tokenizer, longest)}
    if not args.no_perplexity:
        result["perplexity"] = perplexity(read_gguf_net(args.model), tokenizer, args.held_out, 100)
    for label, with_snippets in (("lines_without_snippets", False), ("lines_with_snippets", True)):
        scored = score_lines(subject, cases, with_snippets=with_snippets)
        result |= {f"{label}_{name}": figures for name, figures in scored.items()}
    if args.blocks:
        blocks = block_cases(args.held_out, args.blocks)
        for label, with_snippets in (("blocks_without_snippets", False), ("blocks_with_snippets", True)):
            result[label] = score_blocks(subject, blocks, with_snippets=with_snippets)
    if args.engine_cases:
        other = replace(subject, engine=Engine(args.model, args.threads, engine="ctransformers"))
        result["engines_agree"] = compare_engines(subject, other, cases[: args.engine_cases])
    if args.human_eval:
        found = human_eval_cases(args.human_eval)
        step = max(1, len(found) // args.human_eval_cases) if args.human_eval_cases else 1
        result["human_eval_single_line"] = score_human_eval(subject, found[::step])
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help=".gguf")
    parser.add_argument("--adapter", default="", help="of `edgewise model tune`, for all but the perplexity")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True, help="heldout.jsonl")
    parser.add_argument("--human-eval", type=Path, help="HumanEval-SingleLineInfilling.jsonl.gz")
    parser.add_argument("--order", choices=("family", "psm", "spm", "prefix"), default="family")
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument(
        "--naming", action="store_true", help="only lines that name something of another file"
    )
    parser.add_argument("--blocks", type=int, default=0, help="whole bodies to complete")
    parser.add_argument("--no-perplexity", action="store_true")
    parser.add_argument("--human-eval-cases", type=int, default=0, help="about this many; 0: all of them")
    parser.add_argument("--engine-cases", type=int, default=0, help="prompts to compare both engines on")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    started = time.monotonic()
    result = measure(args)
    result["minutes"] = round((time.monotonic() - started) / 60, 1)
    print_table(result)
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
