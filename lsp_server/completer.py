"""Suggestions of one window: begun before they are asked for, shared by who asks, prepared at rest.

Runs in the session. A keystroke starts a computation; the request that follows attaches to it; another
keystroke ends it unless the model has written the same character. A cancelled request leaves the computation
running: what it finds is kept. One computation for each document, the newest; a few in all. Must not know
LSP or the engine.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from lsp_server.completion.alternatives import MOST, find_alternatives
from lsp_server.completion.cache import Suggestion
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.keystroke import History, Quiet, cursor_after
from lsp_server.completion.pipeline import (
    Memory,
    Ports,
    compute,
    guarded,
    look_up,
    outcome_of,
    prepare,
    wanted_context,
)
from lsp_server.completion.placing import place
from lsp_server.settings import CompletionSettings
from lsp_server.trace import ALTERNATIVES, PREFETCH, PREPARE, TraceDraft, TraceLog
from lsp_server.types import (
    Change,
    Completion,
    CompletionRequest,
    DocumentSnapshot,
    NoCompletion,
    Reason,
    Trigger,
)

REST_S = 0.3
PAUSE_S = 4.0  # more, and the related code may be put into another order
PREPARE_TIMEOUT_S = 30.0
MAX_COMPUTATIONS = 8
LASTING = frozenset(
    {Reason.EMPTY, Reason.WHITESPACE_ONLY, Reason.REPEATS_SUFFIX, Reason.REPETITION, Reason.UNSURE}
)
SUPERSEDED = NoCompletion(Reason.SUPERSEDED)


@dataclass(eq=False, slots=True)
class Computation:
    """One suggestion on its way. `heard` is the model's text so far."""

    context: CompletionContext
    settings: CompletionSettings
    memory: Memory
    trace: TraceDraft
    deadline: asyncio.Timeout
    is_running: bool = False
    was_asked: bool = False
    n_waiting: int = 0
    heard: str = ""
    task: asyncio.Task[Suggestion | NoCompletion] = field(init=False)

    def hear(self, text: str) -> None:
        self.heard = text

    def serves(self, context: CompletionContext, settings: CompletionSettings) -> bool:
        """Whether its result is, or will be, one for this place: the same, or a little further in the text
        that the model has written already."""
        before = self.context
        if settings != self.settings or context.suffix != before.suffix:
            return False
        if not context.prefix.startswith(before.prefix):
            return False
        typed = context.prefix[len(before.prefix) :]
        if self.task.done():
            return (
                not typed
                and self._has_lasting_result()
                and not _wants_more(context, self.task.result(), before)
            )
        return self.heard.startswith(typed)

    def _has_lasting_result(self) -> bool:
        result = None if self.task.cancelled() else self.task.result()
        return isinstance(result, NoCompletion) and result.reason in LASTING

    def extend(self) -> None:
        """Somebody waits for it from now on."""
        self.was_asked = True
        if self.is_running:
            until = asyncio.get_running_loop().time() + self.settings.timeout_ms / 1000
            self.deadline.reschedule(until)


