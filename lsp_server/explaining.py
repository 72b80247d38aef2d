"""Explanations: facts from the index, and words of an instruct model when there is one.

Runs in the session. Holds the engine of the model that explains. Must not know LSP or how facts are found.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from lsp_server.assist.explain import NO_INSTRUCT_MODEL, build_facts, build_messages, render_markdown
from lsp_server.assist.ports import Messages
from lsp_server.engine import Engine
from lsp_server.index.service import IndexService
from lsp_server.settings import Settings
from lsp_server.types import CodeFacts, DocumentSnapshot, Span
from model.protocol import GenerationOptions, ModelError, Piece


class Explainer:
    """One for each session. `settings` are those of now."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._engine: Engine | None = None

    async def explain(
        self,
        snapshot: DocumentSnapshot,
        span: Span,
        index: IndexService | None,
        on_text: Callable[[str], None],
    ) -> str:
        """Markdown: the facts, then words that are grounded in them. `on_text` gets each piece as soon as it
        is there."""
        has_words = self.has_words
        facts = await build_facts(snapshot, span, index)
        markdown = render_markdown(facts, "" if has_words else NO_INSTRUCT_MODEL)
        on_text(markdown)
        if has_words:
            async for text in self._words(facts):
                markdown += text
                on_text(text)
        return markdown

    @property
    def has_words(self) -> bool:
        """Whether there is an instruct model."""
        return bool(self._settings().explain.model)

    async def chat(self, messages: Messages) -> AsyncGenerator[Piece]:
        """The instruct model's answer, piece by piece."""
        settings = self._settings().explain
        options = GenerationOptions(settings.max_tokens, t_max_predict_ms=settings.timeout_ms)
        async with aclosing(self._ready_engine().chat(messages, options)) as pieces:
            async for piece in pieces:
                yield piece

    async def _words(self, facts: CodeFacts) -> AsyncIterator[str]:
        yield "\n---\n\n"
        try:
            async with aclosing(self.chat(build_messages(facts))) as pieces:
                async for piece in pieces:
                    yield piece.text
        except ModelError as error:
            yield f"\n\n_There are no more words: {error}_\n"

    def _ready_engine(self) -> Engine:
        """The same host as the completion's when it is the same file."""
        if self._engine is None:
            settings = self._settings()
            named = settings.model.model_copy(update={"name": settings.explain.model})
            self._engine = Engine(named, lambda status: None)
        return self._engine

    def take_engine(self) -> Engine | None:
        """The engine, to be closed; the next explanation starts another."""
        engine, self._engine = self._engine, None
        return engine
