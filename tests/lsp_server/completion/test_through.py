"""Type-through as a person sees it: typed on, a word or a line accepted, deleted, chosen in the menu."""

from __future__ import annotations

import pytest

from lsp_server.completion.pipeline import Memory
from lsp_server.types import Completion, NoCompletion, SelectedCompletion, Span

from .scripted import CURSOR, ScriptedEngine, accepted, ask, request_at

START = f"def show(prices):\n    {CURSOR}\n"
ANSWER = "for price in prices:\n        added = price + 1\n        print(added)"
AT = START.index(CURSOR)
WHOLE = START.replace(CURSOR, ANSWER)


class Typist:
    """One window in which the model was asked once, at `START`."""

    def __init__(self) -> None:
        self.memory, self.engine = Memory(), ScriptedEngine([ANSWER])

    async def see(
        self, typed: str, selected: SelectedCompletion | None = None
    ) -> tuple[str, Completion | NoCompletion]:
        """The text once so much is typed, and what is suggested there."""
        drawn = START.replace(CURSOR, typed + CURSOR)
        result = await ask(request_at(drawn, selected=selected), self.engine, self.memory)
        return drawn.replace(CURSOR, ""), result


@pytest.fixture
async def typist() -> Typist:
    typist = Typist()
    text, shown = await typist.see("")
    assert isinstance(shown, Completion) and accepted(text, shown) == WHOLE
    return typist


async def check_same(typist: Typist, typed: str) -> Completion:
    """The suggestion at hand is still the whole of the first one, and the model was asked no second time."""
    text, shown = await typist.see(typed)
    assert isinstance(shown, Completion), (typed, shown)
    assert shown.is_cached
    assert accepted(text, shown) == WHOLE
    assert len(typist.engine.prompts) == 1
    return shown


async def test_each_character_and_the_range_starts_where_the_line_does(typist: Typist) -> None:
    first = await check_same(typist, "")
    for n_typed in range(1, ANSWER.index("\n")):
        shown = await check_same(typist, ANSWER[:n_typed])
        assert shown.text == first.text, "what the client draws does not move"
        assert shown.span == Span(first.span.start, first.span.end + n_typed)
        assert shown.span.start == AT


@pytest.mark.parametrize("n_words", [1, 2, 3])
async def test_accepting_word_by_word(typist: Typist, n_words: int) -> None:
    words = ["for", " price", " in"]
    await check_same(typist, "".join(words[:n_words]))


@pytest.mark.parametrize("n_lines", [1, 2])
async def test_accepting_line_by_line(typist: Typist, n_lines: int) -> None:
    """With the line end, and without."""
    lines = ANSWER.splitlines(keepends=True)
    taken = "".join(lines[:n_lines])
    await check_same(typist, taken.rstrip("\n"))
    shown = await check_same(typist, taken)
    assert shown.span.start == shown.span.end == AT + len(taken), "on a line of its own"


async def test_an_editor_that_indents_the_new_line_itself(typist: Typist) -> None:
    await check_same(typist, ANSWER[: ANSWER.index("added")])


async def test_backspacing_to_where_it_began(typist: Typist) -> None:
    for n_left in range(ANSWER.index("\n") - 1, -1, -1):
        await check_same(typist, ANSWER[:n_left])


async def test_a_typing_error_and_its_correction(typist: Typist) -> None:
    await check_same(typist, "fo")
    _, other = await typist.see("fox")
    assert not (isinstance(other, Completion) and other.is_cached)
    assert len(typist.engine.prompts) == 2
    text, shown = await typist.see("fo")
    assert isinstance(shown, Completion) and shown.is_cached
    assert accepted(text, shown) == WHOLE


async def test_deleting_further_back_asks_anew(typist: Typist) -> None:
    drawn = START.replace(f" {CURSOR}", CURSOR)
    await ask(request_at(drawn), typist.engine, typist.memory)
    assert len(typist.engine.prompts) == 2


@pytest.mark.parametrize("n_typed", [0, 1, 2])
async def test_an_entry_of_the_menu_that_agrees(typist: Typist, n_typed: int) -> None:
    """The menu's entry is `for`; the suggestion goes on from it, in the entry's range."""
    entry = SelectedCompletion(Span(AT, AT + n_typed), "for")
    text, shown = await typist.see(ANSWER[:n_typed], entry)
    assert isinstance(shown, Completion)
    assert shown.is_cached
    assert shown.span == entry.span
    assert shown.text.startswith("for")
    assert accepted(text, shown) == WHOLE
    assert len(typist.engine.prompts) == 1


async def test_an_entry_of_the_menu_that_does_not_agree_asks_anew(typist: Typist) -> None:
    await typist.see("", SelectedCompletion(Span(AT, AT), "from"))
    assert len(typist.engine.prompts) == 2
    await check_again_after_the_menu(typist)


async def check_again_after_the_menu(typist: Typist) -> None:
    text, shown = await typist.see("")
    assert isinstance(shown, Completion) and shown.is_cached
    assert accepted(text, shown) == WHOLE
