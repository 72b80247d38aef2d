"""One completion, in a straight line: from a request to a `Completion`, or to the reason why there is none.

Runs in the session. Does no I/O itself: what it needs of the index and of the engine host are its two
ports. Never raises but for cancellation, which belongs to the caller. Must not know LSP.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace

from lsp_server.completion.anchor import Anchor, Anchors
from lsp_server.completion.cache import Suggestion, Suggestions
from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.filters import FILTERS, UNFINISHED_FILTERS, apply_filters
from lsp_server.completion.filters.brackets import n_replaced
from lsp_server.completion.placing import place
from lsp_server.completion.prompt import build_options, build_prompt
from lsp_server.completion.stream import Answer, Ending, read_answer
from lsp_server.completion.trigger import switched_off, unwanted
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import Completion, CompletionRequest, NoCompletion, Reason, Snippet
from model.protocol import FimPrompt, GenerationOptions, ModelError, Piece


@dataclass(frozen=True, slots=True)
class Ports:
    """What the pipeline asks of the rest of the session. `generate` is an async generator; closing it frees
    the engine's slot."""

    search: Callable[[CompletionContext], Awaitable[tuple[Snippet, ...]]]
    generate: Callable[[FimPrompt, GenerationOptions], AsyncIterator[Piece]]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a session remembers from one completion to the next. Both parts are bounded."""

    anchors: Anchors = field(default_factory=Anchors)
    suggestions: Suggestions = field(default_factory=Suggestions)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self.anchors.forget(uri)
        self.suggestions.forget(uri)

    def clear(self) -> None:
        """The model, or what it is given, is another one now."""
        self.anchors.clear()
        self.suggestions.clear()


async def complete(
    request: CompletionRequest,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
) -> Completion | NoCompletion:
    """The suggestion for one place of one snapshot."""
    result: Completion | NoCompletion
    try:
        async with asyncio.timeout(settings.timeout_ms / 1000):
            result = await _complete(request, settings, ports, memory, trace)
    except ModelError as error:
        result = NoCompletion(Reason.MODEL_UNAVAILABLE, str(error))
    except TimeoutError:
        result = NoCompletion(Reason.TIMED_OUT, f"longer than completion.timeout_ms ({settings.timeout_ms})")
    except Exception as error:  # noqa: BLE001 - the boundary: a defect in here must not reach the editor
        result = NoCompletion(Reason.INTERNAL_ERROR, _origin(error))
    trace.set(outcome="shown" if isinstance(result, Completion) else result.reason.value)
    return result


async def _complete(
    request: CompletionRequest,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
) -> Completion | NoCompletion:
    with trace.stage("context"):
        context = _wanted_context(request, settings)
    if isinstance(context, NoCompletion):
        return context
    trace.set(trigger=context.trigger.value, mode=context.mode.value)
    with trace.stage("cache"):
        remembered = memory.suggestions.find(context, settings)
    trace.set(is_cached=remembered is not None)
    if remembered is not None:
        return replace(place(remembered, context), is_cached=True)
    anchor = await _anchor(context, settings, ports, memory, trace)
    answer = await _answer(context, anchor, settings, ports, trace)
    with trace.stage("filters"):
        filters = UNFINISHED_FILTERS if answer.ending is Ending.CUT_OFF else FILTERS
        text = apply_filters(answer.text, context, filters)
    if isinstance(text, NoCompletion):
        return text
    suggestion = Suggestion(text, n_replaced(text, context))
    memory.suggestions.put(context, settings, suggestion)
    return place(suggestion, context)


def _wanted_context(
    request: CompletionRequest, settings: CompletionSettings
) -> CompletionContext | NoCompletion:
    """The context of a place where a suggestion is wanted."""
    if refusal := switched_off(request.snapshot, settings):
        return refusal
    context = build_context(request, settings)
    if isinstance(context, NoCompletion):
        return context
    return unwanted(context) or context


async def _anchor(
    context: CompletionContext,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
) -> Anchor:
    """The anchor with the snippets that all of its prompts share. A search is asked once for each anchor."""
    anchor = memory.anchors.place(context, settings.prompt_tokens)
    if anchor.snippets is None:
        with trace.stage("search"):
            snippets = await _within(settings.search_deadline_ms, ports.search(context))
        if snippets is not None:
            anchor = memory.anchors.freeze_snippets(context.snapshot.uri, anchor, snippets)
    n_snippets = None if anchor.snippets is None else len(anchor.snippets)
    trace.set(n_snippets=n_snippets, n_typed=len(anchor.typed(context)))
    return anchor


async def _within(deadline_ms: int, search: Awaitable[tuple[Snippet, ...]]) -> tuple[Snippet, ...] | None:
    """What the search found, or None when it was late or failed: a prompt does without snippets."""
    task = asyncio.ensure_future(search)
    try:
        await asyncio.wait({task}, timeout=deadline_ms / 1000)
        is_there = task.done() and not task.cancelled() and task.exception() is None
        return task.result() if is_there else None
    finally:
        task.cancel()


async def _answer(
    context: CompletionContext,
    anchor: Anchor,
    settings: CompletionSettings,
    ports: Ports,
    trace: TraceDraft,
) -> Answer:
    with trace.stage("generate"):
        pieces = ports.generate(build_prompt(context, anchor), build_options(context, settings))
        answer = await read_answer(pieces, context, settings.t_max_predict_ms)
    trace.set(ending=answer.ending.value, stopped_by=answer.stopped_by, n_generated=answer.n_pieces)
    if answer.usage is not None:
        trace.set(**asdict(answer.usage))
    return answer


def _origin(error: Exception) -> str:
    """The kind of an error and the line of code it came from; its message may hold text of the document."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno}"
