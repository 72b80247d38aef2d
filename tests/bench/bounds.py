"""The simulated typist under several bounds of confidence: what would be accepted, and what shown in vain.

    python -m tests.bench.bounds --package requests=FOLDER --package sphinx=FOLDER --n 2

Bodies of functions are held out and written again, as in `edgewise eval`. What the built-in model writes at
each place of a body is asked once, to its end, and replayed to the pipeline under each bound: a document that
is written again is the author's at every place, whatever was shown before. Prints two tables; judges nothing.
The model sees no related code.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.bench.evaluate import texts_without
from lsp_server.bench.holes import choose, copy_workspace, find_sources, without
from lsp_server.bench.typist import Evaluation, Record, evaluate, judge, next_stroke
from lsp_server.completion.anchor import Anchors
from lsp_server.completion.cache import Suggestion
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters.stop import stop_rule
from lsp_server.completion.mode import is_open, mode_at
from lsp_server.completion.pipeline import Memory, Ports, ask_model, follow, wanted_context
from lsp_server.completion.precedent import precedent_at
from lsp_server.completion.prompt import build_options, build_prompt
from lsp_server.engine import Engine
from lsp_server.index.syntax_place import read_syntax_place
from lsp_server.settings import CompletionSettings, ModelSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import CompletionRequest, DocumentSnapshot, Retrieval, SyntaxPlace
from model.protocol import FimPrompt, GenerationOptions, Piece
from tests.bench.confidence import under
from tests.bench.retrieval.__main__ import named_folder
from tests.bench.retrieval.cases import Case
from tests.bench.retrieval.workspace import Workspace

BOUNDS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
MAX_SOURCES = 200
SETTINGS = CompletionSettings(prompt_tokens=1024)


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a body: what precedents say there, and what the model writes, to its end."""

    context: CompletionContext
    syntax: SyntaxPlace | None
    precedent: Suggestion | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """What is written again, and its places by how much of it stands before them."""

    text: str
    places: Mapping[int, Place]


@dataclass(slots=True)
class Typing:
    """How bodies were written under one bound."""

    bound: float
    records: list[Record] = field(default_factory=list)
    n_read: int = 0  # pieces of the model's

    @property
    def result(self) -> Evaluation:
        return evaluate("", self.records)


def find_places(
    packages: Mapping[str, Path], scratch: Path, n: int, seed: int
) -> Iterator[tuple[str, dict[int, Place]]]:
    """Each body with its places, at which the model was not asked yet."""
    for name, root in packages.items():
        sources = [source for source, _ in zip(find_sources(root), range(MAX_SOURCES), strict=False)]
        chosen = choose(sources, n, random.Random(seed))
        folder = scratch / name / root.name
        copy_workspace(root, folder, texts_without(chosen))
        workspace = Workspace(folder, scratch / "cache")
        for source, span in chosen:
            text, rest = source.text[span.start : span.end], without(source.text, [span])
            contexts = {
                at: _context(
                    source.path, rest[: span.start] + text[:at] + rest[span.start :], span.start + at
                )
                for at in range(len(text))
                if not _is_indented_there(text, at)
            }
            wanted = {at: one for at, one in contexts.items() if isinstance(one, CompletionContext)}
            yield text, {at: _place(one, workspace) for at, one in wanted.items()}


def _is_indented_there(text: str, at: int) -> bool:
    """The editor does that by itself."""
    return text[at] in " \t" and "\n" in text[:at] and not text[text.rfind("\n", 0, at) : at].strip()


def _context(path: str, text: str, offset: int) -> CompletionContext | object:
    snapshot = DocumentSnapshot("", path, path, "", "python", 0, text)
    return wanted_context(CompletionRequest(snapshot, offset), SETTINGS)


def _place(context: CompletionContext, workspace: Workspace) -> Place:
    path, text, offset = context.snapshot.path, context.snapshot.text, context.offset
    near = workspace.texts_near(Case("", "", Path(), path, text, offset, ()))
    found = precedent_at(context, near)
    syntax = None
    if is_open(context, SETTINGS):
        syntax = read_syntax_place(context.prefix, context.suffix, context.snapshot.language_id, path)
    return Place(context, syntax, None if found is None else follow(found, context), ())


