"""Computations that begin before they are asked for, are shared, and outlive who asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from lsp_server import completer as completer_module
from lsp_server.completer import MAX_COMPUTATIONS, Completer, accept
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.pipeline import Ports
from lsp_server.settings import CompletionSettings
from lsp_server.trace import PREFETCH, PREPARE, REQUEST, TraceDraft, TraceLog, TraceRecord
from lsp_server.types import (
    Change,
    Completion,
    CompletionRequest,
    NoCompletion,
    Reason,
    Retrieval,
    Snippet,
    Span,
)
from model.protocol import FimPrompt, GenerationOptions, HostUnavailable, Piece, Shown

from .completion.scripted import CURSOR, no_snippets, request_at, snapshot_of

URI = "file:///w/a"


class Gate:
    """An engine whose answers are let out by the test, piece by piece."""

    def __init__(self) -> None:
        self.prompts: list[FimPrompt] = []
        self.prefilled: list[FimPrompt] = []
        self.n_open = 0
        self.changed = asyncio.Condition()
        self.pieces: asyncio.Queue[str] = asyncio.Queue()

    async def generate(self, prompt: FimPrompt, _: GenerationOptions) -> AsyncIterator[Piece]:
        await self._note(self.prompts.append, prompt, 1)
        try:
            while text := await self.pieces.get():
                yield Piece(text)
            yield Piece("", stop_reason="eos")
        finally:
            self.n_open -= 1

    async def prefill(self, prompt: FimPrompt, budget_tokens: int) -> Shown:
        await self._note(self.prefilled.append, prompt, 0)
        return Shown(len(prompt.prefix + prompt.middle), len(prompt.suffix))

    async def _note(self, add: Callable[[FimPrompt], None], prompt: FimPrompt, n: int) -> None:
        async with self.changed:
            add(prompt)
            self.n_open += n
            self.changed.notify_all()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with self.changed:
            await self.changed.wait_for(is_so)

    def say(self, *pieces: str) -> None:
        for piece in (*pieces, ""):
            self.pieces.put_nowait(piece)


class Log(TraceLog):
    """Remembers what nobody asked for, too."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[TraceRecord] = []

    def note(self, draft: TraceDraft) -> TraceRecord:
        self.noted.append(record := super().note(draft))
        return record

    def outcomes(self, method: str) -> list[object]:
        return [record.fields.get("outcome") for record in self.noted if record.method == method]


