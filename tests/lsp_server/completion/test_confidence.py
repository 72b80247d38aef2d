"""How much of what a model says is shown, by how sure it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completer import Completer
from lsp_server.completion.confidence import LEAST, Confidence
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft, TraceLog
from lsp_server.types import Completion, NoCompletion, Reason, Trigger
from lsp_server.why import explain
from model.protocol import FimPrompt, GenerationOptions, Piece

from .scripted import no_snippets, request_at

TOLD = st.lists(st.tuples(st.text("ab (\n", min_size=1, max_size=4), st.floats(0.01, 1)), max_size=8)


def read(told: list[tuple[str, float]]) -> tuple[str, Confidence]:
    """As far as it is read."""
    text, confidence = "", Confidence()
    for piece, likelihood in told:
        text += piece
        confidence = confidence.after(likelihood, text)
        if confidence.is_lost:
            break
    return text, confidence


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        ([("rows", 0.9), (")", 0.9)], "rows)"),
        ([("rows", 0.2), (")", 0.9)], ""),
        ([("rows", 0.5), (", ", 0.9), ("cells", 0.1)], "rows, "),
        ([("self", 0.9), (".", 0.9), ("mea", 0.6), ("sure", 0.3)], "self."),  # no half word
        ([("self", 0.9), (".", 0.9), ("mea", 0.6), (".", 0.3)], "self.mea"),
        ([("row", 0.9), ("\n", 0.1)], "row"),
        ([("row", 0.9), ("\n", 0.9), ("  x = ", 0.9), ("y", 0.1)], "row"),  # no half line behind a whole one
        ([("row", 0.9), ("\n", 0.9), ("  x", 0.9), ("\n", 0.1)], "row\n  x"),
        ([("\n", 0.9), ("  x = ", 0.9), ("y", 0.1)], "\n  x = "),  # it is the first one
        ([], ""),
    ],
)
def test_what_is_sure(told: list[tuple[str, float]], sure: str) -> None:
    text, confidence = read(told)
    assert confidence.sure_part(text) == sure


@given(TOLD)
def test_whatever_is_told(told: list[tuple[str, float]]) -> None:
    text, confidence = read(told)
    sure = confidence.sure_part(text)
    assert text.startswith(sure)
    assert 0 < confidence.likelihood <= min([1.0, *(likelihood for _, likelihood in told[:1])])
    assert sure == text or confidence.is_lost
    assert likelihood_of(told, len(sure)) >= LEAST
    assert not (re.search(r"\w\Z", sure) and re.match(r"\w", text[len(sure) :]))


def likelihood_of(told: list[tuple[str, float]], n_chars: int) -> float:
    """Of the pieces that end no later."""
    likelihood, n = 1.0, 0
    for piece, one in told:
        n += len(piece)
        if n > n_chars:
            break
        likelihood *= one
    return likelihood


class Unsure:
    """Writes what it is told, and says how sure it is where it is asked to, and can."""

    def __init__(self, *told: tuple[str, float | None], reason: str = "stop") -> None:
        self.told, self.reason, self.n_told, self.n_asked = told, reason, 0, 0

    async def generate(self, _: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self.n_asked += 1
        for index, (text, likelihood) in enumerate(self.told):
            self.n_told = index + 1
            reason = self.reason if index == len(self.told) - 1 else ""
            yield Piece(text, None, reason, likelihood if options.wants_likelihood else None)


async def ask(engine: Unsure, *, is_cut: bool, trigger: Trigger = Trigger.AUTOMATIC):
    ports = replace(Ports(no_snippets, engine.generate), is_cut_to_sure=lambda: is_cut)
    trace = TraceDraft("test")
    request = request_at("total = measure(▮", trigger=trigger)
    result = await complete(request, CompletionSettings(), ports, Memory(), trace)
    return result, trace.freeze()


async def test_no_more_is_read_than_may_be_shown() -> None:
    engine = Unsure(("rows", 0.8), (",", 0.9), (" cells", LEAST / 2), (")", 1.0))
    result, trace = await ask(engine, is_cut=True)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows,")
    assert engine.n_told == 3
    assert trace.fields["stopped_by"] == "unsure"


@pytest.mark.parametrize("first", ["rows", " "])
async def test_nothing_is_shown_of_which_nothing_is_sure(first: str) -> None:
    result, trace = await ask(Unsure((first, 0.05), (")", 1.0)), is_cut=True)
    assert isinstance(result, NoCompletion)
    assert result.reason is Reason.UNSURE
    said = " ".join(explain(trace))
    assert "edgewise.completion.confidence" in said
    assert "to be right with 5%" in said


async def test_a_model_that_has_nothing_to_add_is_not_unsure() -> None:
    result, _ = await ask(Unsure(("", 0.05)), is_cut=True)
    assert isinstance(result, NoCompletion)
    assert result.reason is Reason.EMPTY


async def test_what_was_left_out_is_explained() -> None:
    _, trace = await ask(Unsure(("rows", 0.8), (", ", 0.9), ("cells", 0.1), (")", 1.0)), is_cut=True)
    said = " ".join(explain(trace))
    assert "right with 7%, so that was left out: see edgewise.completion.confidence" in said


@pytest.mark.parametrize("reason", ["stop", "limit"])
async def test_an_engine_that_tells_nothing_is_shown_whole(reason: str) -> None:
    result, _ = await ask(Unsure(("rows", None), (", ", None), ("cells", None), reason=reason), is_cut=True)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows, cells" if reason == "stop" else "rows,")


async def test_a_sure_text_that_was_cut_off_ends_with_a_whole_word() -> None:
    result, _ = await ask(Unsure(("rows", 1.0), (", ", 1.0), ("ce", 1.0), reason="limit"), is_cut=True)
    assert isinstance(result, Completion)
    assert result.text.endswith("rows,")


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


class Halting(Unsure):
    """Goes on behind its first piece when it may."""

    def __init__(self, *told: tuple[str, float | None]) -> None:
        super().__init__(*told)
        self.is_halted, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        async for piece in super().generate(prompt, options):
            if self.n_told > 1:
                self.is_halted.set()
                await self.may_go_on.wait()
            yield piece


async def test_who_typed_on_meanwhile_is_told_what_follows_there() -> None:
    """The word as a whole was not sure, so there was nothing to show before it was begun."""
    engine = Halting(("me", 0.6), ("asure", 0.4), ("(", 1.0))
    ports = replace(Ports(no_snippets, engine.generate), is_cut_to_sure=lambda: True)
    completer = Completer(ports, lambda: CompletionSettings(prefetch=False), TraceLog())
    first = asyncio.create_task(completer.answer(request_at("total = ▮"), TraceDraft("test")))
    await engine.is_halted.wait()
    then = asyncio.create_task(completer.answer(request_at("total = me▮"), TraceDraft("test")))
    await asyncio.sleep(0)
    engine.told = (("asure", 0.9), ("(", 0.9))
    engine.may_go_on.set()
    answer = await then
    assert isinstance(answer, Completion)
    assert answer.text.endswith("measure(")
    assert engine.n_asked == 2
    await first
