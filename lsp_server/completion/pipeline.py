"""One completion, in a straight line: from a request to a `Completion`, or to the reason why there is none.

`look_up` is what can be said at once: no place for a suggestion, or one that was made already. `compute` asks
precedents and the model. `complete` is both; the session's `Completer` runs `compute` by itself, so that it
may begin before the request and outlive it.

Runs in the session. Does no I/O itself: what it needs of the index and of the engine host are its two
ports. Never raises but for cancellation, which belongs to the caller. Must not know LSP.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TypeVar

from lsp_server.completion.anchor import Anchor, Anchors, begun_word
from lsp_server.completion.cache import Suggestion, Suggestions
from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.filters import FILTERS, UNFINISHED_FILTERS, apply_filters
from lsp_server.completion.filters.brackets import n_replaced
from lsp_server.completion.layout import is_gain
from lsp_server.completion.mode import is_open, mode_at, reason_of
from lsp_server.completion.placing import place
from lsp_server.completion.precedent import Precedent, precedent_at
from lsp_server.completion.prompt import build_options, build_prompt
from lsp_server.completion.stream import UNSURE, Answer, Ending, read_answer
from lsp_server.completion.trigger import switched_off, unwanted
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import (
    Completion,
    CompletionRequest,
    NoCompletion,
    Reason,
    Retrieval,
    SyntaxPlace,
    Trigger,
)
from model.protocol import FimPrompt, GenerationOptions, ModelError, Piece, Shown

LEAST_SHOWN_CHARS = 2  # of a text that goes on
PREPARED_SHARE = 0.85  # of the prompt's tokens are filled at rest; the remainder is for what is typed

T = TypeVar("T")


async def _prefill_nothing(_: FimPrompt, __: int) -> Shown:
    return Shown()


async def _measure_nothing(_: FimPrompt, __: int) -> Shown | None:
    return None


async def _see_nothing(_: CompletionContext) -> SyntaxPlace | None:
    return None


def _know_none(_: CompletionContext) -> None:
    return None


def _never() -> bool:
    return False


def _ignore(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Ports:
    """What the pipeline asks of the rest of the session. `generate` is an async generator; closing it frees
    the engine's slot. `prefill` evaluates a prompt of so many tokens at most; `measure` says what such a
    prompt would show. `is_append_only` says whether text that is typed comes last in the model's layout
    anyway. `find_syntax` reads the syntax tree at the cursor; None where it does not tell. `texts_near` are
    those that precedents are looked for in; None where none is wanted. `is_cut_to_sure` says whether no more
    of the model's text is shown than it is sure of."""

    search: Callable[[CompletionContext], Awaitable[Retrieval]]
    generate: Callable[[FimPrompt, GenerationOptions], AsyncIterator[Piece]]
    prefill: Callable[[FimPrompt, int], Awaitable[Shown]] = _prefill_nothing
    measure: Callable[[FimPrompt, int], Awaitable[Shown | None]] = _measure_nothing
    is_append_only: Callable[[], bool] = _never
    find_syntax: Callable[[CompletionContext], Awaitable[SyntaxPlace | None]] = _see_nothing
    texts_near: Callable[[CompletionContext], Sequence[str] | None] = _know_none
    is_cut_to_sure: Callable[[], bool] = _never


