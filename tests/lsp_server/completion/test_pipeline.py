"""The straight line: ports that are late, fail or hang; streams that are left early; cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters import stop
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import Completion, NoCompletion, Reason, Retrieval, Snippet, Trigger
from model.protocol import FimPrompt, GenerationOptions, HostUnavailable, ModelRefused, Piece, Usage

from .scripted import ScriptedEngine, ask, no_snippets, request_at

SETTINGS = CompletionSettings()
SNIPPET = Snippet("b.py", "def b(): ...", "imported")


class NeverEnding:
    """An engine that prefills for ever, and notes that its stream was closed."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.closed = asyncio.Event()

    async def generate(self, _: FimPrompt, __: GenerationOptions) -> AsyncIterator[Piece]:
        try:
            self.started.set()
            await asyncio.Event().wait()
            yield Piece("never")
        finally:
            self.closed.set()


async def test_a_suggestion_and_its_trace() -> None:
    trace = TraceDraft("test")
    result = await ask(request_at("x = ▮"), ScriptedEngine(["com", "pute()"]), trace=trace)
    assert isinstance(result, Completion)
    assert (result.text, result.span.start, result.span.end, result.is_cached) == (
        "x = compute()",
        0,
        4,
        False,
    )
    record = trace.freeze()
    assert {"context", "cache", "search", "generate", "filters"} <= record.stages_ms.keys()
    assert {
        "outcome": "shown",
        "trigger": "automatic",
        "mode": "single-line",
        "ending": "model",
        "is_cached": False,
        "n_generated": 2,
    }.items() <= record.fields.items()


async def test_an_answer_from_the_cache_asks_nobody() -> None:
    memory, engine = Memory(), ScriptedEngine(["compute()"])
    first = await ask(request_at("x = ▮"), engine, memory)
    again = await ask(request_at("x = com▮"), engine, memory)
    assert isinstance(first, Completion)
    assert isinstance(again, Completion)
    assert again.is_cached
    assert first.text == again.text
    assert len(engine.prompts) == 1


@pytest.mark.parametrize("error", [HostUnavailable("It died."), ModelRefused("No such file.")])
async def test_no_model_is_a_reason_with_its_sentence(error: Exception) -> None:
    result = await ask(request_at("x = ▮"), ScriptedEngine([], error=error))
    assert result == NoCompletion(Reason.MODEL_UNAVAILABLE, str(error))


async def test_a_defect_is_a_reason_that_tells_nothing_of_the_text() -> None:
    result = await ask(request_at("secret = ▮"), ScriptedEngine([], error=ValueError("secret = ")))
    assert isinstance(result, NoCompletion)
    assert result.reason is Reason.INTERNAL_ERROR
    assert result.detail.startswith("ValueError in generate, line ")
    assert "secret" not in result.detail


async def test_too_late_is_a_reason() -> None:
    engine = NeverEnding()
    settings = CompletionSettings(timeout_ms=50)
    result = await complete(
        request_at("x = ▮"), settings, Ports(no_snippets, engine.generate), Memory(), TraceDraft("test")
    )
    assert isinstance(result, NoCompletion)
    assert result.reason is Reason.TIMED_OUT
    assert engine.closed.is_set()


async def test_cancellation_goes_through_and_closes_the_stream() -> None:
    engine = NeverEnding()
    task = asyncio.create_task(
        complete(
            request_at("x = ▮"), SETTINGS, Ports(no_snippets, engine.generate), Memory(), TraceDraft("test")
        )
    )
    await engine.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.closed.is_set()


@pytest.mark.parametrize(
    ("drawn", "pieces", "rule"),
    [
        ("def f():\n    ▮", ["return 1", "\n", "def g", "():", "\n"], stop.block_is_whole),
        (
            "def f():\n    ▮\n    return compute(1)\n",
            ["x", "\n    return compute(1)\n", "y"],
            stop.suffix_is_reached,
        ),
        ("x = ▮", ["a.", "b and c ", "b and c ", "b and c ", "b"], stop.model_loops),
        ("x = ▮", ["1", "<|endoftext|>", "import"], stop.document_ended),
    ],
)
async def test_each_stop_rule_leaves_the_stream(drawn: str, pieces: list[str], rule: stop.StopRule) -> None:
    engine, trace = ScriptedEngine([*pieces, *["more"] * 50]), TraceDraft("test")
    result = await ask(request_at(drawn), engine, trace=trace)
    assert isinstance(result, Completion)
    assert trace.freeze().fields["stopped_by"] == rule.__name__
    assert engine.n_sent <= len(pieces)
    assert (engine.n_open, engine.was_read_to_the_end) == (0, False)


def test_every_stop_rule_is_tried_above() -> None:
    assert set(stop.STOP_RULES) == {
        stop.block_is_whole,
        stop.suffix_is_reached,
        stop.model_loops,
        stop.document_ended,
    }


async def test_an_engine_that_states_its_usage_early_is_read_on() -> None:
    async def generate(_: FimPrompt, __: GenerationOptions) -> AsyncIterator[Piece]:
        yield Piece("com", Usage(n_prompt=7, n_cached=5))
        yield Piece("pute()")
        yield Piece("", Usage(n_prompt=7, n_cached=5, n_generated=2), "eos")

    trace = TraceDraft("test")
    result = await complete(request_at("x = ▮"), SETTINGS, Ports(no_snippets, generate), Memory(), trace)
    assert isinstance(result, Completion)
    assert result.text == "x = compute()"
    assert {"n_prompt": 7, "n_cached": 5, "n_generated": 2}.items() <= trace.freeze().fields.items()


