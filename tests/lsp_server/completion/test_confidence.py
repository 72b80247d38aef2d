"""How much of what a model says is shown, by how sure it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completer import Completer
from lsp_server.completion.confidence import LEAST_FOR_LINE, LEAST_FOR_WORDS, Confidence
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft, TraceLog
from lsp_server.types import Completion, NoCompletion, Reason, Trigger
from lsp_server.why import explain
from model.protocol import FimPrompt, GenerationOptions, Piece

from .scripted import no_snippets, request_at

TOLD = st.lists(st.tuples(st.text("ab (\n", min_size=1, max_size=4), st.floats(0.01, 1)), max_size=8)


def read(told: list[tuple[str, float]]) -> tuple[str, Confidence]:
    text, confidence = "", Confidence()
    for piece, likelihood in told:
        text += piece
        confidence = confidence.after(Piece(piece, likelihood=likelihood), text)
    return text, confidence


@pytest.mark.parametrize(
    ("told", "is_whole", "sure"),
    [
        ([("rows", 0.9), (")", 0.9)], True, "rows)"),
        ([("rows", 0.5), (")", 0.5)], True, "rows)"),  # a line needs less than words
        ([("rows", 0.2), (")", 0.3)], True, ""),
        ([("rows", 0.5), (", ", 0.9), ("cells", 0.1)], False, "rows, "),
        ([("self", 0.9), (".", 0.9), ("mea", 0.6), ("sure", 0.3)], False, "self."),  # no half word
        ([("row", 0.9), ("\n", 0.9), ("  x", 0.05)], False, "row"),
        ([("row", 0.4), ("\n", 0.5), ("  x", 0.9), ("yz", 0.3)], False, "row"),
        ([], False, ""),
    ],
)
def test_what_is_sure(told: list[tuple[str, float]], is_whole: bool, sure: str) -> None:
    text, confidence = read(told)
    assert confidence.sure_part(text, is_whole=is_whole).rstrip("\n") == sure


@given(TOLD, st.booleans())
def test_whatever_is_told(told: list[tuple[str, float]], is_whole: bool) -> None:
    text, confidence = read(told)
    sure = confidence.sure_part(text, is_whole=is_whole)
    assert text.startswith(sure)
    assert not told or 0 < confidence.likelihood <= max(likelihood for _, likelihood in told)
    if sure and sure != text and confidence.n_lines < len(sure):
        assert read_until(told, len(sure)) >= LEAST_FOR_WORDS


def read_until(told: list[tuple[str, float]], n_chars: int) -> float:
    """The likelihood of the pieces that end no later."""
    likelihood, n = 1.0, 0
    for piece, one in told:
        n += len(piece)
        if n > n_chars:
            break
        likelihood *= one
    return likelihood


class Unsure:
    """Writes what it is told, and says how sure it is where it is asked to."""

    def __init__(self, *told: tuple[str, float]) -> None:
        self.told, self.n_told, self.n_asked = told, 0, 0

    async def generate(self, _: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self.n_asked += 1
        for index, (text, likelihood) in enumerate(self.told):
            self.n_told = index + 1
            reason = "stop" if index == len(self.told) - 1 else ""
            yield Piece(text, None, reason, likelihood if options.wants_likelihood else None)


async def ask(engine: Unsure, *, is_cut: bool, trigger: Trigger = Trigger.AUTOMATIC):
    ports = replace(Ports(no_snippets, engine.generate), is_cut_to_sure=lambda: is_cut)
    trace = TraceDraft("test")
    request = request_at("total = measure(▮", trigger=trigger)
    result = await complete(request, CompletionSettings(), ports, Memory(), trace)
    return result, trace.freeze()


async def test_no_more_is_read_than_may_be_shown() -> None:
    engine = Unsure(("rows", 0.8), (",", 0.9), (" cells", LEAST_FOR_LINE / 2), (")", 1.0))
    result, trace = await ask(engine, is_cut=True)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows,")
    assert engine.n_told == 3
    assert trace.fields["stopped_by"] == "unsure"


async def test_nothing_is_shown_of_which_nothing_is_sure() -> None:
    result, trace = await ask(Unsure(("rows", 0.05), (")", 1.0)), is_cut=True)
    assert isinstance(result, NoCompletion)
    assert result.reason is Reason.UNSURE
    assert "not sure enough" in " ".join(explain(trace))


@pytest.mark.parametrize(("is_cut", "trigger"), [(False, Trigger.AUTOMATIC), (True, Trigger.INVOKED)])
async def test_all_is_shown_to_who_wants_it(is_cut: bool, trigger: Trigger) -> None:
    result, _ = await ask(Unsure(("rows", 0.05), (")", 0.1)), is_cut=is_cut, trigger=trigger)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows)")


async def test_who_asks_by_hand_where_nothing_was_shown_sees_it() -> None:
    engine = Unsure(("rows", 0.05), (")", 0.1))
    ports = replace(Ports(no_snippets, engine.generate), is_cut_to_sure=lambda: True)
    completer = Completer(ports, lambda: CompletionSettings(prefetch=False), TraceLog())
    for _ in range(2):
        answer = await completer.answer(request_at("total = measure(▮"), TraceDraft("test"))
        assert isinstance(answer, NoCompletion)
        assert answer.reason is Reason.UNSURE
    assert engine.n_asked == 1  # what was found once is known
    by_hand = await completer.answer(
        request_at("total = measure(▮", trigger=Trigger.INVOKED), TraceDraft("test")
    )
    assert isinstance(by_hand, Completion)
    assert by_hand.text.endswith("rows)")


class Untold(Unsure):
    """Of another engine, cut off by time."""

    async def generate(self, _: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        for text, _likelihood in self.told:
            yield Piece(text)


async def test_an_engine_that_tells_no_likelihoods_is_shown_whole() -> None:
    result, _ = await ask(Untold(("rows, ", 0), ("cel", 0)), is_cut=True)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows,")  # the word may be half of one


async def test_no_half_word_is_left_where_time_ran_out() -> None:
    class Slow(Unsure):
        async def generate(self, _: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
            for text, likelihood in self.told:
                yield Piece(text, None, "", likelihood)

    result, _ = await ask(Slow(("rows, ", 0.9), ("cel", 0.9)), is_cut=True)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows,")


class Waiting(Unsure):
    """Writes its first piece, then the rest when it is let."""

    def __init__(self, *told: tuple[str, float]) -> None:
        super().__init__(*told)
        self.has_begun, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def generate(self, _: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self.n_asked += 1
        for text, likelihood in self.told:
            yield Piece(text, None, "", likelihood)
            self.has_begun.set()
            await self.may_go_on.wait()


async def test_who_types_on_is_asked_for_anew_where_the_answer_was_unsure() -> None:
    engine = Waiting(("ro", 0.2), ("ws)", 0.1))
    ports = replace(Ports(no_snippets, engine.generate), is_cut_to_sure=lambda: True)
    completer = Completer(ports, lambda: CompletionSettings(prefetch=False), TraceLog())
    first = asyncio.create_task(completer.answer(request_at("total = measure(▮"), TraceDraft("test")))
    await engine.has_begun.wait()
    second = asyncio.create_task(completer.answer(request_at("total = measure(r▮"), TraceDraft("test")))
    await asyncio.sleep(0)
    engine.may_go_on.set()
    await asyncio.gather(first, second)
    assert engine.n_asked == 2