@dataclass(slots=True)
class Newest:
    """The last place that was looked at: a keystroke and the request after it are about the same one."""

    _asked: tuple[CompletionRequest, CompletionSettings] | None = None
    _found: CompletionContext | NoCompletion | None = None

    def context(
        self, request: CompletionRequest, settings: CompletionSettings
    ) -> CompletionContext | NoCompletion:
        if self._found is None or self._asked != (request, settings):
            self._found = wanted_context(request, settings)
            self._asked = request, settings
        return self._found

    def clear(self) -> None:
        self._asked = self._found = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a session remembers from one completion to the next. All parts are bounded."""

    anchors: Anchors = field(default_factory=Anchors)
    suggestions: Suggestions = field(default_factory=Suggestions)
    newest: Newest = field(default_factory=Newest)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self.anchors.forget(uri)
        self.suggestions.forget(uri)
        self.newest.clear()

    def clear(self) -> None:
        """The model, or what it is given, is another one now."""
        self.anchors.clear()
        self.suggestions.clear()

    def imagined(self) -> Memory:
        """For a place where the cursor may come to be: its anchors leave the real ones alone, what it
        suggests is kept with the rest."""
        return Memory(self.anchors.copy(), self.suggestions)


async def complete(
    request: CompletionRequest,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
) -> Completion | NoCompletion:
    """The suggestion for one place of one snapshot."""

    async def work() -> Completion | NoCompletion:
        found = look_up(request, settings, memory, trace)
        if not isinstance(found, CompletionContext):
            return found
        result = await compute(found, settings, ports, memory, trace)
        return result if isinstance(result, NoCompletion) else place(result, found)

    result = await guarded(work(), asyncio.timeout(settings.timeout_ms / 1000), settings)
    trace.set(outcome=outcome_of(result))
    return result


def outcome_of(result: object) -> str:
    """The word for it in a trace."""
    return result.reason.value if isinstance(result, NoCompletion) else "shown"


async def guarded(
    work: Awaitable[T | NoCompletion], deadline: asyncio.Timeout, settings: CompletionSettings
) -> T | NoCompletion:
    """What the work came to, or why it came to nothing. Raises nothing but a cancellation from outside."""
    try:
        async with deadline:
            return await work
    except ModelError as error:
        return NoCompletion(Reason.MODEL_UNAVAILABLE, str(error))
    except TimeoutError:
        return NoCompletion(Reason.TIMED_OUT, f"longer than completion.timeout_ms ({settings.timeout_ms})")
    except Exception as error:  # noqa: BLE001 - the boundary: a defect in here must not reach the editor
        return NoCompletion(Reason.INTERNAL_ERROR, _origin(error))


def look_up(
    request: CompletionRequest, settings: CompletionSettings, memory: Memory, trace: TraceDraft
) -> CompletionContext | Completion | NoCompletion:
    """What can be answered at once; else the context to compute a suggestion for."""
    with trace.stage("context"):
        context = memory.newest.context(request, settings)
    if isinstance(context, NoCompletion):
        return context
    trace.set(trigger=context.trigger.value)
    with trace.stage("cache"):
        remembered = memory.suggestions.find(context, settings)
    trace.set(is_cached=remembered is not None)
    return context if remembered is None else replace(place(remembered, context), is_cached=True)


async def compute(
    context: CompletionContext,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
    hear: Callable[[str], None] = _ignore,
) -> Suggestion | NoCompletion:
    """Follows a precedent, or else asks the model, and remembers the suggestion. `hear` gets the model's
    text so far, again and again."""
    suggestion = _follow_precedent(context, ports, trace) or await ask_model(
        context, settings, ports, memory, trace, hear
    )
    if isinstance(suggestion, Suggestion):
        memory.suggestions.put(context, settings, suggestion)
    return suggestion


def _follow_precedent(context: CompletionContext, ports: Ports, trace: TraceDraft) -> Suggestion | None:
    """How lines like the cursor's go on elsewhere."""
    near = ports.texts_near(context)
    if near is None:
        return None
    with trace.stage("precedent"):
        found = precedent_at(context, near)
        suggestion = None if found is None else follow(found, context)
    if found is None or suggestion is None:
        return None
    trace.set(n_alike=found.n_alike, n_places=found.n_places, likelihood=round(found.likelihood, 3))
    return suggestion


def follow(precedent: Precedent, context: CompletionContext) -> Suggestion | None:
    """None where its text does not fit here."""
    text = apply_filters(precedent.text, context)
    return None if isinstance(text, NoCompletion) else Suggestion(text, n_replaced(text, context))


async def ask_model(
    context: CompletionContext,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
    hear: Callable[[str], None] = _ignore,
    temperature: float = 0.0,
) -> Suggestion | NoCompletion:
    """What the model writes; its likeliest text at a temperature of 0."""
    context = await _with_mode(context, settings, ports, trace)
    anchor = await _anchor(context, settings, ports, memory, trace)
    anchor = await _leave_room(anchor, context, settings, ports, memory)
    is_cut = temperature == 0 and context.trigger is Trigger.AUTOMATIC and ports.is_cut_to_sure()
    options = replace(build_options(context, settings, temperature), wants_likelihood=is_cut)
    answer = await _answer(context, build_prompt(context, anchor), options, settings, ports, trace, hear)
    with trace.stage("filters"):
        text = _shown_part(answer, context) if is_cut else _shown(answer, context)
    if isinstance(text, NoCompletion):
        return text
    return Suggestion(text, n_replaced(text, context))


def _shown(answer: Answer, context: CompletionContext) -> str | NoCompletion:
    filters = UNFINISHED_FILTERS if answer.ending is Ending.CUT_OFF else FILTERS
    return apply_filters(answer.text, context, filters)


def _shown_part(answer: Answer, context: CompletionContext) -> str | NoCompletion:
    """As much as the model is sure of."""
    n_written = len(answer.text.strip())
    is_nothing = not n_written and answer.stopped_by != UNSURE
    if answer.confidence is None or not answer.is_lost or is_nothing:
        return _shown(answer, context)
    sure = answer.confidence.sure_part(answer.text)
    if len(sure.strip()) < max(1, min(LEAST_SHOWN_CHARS, n_written)):
        return NoCompletion(Reason.UNSURE, "the model is not sure of any word")
    return apply_filters(sure, context)