class Completer:
    """The only one who starts computations. `settings` are those of now."""

    def __init__(self, ports: Ports, settings: Callable[[], CompletionSettings], traces: TraceLog) -> None:
        self._ports = ports
        self._settings = settings
        self._traces = traces
        self._memory = Memory()
        self._computations: OrderedDict[str, Computation] = OrderedDict()
        self._histories: dict[str, History] = {}
        self._awaited: tuple[str, str] = ("", "")  # a document, and its text once the suggestion is accepted
        self._alternatives: tuple[tuple[CompletionContext, CompletionSettings] | None, tuple[Completion, ...]]
        self._alternatives = None, ()  # of the place where they were asked for last
        self._rest: asyncio.Task[None] | None = None

    # --- asked ----------------------------------------------------------------------------------------------

    async def answer(self, request: CompletionRequest, trace: TraceDraft) -> Completion | NoCompletion:
        """The suggestion for a request. Cancelling this leaves the computation to whoever asks next."""
        self._wake()
        settings = self._settings()
        deadline = asyncio.timeout(settings.timeout_ms / 1000)
        result = await guarded(self._answer(request, settings, trace), deadline, settings)
        trace.set(outcome=outcome_of(result))
        if request.wants_others and isinstance(result, Completion):
            result = replace(result, others=await self._others(request, result, settings))
        self._at_rest(request, result if isinstance(result, Completion) else None)
        return result

    async def _others(
        self, request: CompletionRequest, shown: Completion, settings: CompletionSettings
    ) -> tuple[Completion, ...]:
        """What else may be taken at this place: as much of it as comes in the time that one answer may take.
        Asked again, the same."""
        context = wanted_context(request, settings)
        if isinstance(context, NoCompletion):
            return ()
        if self._alternatives[0] != (context, settings):
            found = dict[str, Completion]()
            deadline = asyncio.timeout(settings.t_max_predict_ms / 1000)
            await guarded(self._look_for_others(context, settings, found), deadline, settings)
            self._alternatives = (context, settings), tuple(found.values())
        return tuple(other for other in self._alternatives[1] if other.text != shown.text)[:MOST]

    async def _look_for_others(
        self, context: CompletionContext, settings: CompletionSettings, found: dict[str, Completion]
    ) -> None:
        trace = TraceDraft(ALTERNATIVES)
        async with aclosing(
            find_alternatives(context, settings, self._ports, self._memory, trace)
        ) as suggestions:
            async for suggestion in suggestions:
                completion = place(suggestion, context)
                found.setdefault(completion.text, completion)
        self._traces.note(trace)

    async def _answer(
        self, request: CompletionRequest, settings: CompletionSettings, trace: TraceDraft
    ) -> Completion | NoCompletion:
        found = look_up(request, settings, self._memory, trace)
        if not isinstance(found, CompletionContext):
            return found
        computation = self._serving(found, settings)
        trace.set(is_attached=computation is not None)
        if computation is not None:
            result = await self._wait(computation, found, trace)
            if result is not None and not _wants_more(found, result, computation.context):
                return result
        started = self._start(found, settings, self._memory)
        return await self._wait(started, found, trace) or SUPERSEDED

    async def _wait(
        self, computation: Computation, context: CompletionContext, trace: TraceDraft
    ) -> Completion | NoCompletion | None:
        """The result, placed. None when it turned out to be no suggestion for this place."""
        trace.set(lead_ms=round(computation.trace.age_ms, 1))
        computation.extend()
        computation.n_waiting += 1
        try:
            with trace.stage("wait"):
                await asyncio.wait({computation.task})
        finally:
            computation.n_waiting -= 1
        trace.adopt(computation.trace)
        result = SUPERSEDED if computation.task.cancelled() else computation.task.result()
        if isinstance(result, NoCompletion):
            return result
        suggestion = self._memory.suggestions.find(context, computation.settings)
        return None if suggestion is None else place(suggestion, context)

    # --- told -----------------------------------------------------------------------------------------------

    def on_edit(self, snapshot: DocumentSnapshot, change: Change | None) -> None:
        """A document was edited: begins the computation that the next request will ask for."""
        self._wake()
        uri, settings = snapshot.uri, self._settings()
        if not settings.prefetch or len(snapshot.text) > settings.max_file_bytes:
            self._let_go(uri)
            return
        was_there = self._histories.setdefault(uri, History()).note(snapshot.text)
        is_accepted = self._awaited == (uri, snapshot.text) and change is not None
        cursor: int | Quiet = cursor_after(change, snapshot.text, was_there=was_there)
        if is_accepted and change is not None:
            cursor = change.offset + len(change.text)
        if isinstance(cursor, Quiet):
            self._let_go(uri)
            return
        self._prefetch(CompletionRequest(snapshot, cursor), settings, self._memory)

    def on_cursor(self, snapshot: DocumentSnapshot, offset: int) -> None:
        """The cursor was put somewhere, or a document was opened."""
        self._wake()
        self._at_rest(CompletionRequest(snapshot, offset), None)

    def _prefetch(self, request: CompletionRequest, settings: CompletionSettings, memory: Memory) -> None:
        found = look_up(request, settings, memory, TraceDraft(PREFETCH))
        if not isinstance(found, CompletionContext):
            self._let_go(request.snapshot.uri)
        elif self._serving(found, settings) is None:
            self._start(found, settings, memory)
        self._at_rest(request, None)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._cancel(uri)
        self._histories.pop(uri, None)
        self._memory.forget(uri)

    def clear(self) -> None:
        """The model, or what it is given, is another one now. What runs comes to its own end."""
        self._wake()
        self._memory.clear()
        self._alternatives = None, ()

    def close(self) -> None:
        self._wake()
        for uri in list(self._computations):
            self._cancel(uri)

    # --- computations ---------------------------------------------------------------------------------------

    def _serving(self, context: CompletionContext, settings: CompletionSettings) -> Computation | None:
        computation = self._computations.get(context.snapshot.uri)
        return computation if computation is not None and computation.serves(context, settings) else None

    def _start(self, context: CompletionContext, settings: CompletionSettings, memory: Memory) -> Computation:
        uri = context.snapshot.uri
        self._cancel(uri)
        deadline = asyncio.timeout(settings.timeout_ms / 1000)
        computation = Computation(context, settings, memory, TraceDraft(PREFETCH), deadline)
        computation.task = asyncio.create_task(self._run(computation))
        self._computations[uri] = computation
        while len(self._computations) > MAX_COMPUTATIONS:
            self._cancel(next(iter(self._computations)))
        return computation

    async def _run(self, computation: Computation) -> Suggestion | NoCompletion:
        context, settings, trace = computation.context, computation.settings, computation.trace

        async def work() -> Suggestion | NoCompletion:
            computation.is_running = True
            try:
                return await compute(
                    context, settings, self._ports, computation.memory, trace, computation.hear
                )
            finally:
                computation.is_running = False

        trace.set(outcome=Reason.SUPERSEDED)
        try:
            result = await guarded(work(), computation.deadline, settings)
            trace.set(outcome=outcome_of(result))
            return result
        finally:
            if not computation.was_asked:
                self._traces.note(trace)

    def _cancel(self, uri: str) -> None:
        computation = self._computations.pop(uri, None)
        if computation is not None:
            computation.task.cancel()

    def _let_go(self, uri: str) -> None:
        """The document has changed: what nobody waits for is in vain."""
        computation = self._computations.get(uri)
        if computation is not None and not computation.n_waiting:
            self._cancel(uri)

    # --- rest -----------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _at_rest(self, request: CompletionRequest, shown: Completion | None) -> None:
        self._wake()
        if self._settings().prefetch:
            self._rest = asyncio.create_task(self._use_rest(request, shown))

    async def _use_rest(self, request: CompletionRequest, shown: Completion | None) -> None:
        """First what comes after the suggestion that is shown, then the anchor."""
        await asyncio.sleep(REST_S)
        uri, settings = request.snapshot.uri, self._settings()
        computation = self._computations.get(uri)
        if computation is not None:
            await asyncio.wait({computation.task})
        if shown is not None:
            accepted = accept(request, shown)
            self._awaited = (uri, accepted.snapshot.text)
            found = look_up(accepted, settings, self._memory, TraceDraft(PREFETCH))
            if isinstance(found, CompletionContext) and self._serving(found, settings) is None:
                await asyncio.wait({self._start(found, settings, self._memory.imagined()).task})
        context = wanted_context(request, settings)
        if isinstance(context, NoCompletion):
            return
        anchor = self._memory.anchors.get(uri)
        if anchor is None or not anchor.holds_at_rest(context, self._ports.is_append_only()):
            await self._prepare(context, settings)
        await asyncio.sleep(PAUSE_S)
        anchor = self._memory.anchors.get(uri)
        is_from_elsewhere = anchor is not None and anchor.is_from_elsewhere(context)
        if self._memory.anchors.end_epoch(uri) or is_from_elsewhere:
            await self._prepare(context, settings)

    async def _prepare(self, context: CompletionContext, settings: CompletionSettings) -> None:
        trace = TraceDraft(PREPARE)
        work = prepare(context, settings, self._ports, self._memory, trace)
        result = await guarded(work, asyncio.timeout(PREPARE_TIMEOUT_S), settings)
        trace.set(outcome=outcome_of(result))
        self._traces.note(trace)


def _wants_more(context: CompletionContext, result: object, asked: CompletionContext) -> bool:
    """Who asks by hand sees what the model is not sure of, too; and behind what it was not sure of it may be
    sure how to go on."""
    is_unsure = isinstance(result, NoCompletion) and result.reason is Reason.UNSURE
    return is_unsure and (context.trigger is Trigger.INVOKED or context.prefix != asked.prefix)


def accept(request: CompletionRequest, shown: Completion) -> CompletionRequest:
    """The request that follows when a person takes the suggestion."""
    text = request.snapshot.text
    text = text[: shown.span.start] + shown.text + text[shown.span.end :]
    snapshot = replace(request.snapshot, text=text)
    return CompletionRequest(snapshot, shown.span.start + len(shown.text), Trigger.AUTOMATIC)
