"""Size against quality: one table, and one plot, of several files of what was once the same model.

Each file is measured alone: bytes, what a host that runs it holds in memory, tokens a second, the loss of
held-out rows, perplexity, the rest of the line on held-out packages; `runs/shrink.sh` makes the files.

Run: `python -m model.lab.shrink --tokenizer T --held-out H --held-rows R NAME=FILE ...`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from model.lab.cases import Case, line_cases
from model.lab.engine import Engine
from model.lab.evaluate import Subject, perplexity, score_lines
from model.lab.export import read_gguf_net
from model.lab.held_out import losses_by_kind
from model.lab.rows import Rows
from model.lab.tokenizer import Tokenizer
from model.speed import measure_file

MANY_TIMES = 3
HEADS = {
    "name": "model",
    "parameters_m": "parameters, M",
    "file_mb": "file, MB",
    "resident_mb": "host in memory, MB",
    "prompt_per_s": "prompt tokens/s",
    "generated_per_s": "generated tokens/s",
    "context_loss": "loss, context",
    "middle_loss": "loss, middles",
    "perplexity": "perplexity",
    "exact_match": "lines, exact, %",
    "edit_similarity": "lines, similarity, %",
}


@dataclass(frozen=True)
class Figures:
    """One row of the table."""

    name: str
    parameters_m: float
    file_mb: float
    resident_mb: float
    prompt_per_s: float
    generated_per_s: float
    context_loss: float
    middle_loss: float
    perplexity: float
    exact_match: float
    edit_similarity: float


@dataclass(frozen=True)
class Exam:
    """What every file is asked."""

    tokenizer: Tokenizer
    held_out: Path
    rows: Rows
    n_rows: int
    cases: list[Case]
    n_files: int
    n_threads: int
    n_repeats: int = 3


def examine(name: str, path: Path, exam: Exam) -> Figures:
    """All figures of a file; of the speeds the best of several, because others use the machine too."""
    speeds = [measure_file(path) for _ in range(exam.n_repeats)]
    net = read_gguf_net(path)
    losses = losses_by_kind(net, exam.rows, exam.n_rows)
    subject = Subject(Engine(path, exam.n_threads), exam.tokenizer)
    lines = score_lines(subject, exam.cases, with_snippets=False)["all"]
    return Figures(
        name,
        round(net.n_parameters() / 1e6, 2),
        round(path.stat().st_size / 1e6, 1),
        round(min(s.resident_mb for s in speeds)),
        round(max(s.prompt_per_s for s in speeds)),
        round(max(s.generated_per_s for s in speeds)),
        losses["context"],
        losses["middle"],
        perplexity(net, exam.tokenizer, exam.held_out, exam.n_files)["perplexity"],
        lines["exact_match"],
        lines["edit_similarity"],
    )


def render_table(rows: list[Figures]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(HEADS.values()) + " |", "|---" * len(HEADS) + "|"]
    lines += ["| " + " | ".join(str(getattr(row, f.name)) for f in fields(row)) + " |" for row in rows]
    return "\n".join(lines)


def draw(rows: list[Figures], out: Path) -> None:
    """Two panels over the file's size: perplexity, by its logarithm where it differs much, and speed."""
    mpl.rcParams["svg.hashsalt"] = "edgewise"  # the same figures, the same bytes
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, field in zip(figure.subplots(1, 2), ("perplexity", "generated_per_s"), strict=True):
        heights = [getattr(r, field) for r in rows]
        axes.scatter([r.file_mb for r in rows], heights, s=18)
        axes.set_yscale("log" if max(heights) > MANY_TIMES * min(heights) else "linear")
        for row in rows:
            place = (row.file_mb, getattr(row, field))
            axes.annotate(row.name, place, xytext=(4, 4), textcoords="offset points", fontsize=7)
        axes.set_xlabel(HEADS["file_mb"])
        axes.set_ylabel(HEADS[field])
        axes.margins(0.2)
        axes.grid(alpha=0.3)
    figure.savefig(out, format="svg", metadata={"Date": None})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--held-rows", type=Path, required=True, help="rows of held-out code, for the loss")
    parser.add_argument("--rows-read", type=int, default=192)
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--files-read", type=int, default=100, help="for the perplexity")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON")
    parser.add_argument("--plot", type=Path, help=".svg")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cases = line_cases(args.held_out, args.lines)
    exam = Exam(
        Tokenizer(args.tokenizer),
        args.held_out,
        Rows(args.held_rows, seed=1),
        args.rows_read,
        cases,
        args.files_read,
        args.threads,
        args.repeats,
    )
    named = [text.partition("=") for text in args.files]
    rows = [examine(name, Path(path), exam) for name, _, path in named]
    print(render_table(rows))
    if args.out:
        args.out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if args.plot:
        draw(rows, args.plot)


if __name__ == "__main__":
    main()