async def prepare(
    context: CompletionContext, settings: CompletionSettings, ports: Ports, memory: Memory, trace: TraceDraft
) -> None:
    """Moves the anchor to the cursor and has its prompt evaluated, with room for what will be typed behind
    it. For the moments in which nobody types. Where no more than the order of the snippets would change,
    nothing is evaluated again. Who types meanwhile where no anchor was goes on with this prompt."""
    uri, aside = context.snapshot.uri, memory.imagined()
    aside.anchors.lift(uri)
    anchor = await _anchor(context, settings, ports, aside, trace)
    budget = int(settings.prompt_tokens * PREPARED_SHARE)
    before, is_open = memory.anchors.get(uri), ports.is_append_only()
    measured = await ports.measure(build_prompt(context, anchor), budget)
    planned = None if measured is None else anchor.prepared(context, measured)
    if before is not None and before.holds_at_rest(context, is_open):
        if planned is not None and not is_gain(before.snippets or (), planned.snippets or ()):
            memory.anchors.put(uri, before)
            return
    elif planned is not None and not (
        before and before.holds(context, settings.prompt_tokens, is_open=is_open)
    ):
        memory.anchors.put(uri, planned.unread())
    with trace.stage("prefill"):
        shown = await ports.prefill(build_prompt(context, anchor), budget)
    memory.anchors.put(uri, anchor.prepared(context, shown))


def wanted_context(
    request: CompletionRequest, settings: CompletionSettings
) -> CompletionContext | NoCompletion:
    """The context of a place where a suggestion is wanted."""
    if refusal := switched_off(request.snapshot, settings):
        return refusal
    context = build_context(request, settings)
    if isinstance(context, NoCompletion):
        return context
    return unwanted(context, settings) or context


async def _with_mode(
    context: CompletionContext, settings: CompletionSettings, ports: Ports, trace: TraceDraft
) -> CompletionContext:
    """The tree decides how much is asked for; where it does not tell, what the text looks like."""
    place_in_tree = None
    if is_open(context, settings):
        with trace.stage("syntax"):
            place_in_tree = await ports.find_syntax(context)
    if place_in_tree is not None:
        context = replace(context, mode=mode_at(place_in_tree, context))
    trace.set(mode=context.mode.value, mode_by=reason_of(place_in_tree))
    return context


async def _anchor(
    context: CompletionContext,
    settings: CompletionSettings,
    ports: Ports,
    memory: Memory,
    trace: TraceDraft,
) -> Anchor:
    """The anchor with the snippets that all of its prompts share. A search is asked once for each anchor;
    what a late one found is used, and it is asked again."""
    anchor = memory.anchors.place(context, settings.prompt_tokens, is_open=ports.is_append_only())
    if anchor.snippets is None:
        with trace.stage("search"):
            found = await _within(settings.search_deadline_ms, ports.search(context))
        trace.set(search_note=found.note)
        if not found.is_late:
            anchor = memory.anchors.freeze_snippets(context.snapshot.uri, anchor, found.snippets)
        elif found.snippets:
            anchor = replace(anchor, snippets=found.snippets)
    n_snippets = None if anchor.snippets is None else len(anchor.snippets)
    trace.set(n_snippets=n_snippets, n_typed=len(anchor.split(context)[1]))
    return anchor


async def _leave_room(
    anchor: Anchor, context: CompletionContext, settings: CompletionSettings, ports: Ports, memory: Memory
) -> Anchor:
    """A new anchor with no more before the cursor than leaves room for what will be typed. Else the window's
    start would move while a person types, and everything behind it would be evaluated again."""
    is_typed_behind = len(anchor.split(context)[1]) > len(begun_word(context))
    if anchor.snippets is None or anchor.prepared_at >= 0 or is_typed_behind:
        return anchor
    budget = int(settings.prompt_tokens * PREPARED_SHARE)
    shown = await ports.measure(build_prompt(context, anchor), budget)
    if shown is None:
        return anchor
    roomy = anchor.prepared(context, shown)
    memory.anchors.put(context.snapshot.uri, roomy)
    return roomy


async def _within(deadline_ms: int, search: Awaitable[Retrieval]) -> Retrieval:
    """What the search found; of one that is late, or failed, nothing: a prompt does without snippets."""
    task = asyncio.ensure_future(search)
    try:
        await asyncio.wait({task}, timeout=deadline_ms / 1000)
        is_there = task.done() and not task.cancelled() and task.exception() is None
        note = "failed" if task.done() else "late"
        return task.result() if is_there else Retrieval(note=note, is_late=True)
    finally:
        task.cancel()


async def _answer(
    context: CompletionContext,
    prompt: FimPrompt,
    options: GenerationOptions,
    settings: CompletionSettings,
    ports: Ports,
    trace: TraceDraft,
    hear: Callable[[str], None],
) -> Answer:
    with trace.stage("generate"):
        pieces = ports.generate(prompt, options)
        answer = await read_answer(pieces, context, settings.t_max_predict_ms, hear)
    if answer.confidence is not None:
        trace.set(model_likelihood=round(answer.confidence.likelihood, 3))
    trace.set(ending=answer.ending.value, stopped_by=answer.stopped_by, n_generated=answer.n_pieces)
    if answer.usage is not None:
        trace.set(**asdict(answer.usage))
    return answer


def _origin(error: Exception) -> str:
    """The kind of an error and the line of code it came from; its message may hold text of the document."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno}"
