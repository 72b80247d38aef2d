"""What else may be taken where a person asked by hand: from where it comes, in what order, how much of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from lsp_server.completer import Completer
from lsp_server.completion.alternatives import MOST, TEMPERATURES, find_alternatives
from lsp_server.completion.pipeline import Memory, Ports
from lsp_server.settings import CompletionSettings
from lsp_server.text import flatten
from lsp_server.trace import TraceDraft, TraceLog
from lsp_server.types import Completion, NoCompletion, Trigger
from model.protocol import FimPrompt, GenerationOptions, HostUnavailable, Piece

from .scripted import ScriptedEngine, context_at, no_snippets, request_at

NEAR = tuple(flatten(f"\nsize = measure({what})\n") for what in ("row", "row", "column", "table"))


class ByTemperature:
    """Writes something else at each temperature, and after the first one for ever if it is told so."""

    def __init__(self, *, hangs: bool = False, fails: bool = False) -> None:
        self.n_asked, self._hangs, self._fails = 0, hangs, fails

    async def generate(self, _: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self.n_asked += 1
        if self._hangs and options.temperature:
            await asyncio.Event().wait()
        if self._fails and options.temperature:
            raise HostUnavailable("It died.")
        yield Piece(f"t{options.temperature:.1f})", stop_reason="eos")


def completer_with(engine: ByTemperature | ScriptedEngine, *near: str, patience_ms: int = 5000) -> Completer:
    ports = replace(Ports(no_snippets, engine.generate), texts_near=lambda _: near)
    settings = CompletionSettings(prefetch=False, t_max_predict_ms=patience_ms)
    return Completer(ports, lambda: settings, TraceLog())


async def answer(completer: Completer, drawn: str, trigger: Trigger) -> Completion:
    request = replace(request_at(drawn, trigger=trigger), wants_others=trigger is Trigger.INVOKED)
    found = await completer.answer(request, TraceDraft("test"))
    assert not isinstance(found, NoCompletion)
    return found


def texts(completion: Completion) -> list[str]:
    return [one.text for one in (completion, *completion.others)]


async def test_further_precedents_then_the_model() -> None:
    ports = replace(Ports(no_snippets, ByTemperature().generate), texts_near=lambda _: NEAR)
    context, settings = context_at("size = measure(▮"), CompletionSettings()
    found = find_alternatives(context, settings, ports, Memory(), TraceDraft("test"))
    by_model = [f"t{temperature})" for temperature in (0.0, *TEMPERATURES)]
    assert [one.text async for one in found] == ["row)", "table)", "column)", *by_model]


async def test_only_who_asks_by_hand_gets_others() -> None:
    completer = completer_with(ByTemperature(), *NEAR)
    assert texts(await answer(completer, "size = measure(▮", Trigger.AUTOMATIC)) == ["size = measure(row)"]
    invoked = await answer(completer, "size = measure(▮", Trigger.INVOKED)
    wanted = ("row", "table", "column", *(f"t{temperature}" for temperature in (0.0, *TEMPERATURES)))
    assert texts(invoked) == [f"size = measure({what})" for what in wanted[: 1 + MOST]]
    assert all(other.span == invoked.span for other in invoked.others)


async def test_the_model_is_not_asked_again_for_what_it_said_already() -> None:
    engine = ByTemperature()
    found = await answer(completer_with(engine), "size = measure(▮", Trigger.INVOKED)
    assert texts(found)[0] == "size = measure(t0.0)"
    assert engine.n_asked == 1 + len(TEMPERATURES)


async def test_asked_again_they_are_the_same_and_nobody_is_asked() -> None:
    engine = ByTemperature()
    completer = completer_with(engine)
    first = await answer(completer, "size = measure(▮", Trigger.INVOKED)
    assert engine.n_asked == 1 + len(TEMPERATURES)
    again = await answer(completer, "size = measure(▮", Trigger.INVOKED)
    assert texts(again) == texts(first)
    assert engine.n_asked == 1 + len(TEMPERATURES)


async def test_what_is_the_same_is_offered_once() -> None:
    completer = completer_with(ScriptedEngine(["row)"]), *NEAR[:2])
    assert texts(await answer(completer, "size = measure(▮", Trigger.INVOKED)) == ["size = measure(row)"]


async def test_a_model_that_takes_too_long_or_fails_costs_no_suggestion() -> None:
    for engine in (ByTemperature(hangs=True), ByTemperature(fails=True)):
        completer = completer_with(engine, patience_ms=50)
        found = await answer(completer, "size = measure(▮", Trigger.INVOKED)
        assert texts(found) == ["size = measure(t0.0)"]