async def ask_all(bodies: Sequence[tuple[str, dict[int, Place]]]) -> list[Body]:
    engine, asked = Engine(ModelSettings(), lambda status: None), []
    try:
        for text, places in bodies:
            anchors = Anchors()
            asked.append(Body(text, {at: await _ask(engine, place, anchors) for at, place in places.items()}))
    finally:
        await engine.aclose()
    return asked


async def _ask(engine: Engine, place: Place, anchors: Anchors) -> Place:
    context = place.context
    if place.syntax is not None:
        context = replace(context, mode=mode_at(place.syntax, context))
    anchor = anchors.place(context, SETTINGS.prompt_tokens, is_open=engine.is_append_only)
    prompt = build_prompt(context, replace(anchor, snippets=()))
    options = replace(build_options(context, SETTINGS), wants_likelihood=True)
    pieces: list[Piece] = []
    async with aclosing(engine.generate(prompt, options, SETTINGS.prompt_tokens)) as answer:
        async for piece in answer:
            pieces.append(piece)
            if piece.stop_reason or stop_rule("".join(one.text for one in pieces), context):
                break
    return replace(place, pieces=tuple(pieces))


async def type_again(body: Body, typing: Typing, *, follows_precedents: bool) -> None:
    record, memory, at = Record(n_chars=len(body.text)), Memory(), 0
    while at < len(body.text):
        place, rest = body.places.get(at), body.text[at:]
        shown = "" if place is None else await _shown(place, memory, typing, follows_precedents)
        acceptance = judge(shown, rest)
        record.see(shown, acceptance)
        if acceptance is None:
            record.type(next_stroke(rest))
            at += len(next_stroke(rest))
        else:
            record.take(acceptance)
            at += acceptance.n_retained
    typing.records.append(record)


async def _shown(place: Place, memory: Memory, typing: Typing, follows_precedents: bool) -> str:
    context = place.context
    found = memory.suggestions.find(context, SETTINGS)
    if found is None:
        found = place.precedent if follows_precedents else None
        answer = found or await ask_model(
            context, SETTINGS, _ports(place, typing), memory, TraceDraft("bench")
        )
        found = answer if isinstance(answer, Suggestion) else None
        if found is not None:
            memory.suggestions.put(context, SETTINGS, found)
    return "" if found is None else found.text


def _ports(place: Place, typing: Typing) -> Ports:
    async def search(_: CompletionContext) -> Retrieval:
        return Retrieval()

    async def find_syntax(_: CompletionContext) -> SyntaxPlace | None:
        return place.syntax

    async def generate(_: FimPrompt, __: GenerationOptions) -> AsyncGenerator[Piece]:
        for piece in place.pieces:
            typing.n_read += 1
            yield under(typing.bound, piece)

    return Ports(search, generate, find_syntax=find_syntax, is_cut_to_sure=lambda: True)


async def type_all(bodies: Sequence[Body], *, follows_precedents: bool) -> dict[float, Typing]:
    typed = {}
    for bound in BOUNDS:
        typed[bound] = Typing(bound)
        for body in bodies:
            await type_again(body, typed[bound], follows_precedents=follows_precedents)
    return typed


def draw(title: str, typed: Mapping[float, Typing]) -> Table:
    columns = ("bound", "ratio", "keys", "wrong", "per 100 keys", "characters accepted", "pieces read")
    table = Table(*columns, title=title, box=None, padding=(0, 2, 0, 0))
    most = max(1, typed[BOUNDS[0]].result.n_inserted)
    for bound, typing in typed.items():
        found = typing.result
        n_wrong = sum(record.n_wrong for record in typing.records)
        table.add_row(
            f"{bound}",
            f"{found.completed_ratio:.1%}",
            *map(str, (found.n_strokes, n_wrong, found.wrong_per_100_strokes)),
            f"{found.n_inserted} ({found.n_inserted / most:.1%})",
            f"{typing.n_read}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", action="append", default=[], help="an installed package, or NAME=FOLDER")
    parser.add_argument("--n", type=int, default=2, help="functions of each package")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ew-") as folder:
        packages = dict(map(named_folder, given.package))
        bodies = asyncio.run(ask_all(list(find_places(packages, Path(folder), given.n, given.seed))))
    n_chars = sum(len(body.text) for body in bodies)
    for title, follows in (("the model alone", False), ("precedents first", True)):
        typed = asyncio.run(type_all(bodies, follows_precedents=follows))
        Console().print(draw(f"{title}: {len(bodies)} functions, {n_chars} characters", typed))


if __name__ == "__main__":
    main()