class Desk:
    """A person at an editor: types into one document and asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rest_s: float = 60.0, **settings: object) -> None:
        monkeypatch.setattr(completer_module, "REST_S", rest_s)
        self.engine, self.log = Gate(), Log()
        ports = Ports(no_snippets, self.engine.generate, self.engine.prefill)
        self.settings = CompletionSettings(**settings)  # type: ignore[arg-type]
        self.completer = Completer(ports, lambda: self.settings, self.log)
        self.text = ""

    def type(self, text: str, at: int | None = None) -> None:
        offset = len(self.text) if at is None else at
        self.edit(Change(offset, 0, text))

    def edit(self, change: Change) -> None:
        self.text = self.text[: change.offset] + change.text + self.text[change.offset + change.n_removed :]
        self.completer.on_edit(snapshot_of(self.text), change)

    def ask(self, trace: TraceDraft | None = None) -> asyncio.Task[Completion | NoCompletion]:
        request = CompletionRequest(snapshot_of(self.text), len(self.text))
        return asyncio.create_task(self.completer.answer(request, trace or TraceDraft(REQUEST)))

    async def asked(self, n_prompts: int) -> None:
        await self.engine.until(lambda: len(self.engine.prompts) >= n_prompts)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(monkeypatch)
    desk.text = "x ="
    return desk


async def turns_until(is_so: Callable[[], bool]) -> None:
    """Lets the loop turn until it is so."""
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be")


def text_of(result: Completion | NoCompletion) -> str:
    assert isinstance(result, Completion), result
    return result.text


async def test_a_request_attaches_to_what_the_keystroke_began(desk: Desk) -> None:
    trace = TraceDraft(REQUEST)
    desk.type(" ")
    await desk.asked(1)
    answer = desk.ask(trace)
    desk.engine.say("com", "pute()")
    assert text_of(await answer) == "x = compute()"
    assert len(desk.engine.prompts) == 1
    fields = trace.freeze().fields
    assert {"is_attached": True, "outcome": "shown", "n_generated": 3}.items() <= fields.items()


async def test_a_request_after_it_is_done_asks_nobody(desk: Desk) -> None:
    desk.type(" ")
    desk.engine.say("compute()")
    await desk.asked(1)
    await desk.completer._computations[URI].task
    trace = TraceDraft(REQUEST)
    assert text_of(await desk.ask(trace)) == "x = compute()"
    assert trace.freeze().fields["is_cached"] is True
    assert len(desk.engine.prompts) == 1
    assert desk.log.outcomes(PREFETCH) == ["shown"]


async def test_that_there_is_nothing_to_say_is_remembered(desk: Desk) -> None:
    desk.type(" ")
    desk.engine.say()
    await desk.asked(1)
    await desk.completer._computations[URI].task
    result = await desk.ask()
    assert isinstance(result, NoCompletion) and result.reason is Reason.EMPTY
    assert len(desk.engine.prompts) == 1


async def test_a_model_that_was_not_there_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: FimPrompt, __: GenerationOptions) -> AsyncIterator[Piece]:
        raise HostUnavailable("It died.")
        yield

    desk = Desk(monkeypatch)
    desk.completer._ports = Ports(no_snippets, fail)
    desk.text = "x = "
    for _ in range(2):
        result = await desk.ask()
        assert result == NoCompletion(Reason.MODEL_UNAVAILABLE, "It died.")
    assert all(record.fields.get("is_attached") is not True for record in desk.log.noted)


async def test_the_next_keystroke_ends_what_it_disagrees_with(desk: Desk) -> None:
    desk.type(" ")
    await desk.asked(1)
    desk.engine.pieces.put_nowait("compute")
    await desk.engine.until(lambda: True)
    desk.type("(")
    await desk.asked(2)
    assert desk.engine.n_open == 1
    assert desk.log.outcomes(PREFETCH) == ["superseded"]


async def test_typing_what_the_model_is_writing_keeps_it_going(desk: Desk) -> None:
    desk.type(" ")
    await desk.asked(1)
    heard = desk.completer._computations[URI]
    desk.engine.pieces.put_nowait("com")
    await turns_until(lambda: heard.heard == "com")
    desk.type("c")
    desk.type("o")
    answer = desk.ask()
    desk.engine.say("pute()")
    assert text_of(await answer) == "x = compute()"
    assert len(desk.engine.prompts) == 1


async def test_a_cancelled_request_throws_nothing_away(desk: Desk) -> None:
    desk.type(" ")
    await desk.asked(1)
    answer = desk.ask()
    await asyncio.sleep(0)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert desk.engine.n_open == 1
    again = desk.ask()
    desk.engine.say("compute()")
    assert text_of(await again) == "x = compute()"
    assert len(desk.engine.prompts) == 1


async def test_a_newer_request_elsewhere_supersedes_the_older(desk: Desk) -> None:
    desk.text = "x = \ny = "
    older = desk.ask()
    await desk.asked(1)
    newer = asyncio.create_task(
        desk.completer.answer(CompletionRequest(snapshot_of(desk.text), 4), TraceDraft(REQUEST))
    )
    result = await older
    assert isinstance(result, NoCompletion) and result.reason is Reason.SUPERSEDED
    desk.engine.say("1")
    assert text_of(await newer) == "x = 1"


async def test_an_edit_leaves_alone_what_somebody_waits_for(desk: Desk) -> None:
    """A paste starts nothing and ends nothing that was asked for."""
    desk.type(" ")
    answer = desk.ask()
    await desk.asked(1)
    desk.edit(Change(0, 4, "nothing of this\nis left as it was\n"))
    desk.engine.say("compute()")
    assert text_of(await answer) == "x = compute()"


@pytest.mark.parametrize(
    "change",
    [
        Change(3, 0, "    "),
        Change(3, 0, " one long text that nobody types"),
        Change(3, 0, " 1\ny = 2"),
        None,
    ],
)
async def test_edits_that_start_nothing(desk: Desk, change: Change | None) -> None:
    desk.completer.on_edit(snapshot_of("x = \n"), change)
    assert not desk.completer._computations


async def test_nothing_starts_where_nothing_is_wanted(desk: Desk) -> None:
    desk.text = "x = 1 + 2"
    desk.completer.on_edit(snapshot_of(desk.text), Change(3, 0, " "))
    assert not desk.completer._computations


@pytest.mark.parametrize("in_comments", [False, True])
async def test_in_comments_it_begins_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, in_comments: bool
) -> None:
    desk = Desk(monkeypatch, in_comments=in_comments)
    desk.text = "x = 1  # the"
    desk.type(" ")
    assert bool(desk.completer._computations) is in_comments


async def test_an_undo_starts_nothing_and_ends_what_was_begun(desk: Desk) -> None:
    desk.type(" f(")
    desk.type("1")
    await desk.asked(1)
    assert desk.completer._computations
    desk.edit(Change(3, 4, ""))
    desk.type(" f(")
    assert not desk.completer._computations
    await turns_until(lambda: desk.engine.n_open == 0)


async def test_a_cursor_in_several_places_ends_what_was_begun(desk: Desk) -> None:
    desk.type(" ")
    await desk.asked(1)
    desk.completer.on_edit(snapshot_of("x = a\ny = a"), None)
    assert not desk.completer._computations
    assert len(desk.engine.prompts) == 1


async def test_nothing_starts_by_itself_when_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, rest_s=0.0, prefetch=False)
    desk.type("x")
    assert not desk.completer._computations
    assert desk.completer._rest is None


async def test_nothing_starts_in_a_huge_document(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, max_file_bytes=1000)
    desk.text = "#" * 1000
    desk.type("x")
    assert not desk.completer._computations
    assert not desk.completer._histories


async def test_few_computations_run_at_once(desk: Desk) -> None:
    for number in range(MAX_COMPUTATIONS + 3):
        snapshot = snapshot_of("x = ", uri=f"file:///w/{number}")
        desk.completer.on_edit(snapshot, Change(3, 0, " "))
    assert len(desk.completer._computations) == MAX_COMPUTATIONS
    tasks = [one.task for one in desk.completer._computations.values()]
    desk.completer.close()
    await asyncio.wait(tasks)
    assert desk.engine.n_open == 0


async def test_a_flood_of_keystrokes_leaves_one_computation(desk: Desk) -> None:
    for _ in range(500):
        desk.type("(")
        await asyncio.sleep(0)
    assert len(desk.completer._computations) == 1
    await desk.engine.until(lambda: desk.engine.n_open == 1)
    answer = desk.ask()
    desk.engine.say("x")
    assert text_of(await answer).endswith("(x")


async def test_a_host_that_says_nothing_costs_one_null(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, timeout_ms=50)
    desk.text = "x = "
    result = await desk.ask()
    assert isinstance(result, NoCompletion) and result.reason is Reason.TIMED_OUT
    await asyncio.wait({desk.completer._computations[URI].task})
    assert desk.engine.n_open == 0


async def test_who_attaches_late_has_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, timeout_ms=50)
    desk.text = "x ="
    desk.type(" ")
    await desk.asked(1)
    computation = desk.completer._computations[URI]
    before = computation.deadline.when()
    answer = desk.ask()
    await turns_until(lambda: computation.n_waiting > 0)
    after = computation.deadline.when()
    assert before is not None and after is not None and after > before
    assert isinstance(await answer, NoCompletion)


class TestRest:
    """When nobody types."""

    @pytest.fixture
    def desk(self, monkeypatch: pytest.MonkeyPatch) -> Desk:
        return Desk(monkeypatch, rest_s=0.0)

    async def test_what_follows_an_accepted_suggestion_is_there_already(self, desk: Desk) -> None:
        desk.text = "x = "
        answer = desk.ask()
        await desk.asked(1)
        desk.engine.say("f(")
        shown = await answer
        await desk.asked(2)
        prompt = desk.engine.prompts[1]
        assert prompt.prefix + prompt.middle == "x = f("
        desk.edit(Change(4, 0, text_of(shown)[4:]))
        again = desk.ask()
        desk.engine.say("1)")
        assert text_of(await again) == "x = f(1)"
        assert len(desk.engine.prompts) == 2

    async def test_the_anchor_is_moved_and_its_prompt_evaluated(self, desk: Desk) -> None:
        desk.completer.on_cursor(snapshot_of("y = 1\nx = "), 10)
        await desk.engine.until(lambda: bool(desk.engine.prefilled))
        await turns_until(lambda: bool(desk.log.outcomes(PREPARE)))
        anchor = desk.completer._memory.anchors.get(URI)
        assert anchor is not None and anchor.prepared_at == 10
        desk.completer.on_cursor(snapshot_of("y = 1\nx = "), 10)
        assert desk.completer._rest is not None
        await desk.completer._rest
        assert len(desk.engine.prefilled) == 1, "it is ready already"

    async def test_what_was_found_for_another_place_is_asked_again_at_a_pause(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(completer_module, "REST_S", 0.0)
        monkeypatch.setattr(completer_module, "PAUSE_S", 0.0)
        log, engine, asked = Log(), Gate(), []

        async def search(context: CompletionContext) -> Retrieval:
            asked.append(context.offset)
            return Retrieval((Snippet("b.py", f"def near_{context.offset}():", "likely"),))

        async def prefill(prompt: FimPrompt, budget_tokens: int) -> Shown:
            await engine.prefill(prompt, budget_tokens)
            return Shown(len(prompt.prefix + prompt.middle), 0, tuple(range(len(prompt.snippets))))

        ports = Ports(search, engine.generate, prefill, is_append_only=lambda: True)
        completer = Completer(ports, CompletionSettings, log)
        text = "def one():\n    \n\ndef two():\n    \n"
        completer.on_cursor(snapshot_of(text), len(text) - 1)
        await engine.until(lambda: len(engine.prefilled) == 1)
        await turns_until(lambda: bool(log.outcomes(PREPARE)))
        completer.on_cursor(snapshot_of(text), 15)
        await engine.until(lambda: len(engine.prefilled) == 2)
        assert asked == [len(text) - 1, 15]
        assert engine.prefilled[1].snippets[-1].text == "def near_15():"
        completer.close()

    async def test_who_types_before_the_prompt_is_evaluated_goes_on_with_it(self) -> None:
        engine, n_searches = Gate(), 0

        async def search(_: CompletionContext) -> Retrieval:
            nonlocal n_searches
            n_searches += 1
            return Retrieval((Snippet("b.py", f"def found_{n_searches}():", "likely"),))

        async def prefill_for_ever(prompt: FimPrompt, budget_tokens: int) -> Shown:
            await engine.prefill(prompt, budget_tokens)
            return await asyncio.Future()

        async def measure(prompt: FimPrompt, _: int) -> Shown:
            return Shown(len(prompt.prefix + prompt.middle), len(prompt.suffix), (0,))

        ports = Ports(search, engine.generate, prefill_for_ever, measure)
        completer = Completer(ports, CompletionSettings, Log())
        completer.on_cursor(snapshot_of("y = 1\nx ="), 9)
        await engine.until(lambda: len(engine.prefilled) == 1)
        completer.on_edit(snapshot_of("y = 1\nx = "), Change(9, 0, " "))
        await engine.until(lambda: len(engine.prompts) == 1)
        assert engine.prompts[0].snippets == engine.prefilled[0].snippets
        assert n_searches == 1
        completer.close()

    async def test_a_keystroke_ends_the_rest(self, desk: Desk) -> None:
        desk.completer.on_cursor(snapshot_of("x ="), 3)
        rest = desk.completer._rest
        assert rest is not None
        desk.text = "x ="
        desk.type(" ")
        await asyncio.wait({rest})
        assert rest.cancelled()


def test_accepting() -> None:
    shown = Completion("x = f()", Span(0, 4))
    accepted = accept(request_at(f"x = {CURSOR}\ny"), shown)
    assert (accepted.snapshot.text, accepted.offset) == ("x = f()\ny", 7)
