"""A scripted engine behind the `generate` port, and short ways to write requests down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.index.syntax_place import read_syntax_place
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import (
    Completion,
    CompletionRequest,
    DocumentSnapshot,
    NoCompletion,
    Retrieval,
    SelectedCompletion,
    SyntaxPlace,
    Trigger,
)
from model.protocol import FimPrompt, GenerationOptions, Piece, Usage

CURSOR = "▮"


@dataclass
class ScriptedEngine:
    """Streams given pieces as an engine does: up to a stop string, then one piece with the usage.

    Between two pieces it gives way to the loop once; it notes what it was asked and how its stream ended.
    """

    pieces: Sequence[str]
    stop_reason: str = "eos"
    error: Exception | None = None
    prompts: list[FimPrompt] = field(default_factory=list)
    options: list[GenerationOptions] = field(default_factory=list)
    n_sent: int = 0
    n_open: int = 0
    was_read_to_the_end: bool = False

    async def generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self.prompts.append(prompt)
        self.options.append(options)
        self.n_open += 1
        try:
            if self.error is not None:
                raise self.error
            for piece in self.pieces:
                await asyncio.sleep(0)
                stop = min((at for word in options.stop if (at := piece.find(word)) >= 0), default=-1)
                if stop >= 0:
                    yield Piece(piece[:stop], Usage(n_generated=self.n_sent), "word")
                    return
                self.n_sent += 1
                yield Piece(piece)
            self.was_read_to_the_end = True
            yield Piece("", Usage(n_generated=self.n_sent), self.stop_reason)
        finally:
            self.n_open -= 1


def pieces_of(text: str, n_chars: int = 3) -> tuple[str, ...]:
    """The text as a tokenizer might cut it: small pieces, each line end alone."""
    return tuple(
        part
        for line in text.splitlines(keepends=True)
        for part in (
            *(line.rstrip("\n")[at : at + n_chars] for at in range(0, len(line.rstrip("\n")), n_chars)),
            *("\n" * line.endswith("\n")),
        )
    )


async def no_snippets(_: CompletionContext) -> Retrieval:
    return Retrieval()


async def read_tree(context: CompletionContext) -> SyntaxPlace | None:
    """The real tree, in this thread."""
    snapshot = context.snapshot
    return read_syntax_place(context.prefix, context.suffix, snapshot.language_id, snapshot.path)


def snapshot_of(text: str, language_id: str = "python", uri: str = "file:///w/a") -> DocumentSnapshot:
    return DocumentSnapshot(
        uri=uri,
        path="/w/src/a",
        relative_path="src/a",
        workspace_root="/w",
        language_id=language_id,
        version=1,
        text=text,
    )


def request_at(
    drawn: str,
    language_id: str = "python",
    trigger: Trigger = Trigger.AUTOMATIC,
    selected: SelectedCompletion | None = None,
) -> CompletionRequest:
    """A request from a text with the cursor drawn in it."""
    offset = drawn.index(CURSOR)
    return CompletionRequest(snapshot_of(drawn.replace(CURSOR, ""), language_id), offset, trigger, selected)


def context_at(
    drawn: str, language_id: str = "python", settings: CompletionSettings | None = None
) -> CompletionContext:
    """The context of a place that has one."""
    context = build_context(request_at(drawn, language_id), settings or CompletionSettings())
    assert isinstance(context, CompletionContext)
    return context


async def ask(
    request: CompletionRequest,
    engine: ScriptedEngine,
    memory: Memory | None = None,
    settings: CompletionSettings | None = None,
    trace: TraceDraft | None = None,
) -> Completion | NoCompletion:
    """One request through the whole pipeline."""
    return await complete(
        request,
        settings or CompletionSettings(),
        Ports(no_snippets, engine.generate, find_syntax=read_tree),
        memory if memory is not None else Memory(),
        trace or TraceDraft("test"),
    )


def accepted(text: str, completion: Completion) -> str:
    """The document after the editor has inserted the completion."""
    return text[: completion.span.start] + completion.text + text[completion.span.end :]
