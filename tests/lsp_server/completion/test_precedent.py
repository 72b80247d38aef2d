"""Precedents: what counts as one, which wins, and that the model is not asked where one is found."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.completion.places import MOST_ALIKE, MOST_PLACES, find_places
from lsp_server.completion.precedent import (
    LEAST_FOR_WORDS,
    cursor_in,
    next_words,
    precedent_at,
    rank_lines,
)
from lsp_server.settings import CompletionSettings
from lsp_server.text import flatten
from lsp_server.trace import TraceDraft
from lsp_server.types import Completion, NoCompletion
from lsp_server.why import explain

from .scripted import ScriptedEngine, accepted, context_at, no_snippets, request_at

READ = "def read(path):\n    with open(path, encoding='utf-8') as stream:\n        return stream.read()\n"
WORDS = st.text("ab(.\n ", max_size=60)


def found_at(drawn: str, *near: str) -> str | None:
    found = precedent_at(context_at(drawn), [flatten("\n" + text) for text in near])
    return None if found is None else found.text


def test_a_line_goes_on_as_in_another_file() -> None:
    assert found_at("def load(path):\n    with open(path, enc▮", READ) == "oding='utf-8') as stream:"


def test_the_line_after_the_same_line() -> None:
    drawn = "if x:\n    if y:\n        with open(path, encoding='utf-8') as stream:\n            ▮"
    assert found_at(drawn, READ) == "return stream.read()"


def test_what_most_places_say_wins() -> None:
    others = ["handler = make_handler(loop)\n"] * 3 + ["handler = make_handler(name)\n"]
    assert found_at("handler = make_handler(▮", *others) == "loop)"


def test_the_document_itself_counts_more_than_another() -> None:
    drawn = "first = connect_to(self.host)\nsecond = connect_to(▮"
    assert found_at(drawn, "third = connect_to(port)\n") == "self.host)"


def test_the_text_below_the_cursor_counts_too() -> None:
    assert found_at("total = compute_total(▮\n\nother = compute_total(rows)\n") == "rows)"


def test_the_place_that_is_alike_for_longer_wins() -> None:
    others = [
        "size = measure(row, column)\n",
        "size = measure(row, column)\n",
        "self.cell_size = measure(table)\n",
    ]
    assert found_at("self.cell_size = measure(▮", *others) == "table)"


def test_too_little_alike_is_none() -> None:
    assert found_at("y = f(▮", "x = f(1)\n", "z = f(2)\n", "k = h(3)\nu = p(q)\n") is None


def test_where_lines_part_the_words_before_are_suggested() -> None:
    others = [
        f"self.handler = make_handler(self, {name})\n" for name in ("loop", "rows", "path", "size", "kind")
    ]
    assert found_at("self.handler = make_ha▮", *others) == "ndler(self,"


def test_a_word_of_the_document_is_gone_on_with() -> None:
    assert found_at("measurement = read()\nlast = 2 * measurement[0]\nprint(meas▮") == "urement"


def test_a_line_that_is_whole_is_left_alone() -> None:
    assert found_at("return stream.read()▮", READ) is None


def test_stars_in_the_place_of_a_secret_are_never_suggested() -> None:
    assert found_at("api_token = ▮", 'api_token = "****************"\n') is None


@given(WORDS, WORDS, st.lists(WORDS, max_size=4))
def test_whatever_the_texts(before: str, below: str, near: list[str]) -> None:
    cursor = cursor_in(before, below)
    texts = [cursor.before, cursor.below, *near]
    places = find_places(cursor.before, cursor.below, near)
    assert len(places) <= 4 * MOST_PLACES
    for place in places:
        begun = place.text[place.offset - place.n_alike : place.offset]
        assert cursor.before.endswith(begun)
        assert 2 <= place.n_alike <= min(MOST_ALIKE, len(cursor.before))
        assert (place.text, place.offset) != (cursor.before, len(cursor.before))
    lines = rank_lines(cursor, places)
    assert [one.likelihood for one in lines] == sorted((one.likelihood for one in lines), reverse=True)
    assert sum(one.likelihood for one in lines) <= 1 + 1e-9
    for one in lines:
        assert "\n" not in one.text
        assert any(f"{cursor.before[-one.n_alike :]}{one.text}" in text for text in texts)
    words = next_words(cursor, places)
    assert words is None or words.likelihood >= LEAST_FOR_WORDS
    assert words is None or any(cursor.before[-2:] + words.text in text for text in texts)


@given(WORDS.filter(lambda text: len(text) > 12))
def test_the_best_place_is_alike_for_as_long_as_can_be(before: str) -> None:
    places = find_places(before, "", ["x" + before + "end\n"])
    assert max(place.n_alike for place in places) == len(before)


async def follow(drawn: str, engine: ScriptedEngine, near: list[str] | None, memory: Memory | None = None):
    texts = None if near is None else [flatten("\n" + text) for text in near]
    ports = replace(Ports(no_snippets, engine.generate), texts_near=lambda _: texts)
    trace = TraceDraft("test")
    result = await complete(request_at(drawn), CompletionSettings(), ports, memory or Memory(), trace)
    return result, trace.freeze()


async def test_the_model_is_not_asked_where_there_is_a_precedent() -> None:
    engine = ScriptedEngine(["never"])
    drawn = "def load(path):\n    with open(path, enc▮"
    result, trace = await follow(drawn, engine, [READ])
    assert isinstance(result, Completion)
    text = accepted(drawn.replace("▮", ""), result)
    assert text == "def load(path):\n    with open(path, encoding='utf-8') as stream:"
    assert not engine.prompts
    assert trace.fields["n_places"] == 1
    assert "one place of the workspace" in " ".join(explain(trace))


async def test_the_model_is_asked_where_there_is_none_or_none_is_wanted() -> None:
    for near in ([], None):
        engine = ScriptedEngine(["oding)"])
        result, trace = await follow("with open(path, enc▮", engine, near)
        assert isinstance(result, Completion)
        assert result.text == "with open(path, encoding)"
        assert "n_places" not in trace.fields


async def test_a_precedent_is_typed_through() -> None:
    memory, engine = Memory(), ScriptedEngine(["never"])
    await follow("with open(path, enc▮", engine, [READ], memory)
    result, _ = await follow("with open(path, encoding='▮", engine, None, memory)
    assert isinstance(result, Completion)
    assert result.is_cached
    assert not engine.prompts


async def test_what_stands_behind_the_cursor_is_not_written_again() -> None:
    result, _ = await follow("if open(path, enc▮)", ScriptedEngine([]), ["if open(path, encoding=ASCII)\n"])
    assert not isinstance(result, NoCompletion)
    assert accepted("if open(path, enc)", result) == "if open(path, encoding=ASCII)"
