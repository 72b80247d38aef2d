"""How sure the built-in model is of what it writes, and what that is worth: of lines cut anywhere with no
precedent, what would be shown under several bounds, and how much of it would be right.

    python -m tests.bench.confidence --package requests=FOLDER --package sphinx=FOLDER --n 27

Prints one table; judges nothing. The model writes in its own host, without related code.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.bench.ledger import count_common
from lsp_server.completion import confidence
from lsp_server.completion.anchor import Anchors
from lsp_server.completion.confidence import Confidence
from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.precedent import first_word, precedent_at
from lsp_server.completion.prompt import build_options, build_prompt
from lsp_server.engine import Engine
from lsp_server.settings import CompletionSettings, ModelSettings
from lsp_server.types import CompletionRequest, DocumentSnapshot
from model.protocol import Piece
from tests.bench.retrieval.__main__ import named_folder
from tests.bench.retrieval.cases import load_package
from tests.bench.retrieval.lines import Line, cut_lines
from tests.bench.retrieval.workspace import Workspace

BOUNDS = ((0.0, 0.0), (0.05, 0.1), (0.1, 0.2), (0.1, 0.3), (0.2, 0.4), (0.3, 0.5))  # for lines, for words
BUDGET_TOKENS = 1024
N_PREDICT = 30
LEAST_SHOWN_CHARS = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What the model wrote for a line, to its end, or to the last token that it was given."""

    expected: str
    pieces: tuple[Piece, ...]
    is_whole: bool

    def shown(self) -> str:
        """Under the bounds that hold now."""
        text, so_far = "", Confidence()
        for piece in self.pieces:
            text += piece.text
            so_far = so_far.after(piece, text)
        return so_far.sure_part(text, is_whole=self.is_whole).rstrip()


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
            return Said(line.expected, tuple(pieces), is_whole=True)
    return Said(line.expected, tuple(pieces), is_whole=bool(pieces) and pieces[-1].stop_reason != "limit")


async def ask_all(packages: Mapping[str, Path], cache: Path, n_lines: int) -> list[Said]:
    contexts = await asyncio.to_thread(lambda: list(find_contexts(packages, cache, n_lines)))
    engine = Engine(ModelSettings(), lambda status: None)
    try:
        return [await ask(engine, line, context) for line, context in contexts]
    finally:
        await engine.aclose()


def draw(said: Sequence[Said]) -> Table:
    columns = (
        "bounds, line / words",
        "shown",
        "first word right",
        "wrong",
        "right so far",
        "chars right",
        "chars wrong",
    )
    table = Table(*columns, title=f"{len(said)} lines without a precedent", box=None, padding=(0, 2, 0, 0))
    for confidence.LEAST_FOR_LINE, confidence.LEAST_FOR_WORDS in BOUNDS:
        shown = [
            (text, one.expected) for one in said if len(text := one.shown().strip(" ")) >= LEAST_SHOWN_CHARS
        ]
        n_first = sum(first_word(text) == first_word(expected) for text, expected in shown)
        n_so_far = sum(expected.startswith(text) for text, expected in shown)
        n_right = sum(count_common(text, expected) for text, expected in shown)
        n_wrong = sum(len(text) for text, _ in shown) - n_right
        table.add_row(
            f"{confidence.LEAST_FOR_LINE} / {confidence.LEAST_FOR_WORDS}",
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
