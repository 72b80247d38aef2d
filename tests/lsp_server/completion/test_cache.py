"""Type-through: what a suggestion answers without the model, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.completion.cache import Suggestion, Suggestions
from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.settings import CompletionSettings
from lsp_server.types import SelectedCompletion, Span

from .scripted import context_at, request_at

SETTINGS = CompletionSettings()
START = "x = 1\ny = ▮\nz = 3\n"


@pytest.fixture
def suggestions() -> Suggestions:
    kept = Suggestions()
    kept.put(context_at(START), SETTINGS, Suggestion("compute(x)"))
    return kept


def elsewhere(context: CompletionContext, uri: str) -> CompletionContext:
    return replace(context, snapshot=replace(context.snapshot, uri=uri))


def find(kept: Suggestions, context: CompletionContext, settings: CompletionSettings = SETTINGS) -> str:
    """The text that is served, or ""."""
    found = kept.find(context, settings)
    return found.text if found else ""


@pytest.mark.parametrize("typed", ["", "c", "comp", "compute(x"])
def test_it_is_served_while_it_is_typed(suggestions: Suggestions, typed: str) -> None:
    context = context_at(START.replace("▮", typed + "▮"))
    assert typed + find(suggestions, context) == "compute(x)"


@pytest.mark.parametrize(
    "drawn",
    [
        START.replace("▮", "d▮"),
        START.replace("▮", "compute(x)▮"),
        START.replace("▮", "compute(x)!▮"),
        START.replace("y = ▮", "y =▮"),
        START.replace("z = 3", "z = 4"),
        START.replace("z = 3", ""),
        START.replace("x = 1", "x = 2"),
        "\n" + START,
    ],
)
def test_it_is_not_served_elsewhere(suggestions: Suggestions, drawn: str) -> None:
    assert find(suggestions, context_at(drawn)) == ""


def test_not_in_another_document(suggestions: Suggestions) -> None:
    assert find(suggestions, elsewhere(context_at(START), "file:///other")) == ""


def test_not_in_another_language(suggestions: Suggestions) -> None:
    assert find(suggestions, context_at(START, "javascript")) == ""


def test_not_under_other_settings(suggestions: Suggestions) -> None:
    assert find(suggestions, context_at(START), CompletionSettings(max_tokens=8)) == ""
    assert find(suggestions, context_at(START), CompletionSettings()) == "compute(x)"


def test_what_it_replaces_is_kept_while_it_is_typed() -> None:
    kept = Suggestions()
    drawn = "if (▮)\n"
    kept.put(context_at(drawn), SETTINGS, Suggestion("x) y", n_replaced=1))
    assert kept.find(context_at("if (x▮)\n"), SETTINGS) == Suggestion(") y", n_replaced=1)


def test_what_replaces_more_than_the_menus_entry_is_not_served_for_it() -> None:
    kept = Suggestions()
    kept.put(context_at("if (▮)\n"), SETTINGS, Suggestion("x) y", n_replaced=1))
    entry = SelectedCompletion(Span(4, 4), "x")
    context = build_context(request_at("if (▮)\n", selected=entry), SETTINGS)
    assert isinstance(context, CompletionContext)
    assert kept.find(context, SETTINGS) is None


def test_the_newest_is_asked_first(suggestions: Suggestions) -> None:
    suggestions.put(context_at(START.replace("▮", "c▮")), SETTINGS, Suggestion("all()"))
    assert find(suggestions, context_at(START.replace("▮", "c▮"))) == "all()"
    assert find(suggestions, context_at(START.replace("▮", "co▮"))) == "mpute(x)"


def test_what_was_not_used_longest_goes_first() -> None:
    kept = Suggestions(n_kept=2)
    for name in "ab":
        kept.put(elsewhere(context_at(START), name), SETTINGS, Suggestion(name))
    assert find(kept, elsewhere(context_at(START), "a")) == "a"
    kept.put(elsewhere(context_at(START), "c"), SETTINGS, Suggestion("c"))
    found = {name: find(kept, elsewhere(context_at(START), name)) for name in "abc"}
    assert found == {"a": "a", "b": "", "c": "c"}
    assert len(kept) == 2


def test_forgetting() -> None:
    kept = Suggestions()
    for name in "ab":
        kept.put(elsewhere(context_at(START), name), SETTINGS, Suggestion(name))
    kept.forget("a")
    assert find(kept, elsewhere(context_at(START), "a")) == ""
    assert find(kept, elsewhere(context_at(START), "b")) == "b"
    kept.clear()
    assert len(kept) == 0
