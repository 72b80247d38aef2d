"""How sure the built-in model is of what it writes, and what that is worth: of lines cut anywhere with no
precedent, what would be shown under several bounds, and how much of it would be right.

    python -m tests.bench.confidence --package requests=FOLDER --package sphinx=FOLDER --n 27

Prints one table; judges nothing. The model writes in its own host, without related code.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.completion.anchor import Anchors
from lsp_server.completion.confidence import LEAST, Confidence
from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.precedent import first_word, precedent_at
from lsp_server.completion.prompt import build_options, build_prompt
from lsp_server.engine import Engine
from lsp_server.settings import CompletionSettings, ModelSettings
from lsp_server.types import CompletionRequest, DocumentSnapshot
from model.protocol import Piece
from model.sequences import count_common
from tests.bench.retrieval.__main__ import named_folder
from tests.bench.retrieval.cases import load_package
from tests.bench.retrieval.lines import Line, cut_lines
from tests.bench.retrieval.workspace import Workspace

BOUNDS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
BUDGET_TOKENS = 1024
N_PREDICT = 30
LEAST_SHOWN_CHARS = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What the model wrote for a line, to its end, or to the last token that it was given."""

    expected: str
    pieces: tuple[Piece, ...]

    def shown(self, bound: float) -> str:
        text, so_far = "", Confidence()
        for piece in self.pieces:
            text += piece.text
            likelihood = under(bound, piece).likelihood
            so_far = so_far.after(1.0 if likelihood is None else likelihood, text)
        return so_far.sure_part(text).rstrip()


def under(bound: float, piece: Piece) -> Piece:
    """With the likelihood that is to the bound which the product has as this one's is to `bound`."""
    if piece.likelihood is None or bound == LEAST:
        return piece
    power = 0.0 if bound == 0 else math.log(LEAST) / math.log(bound)
    return replace(piece, likelihood=piece.likelihood**power)


def find_contexts(
    packages: Mapping[str, Path], cache: Path, n_lines: int
) -> Iterator[tuple[Line, CompletionContext]]:
    """The lines for which the model is asked."""
    for name, root in packages.items():
        package, workspace = load_package(name, root), Workspace(root, cache)
        for line in cut_lines(package, n_lines):
            case = line.case
            snapshot = DocumentSnapshot("", case.file, case.file, "", case.language, 0, case.text)
            context = build_context(CompletionRequest(snapshot, case.offset), CompletionSettings())
            if isinstance(context, CompletionContext) and not precedent_at(
                context, workspace.texts_near(case)
            ):
                yield line, context


async def ask(engine: Engine, line: Line, context: CompletionContext) -> Said:
    anchor = replace(Anchors().place(context, BUDGET_TOKENS, is_open=engine.is_append_only), snippets=())
    options = replace(
        build_options(context, CompletionSettings()), wants_likelihood=True, n_predict=N_PREDICT
    )
    pieces: list[Piece] = []
    async for piece in engine.generate(build_prompt(context, anchor), options, BUDGET_TOKENS):
        pieces.append(replace(piece, text=piece.text.partition("\n")[0]))
        if "\n" in piece.text and "".join(one.text for one in pieces).strip():
            break
    return Said(line.expected, tuple(pieces))


async def ask_all(packages: Mapping[str, Path], cache: Path, n_lines: int) -> list[Said]:
    contexts = await asyncio.to_thread(lambda: list(find_contexts(packages, cache, n_lines)))
    engine = Engine(ModelSettings(), lambda status: None)
    try:
        return [await ask(engine, line, context) for line, context in contexts]
    finally:
        await engine.aclose()


def draw(said: Sequence[Said]) -> Table:
    columns = (
        "bound",
        "shown",
        "first word right",
        "wrong",
        "right so far",
        "chars right",
        "chars wrong",
    )
    table = Table(*columns, title=f"{len(said)} lines without a precedent", box=None, padding=(0, 2, 0, 0))
    for bound in BOUNDS:
        texts = [(one.shown(bound).strip(" "), one.expected) for one in said]
        shown = [(text, expected) for text, expected in texts if len(text) >= LEAST_SHOWN_CHARS]
        n_first = sum(first_word(text) == first_word(expected) for text, expected in shown)
        n_so_far = sum(expected.startswith(text) for text, expected in shown)
        n_right = sum(count_common(text, expected) for text, expected in shown)
        n_wrong = sum(len(text) for text, _ in shown) - n_right
        table.add_row(
            f"{bound}",
            *map(str, (len(shown), n_first, len(shown) - n_first)),
            f"{n_so_far / max(1, len(shown)):.0%}",
            *(f"{n / max(1, len(said)):.1f}" for n in (n_right, n_wrong)),
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", action="append", default=[], help="an installed package, or NAME=FOLDER")
    parser.add_argument("--n", type=int, default=27, help="lines of each package")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ew-") as folder:
        packages = dict(map(named_folder, given.package))
        said = asyncio.run(ask_all(packages, Path(folder), given.n))
    Console().print(draw(said))


if __name__ == "__main__":
    main()
