"""What goes into one prompt: the related code of a place, and, asked by hand, the whole prompt for it.

Runs in the session. Brings index, pipeline and engine together. Must not know LSP.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.layout import (
    BULK_CHARS_PER_TOKEN,
    CHARS_PER_TOKEN,
    LONG_TOKENS,
    lengthen,
    near_chars,
)
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.engine import Engine
from lsp_server.index.service import IndexService
from lsp_server.index.syntax_place import read_syntax_place
from lsp_server.masking import mask_secrets
from lsp_server.notebooks import whole_notebook
from lsp_server.settings import CompletionSettings, Settings
from lsp_server.trace import TraceDraft
from lsp_server.types import CompletionRequest, NoCompletion, Retrieval, Snippet, SyntaxPlace
from model.protocol import FimPrompt, GenerationOptions, Piece, TokenPrompt
from model.store import is_builtin

# Related code is asked for up to so many characters a token of the prompt: the client trims it to its share.
SNIPPET_CHARS_PER_TOKEN = 2
CONTEXT_CHARS_PER_TOKEN = 4
# Nobody types while a long prompt is built: what a search cut short leaves out would change the next prompt.
LONG_SEARCH_MS = 500
_WORD_BEFORE = re.compile(r"(?<!\w)[^\W\d]\w*\Z")
SYNTAX_DEADLINE_S = 0.02  # of a language's first time, which loads its grammar


@dataclass(frozen=True, slots=True)
class Budget:
    """In tokens. `prompt` 0: what the model is asked with anyway. `context` of it may be cross-file context;
    0: its usual share."""

    prompt: int = 0
    context: int = 0

    @property
    def is_long(self) -> bool:
        return self.prompt >= LONG_TOKENS


async def search(
    index: IndexService | None, context: CompletionContext, budget_chars: int, deadline_ms: int
) -> Retrieval:
    """From the index, if there is one."""
    if index is None:
        return Retrieval()
    snapshot, offset = whole_notebook(context.snapshot, context.offset)
    return await index.retrieve(snapshot, offset, budget_chars, deadline_ms)


class SyntaxReader:
    """Asks the syntax tree at the cursor, and once for each word: whatever is typed of it, the tree is the
    same but for the word's letters."""

    def __init__(self) -> None:
        self._loaded = set[str]()
        self._asked: tuple[str, ...] = ()
        self._found: SyntaxPlace | None = None

    async def __call__(self, context: CompletionContext) -> SyntaxPlace | None:
        snapshot, prefix = context.snapshot, context.prefix
        begun = _WORD_BEFORE.search(prefix)
        start = begun.start() if begun else len(prefix)
        asked = prefix[:start], "x" if begun else "", context.suffix, snapshot.language_id, snapshot.path
        if asked != self._asked:
            if not await self._is_loaded(context):
                return None
            self._asked, self._found = asked, _read_syntax(context)
        return self._found

    async def _is_loaded(self, context: CompletionContext) -> bool:
        """A grammar that is not loaded yet must not hold up the loop, nor a key for long."""
        language_id = context.snapshot.language_id
        if language_id not in self._loaded:
            try:
                async with asyncio.timeout(SYNTAX_DEADLINE_S):
                    await find_syntax(context)
            except TimeoutError:
                return False
            self._loaded.add(language_id)
        return True


def texts_near(
    index: IndexService | None, context: CompletionContext, settings: Settings
) -> Sequence[str] | None:
    """Where to look for precedents. None where the user wants none."""
    wanted = settings.completion.precedents
    if wanted == "never" or (wanted == "auto" and not is_builtin(settings.model.name)):
        return None
    return () if index is None else index.texts_near(context.snapshot)


def is_cut_to_sure(settings: Settings) -> bool:
    """Whether no more of the model's text is shown than it is sure of."""
    wanted = settings.completion.confidence
    return wanted == "always" or (wanted == "auto" and is_builtin(settings.model.name))


async def find_syntax(context: CompletionContext) -> SyntaxPlace | None:
    """In a thread, which loads the grammar."""
    return await asyncio.to_thread(_read_syntax, context)


def _read_syntax(context: CompletionContext) -> SyntaxPlace | None:
    """In the loop: a parse keeps the interpreter's lock, so that a thread would only be a detour."""
    snapshot = context.snapshot
    return read_syntax_place(context.prefix, context.suffix, snapshot.language_id, snapshot.path)


async def build_prompt(
    request: CompletionRequest,
    settings: CompletionSettings,
    budget: Budget,
    index: IndexService | None,
    engine: Engine,
    trace: TraceDraft,
) -> TokenPrompt | NoCompletion:
    """What the model would see: the same pipeline, up to the point where the model is asked. A budget that is
    named may be larger than the model's own context."""
    if budget.prompt:
        patience_ms = max(settings.search_deadline_ms, LONG_SEARCH_MS if budget.is_long else 0)
        settings = settings.model_copy(
            update={"prompt_tokens": budget.prompt, "search_deadline_ms": patience_ms}
        )
    asked: list[FimPrompt] = []
    n_sized = await _sized(budget.prompt, engine) if budget.is_long else 0

    async def find(context: CompletionContext) -> Retrieval:
        n_chars = _context_chars(settings.prompt_tokens, budget, n_sized)
        return await search(index, context, n_chars, settings.search_deadline_ms)

    async def note(prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        asked.append(prompt)
        yield Piece("", stop_reason="eos")

    result = await complete(request, settings, Ports(find, note), Memory(), trace)
    if not asked:
        assert isinstance(result, NoCompletion)
        return result
    prompt = replace(asked[0], context_tokens=budget.context)
    if budget.is_long and await engine.shows_snippets():
        with trace.stage("survey"):
            prompt = lengthen(prompt, await _survey(request, budget, index), n_sized)
    with trace.stage("layout"):
        if budget.prompt:
            return await engine.lay_out(prompt, budget.prompt)
        return await engine.build_prompt(prompt, settings.prompt_tokens)


async def _sized(budget_tokens: int, engine: Engine) -> int:
    """The budget as if tokens were of usual length: the parts of a long prompt are sized in characters, and a
    vocabulary that cuts code small must not get more tokens of what depends on the cursor."""
    return int(budget_tokens * min(1.0, await engine.chars_per_token() / CHARS_PER_TOKEN))


def _context_chars(prompt_tokens: int, budget: Budget, n_sized: int) -> int:
    """How much may be found for this very place."""
    if budget.is_long:
        return max(near_chars(n_sized), budget.context * CONTEXT_CHARS_PER_TOKEN)
    return (budget.context or prompt_tokens) * (
        CONTEXT_CHARS_PER_TOKEN if budget.context else SNIPPET_CHARS_PER_TOKEN
    )


async def _survey(
    request: CompletionRequest, budget: Budget, index: IndexService | None
) -> tuple[Snippet, ...]:
    if index is None:
        return ()
    snapshot, _ = whole_notebook(request.snapshot, request.offset)
    n_chars = int((budget.context or budget.prompt) * BULK_CHARS_PER_TOKEN)
    found = await index.survey(snapshot, n_chars)
    return tuple(replace(item, text=mask_secrets(item.text)) for item in found)