async def test_a_stream_that_breaks_off_is_cut_to_what_is_whole() -> None:
    async def generate(_: FimPrompt, __: GenerationOptions) -> AsyncIterator[Piece]:
        yield Piece("a = 1\n    b = 2\n    retu")

    ports = Ports(no_snippets, generate)
    result = await complete(request_at("def f():\n    ▮"), SETTINGS, ports, Memory(), TraceDraft("test"))
    assert isinstance(result, Completion)
    assert result.text == "a = 1\n    b = 2"


class TestSearch:
    """Late or broken searches cost a prompt its snippets, and nothing else."""

    async def prompt_after(self, search: object, memory: Memory, drawn: str = "x = ▮") -> FimPrompt:
        engine = ScriptedEngine(["1"])
        ports = Ports(search, engine.generate)  # type: ignore[arg-type]
        settings = CompletionSettings(search_deadline_ms=20)
        result = await complete(request_at(drawn), settings, ports, memory, TraceDraft("test"))
        assert isinstance(result, Completion)
        return engine.prompts[0]

    async def test_what_it_found_is_in_the_prompt(self) -> None:
        async def search(_: CompletionContext) -> Retrieval:
            return Retrieval((SNIPPET,))

        prompt = await self.prompt_after(search, Memory())
        assert [snippet.path for snippet in prompt.snippets] == ["b.py"]

    async def test_late_is_empty_and_cancelled(self) -> None:
        cancelled = asyncio.Event()

        async def search(_: CompletionContext) -> Retrieval:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return Retrieval((SNIPPET,))

        assert (await self.prompt_after(search, Memory())).snippets == ()
        await cancelled.wait()

    async def test_an_error_is_empty(self) -> None:
        async def search(_: CompletionContext) -> Retrieval:
            raise OSError("the index is gone")

        assert (await self.prompt_after(search, Memory())).snippets == ()

    async def test_a_search_that_was_cancelled_by_others_is_empty(self) -> None:
        async def search(_: CompletionContext) -> Retrieval:
            raise asyncio.CancelledError

        assert (await self.prompt_after(search, Memory())).snippets == ()

    async def test_it_is_asked_once_for_an_anchor(self) -> None:
        n_asked = 0

        async def search(_: CompletionContext) -> Retrieval:
            nonlocal n_asked
            n_asked += 1
            return Retrieval((SNIPPET,))

        memory = Memory()
        for drawn in ("x = ▮", "x = y▮", "x = yz▮"):
            assert (await self.prompt_after(search, memory, drawn)).snippets
        assert n_asked == 1
        await self.prompt_after(search, memory, "y▮")
        assert n_asked == 2

    async def test_a_late_one_is_asked_again(self) -> None:
        memory = Memory()

        async def late(_: CompletionContext) -> Retrieval:
            await asyncio.Event().wait()
            return Retrieval()

        async def search(_: CompletionContext) -> Retrieval:
            return Retrieval((SNIPPET,))

        assert not (await self.prompt_after(late, memory)).snippets
        assert (await self.prompt_after(search, memory, "x = y▮")).snippets

    async def test_what_a_late_one_has_found_is_used_and_it_is_asked_again(self) -> None:
        memory, answers = (
            Memory(),
            [Retrieval((SNIPPET,), "late", is_late=True), Retrieval((SNIPPET, SNIPPET))],
        )

        async def search(_: CompletionContext) -> Retrieval:
            return answers.pop(0)

        assert len((await self.prompt_after(search, memory)).snippets) == 1
        assert len((await self.prompt_after(search, memory, "x = y▮")).snippets) == 2
        assert not answers

    async def test_the_trace_says_why_there_is_little(self) -> None:
        async def search(_: CompletionContext) -> Retrieval:
            return Retrieval(note="in-file")

        trace = TraceDraft("test")
        ports = Ports(search, ScriptedEngine(["1"]).generate)
        await complete(request_at("x = ▮"), SETTINGS, ports, Memory(), trace)
        assert trace.freeze().fields["search_note"] == "in-file"


async def test_a_closed_document_is_forgotten() -> None:
    memory, engine = Memory(), ScriptedEngine(["compute()"])
    await ask(request_at("x = ▮"), engine, memory)
    memory.forget("file:///w/a")
    assert (len(memory.anchors), len(memory.suggestions)) == (0, 0)
    await ask(request_at("x = ▮"), engine, memory)
    memory.clear()
    assert (len(memory.anchors), len(memory.suggestions)) == (0, 0)


async def test_refusals_reach_the_trace() -> None:
    trace = TraceDraft("test")
    engine = ScriptedEngine(["2"])
    await ask(request_at("x = ▮ + 1"), engine, trace=trace)
    assert trace.freeze().fields["outcome"] == "text-after-cursor"
    assert not engine.prompts


async def test_asked_by_hand_inside_of_a_word_the_model_is_asked() -> None:
    engine = ScriptedEngine(["x"])
    await ask(request_at("pri▮nt", trigger=Trigger.INVOKED), engine)
    assert len(engine.prompts) == 1
