"""What speaks for a text, and that probabilities are some."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completion.likelihood import NONE, Cursor, rank, weigh
from lsp_server.completion.places import Place, find_places
from lsp_server.completion.precedent import cursor_in, first_word, group
from lsp_server.completion.weights import LINE_WEIGHTS, WORD_WEIGHTS

TEXTS = st.dictionaries(st.text("ab( ", max_size=6), st.integers(1, 3), min_size=1, max_size=15)


def evidence(drawn: str, text: str, *near: str) -> dict[str, float]:
    """Of one text, for a place that is drawn."""
    before, below = drawn.split("▮")
    cursor = cursor_in(before, below)
    places = find_places(cursor.before, cursor.below, [f"\n{one}" for one in near])
    return weigh(cursor, group(places, lambda rest: rest))[text]


def test_each_weight_has_evidence_and_each_evidence_a_weight() -> None:
    names = {*evidence("x = call(▮\n", "one)", "y = call(one)\n"), NONE}
    assert names == set(LINE_WEIGHTS) == set(WORD_WEIGHTS)


@given(TEXTS, st.sampled_from([LINE_WEIGHTS, WORD_WEIGHTS]))
def test_probabilities(texts: dict[str, int], weights: dict[str, float]) -> None:
    places = {text: [Place("\nxxxx" + text, 5, 4, is_own=False)] * n for text, n in texts.items()}
    ranked = rank(Cursor("\nxxxx"), places, weights)
    assert all(0 < likelihood < 1 for _, likelihood in ranked)
    assert sum(likelihood for _, likelihood in ranked) < 1
    assert [one for _, one in ranked] == sorted((one for _, one in ranked), reverse=True)


@pytest.mark.parametrize(
    ("drawn", "text", "near", "name", "value"),
    [
        ("rows = 1\nsum(▮\n", "rows)", "sum(rows)", "unknown names", 0),
        ("rows = 1\nsum(▮\n", "cells)", "sum(cells)", "unknown names", 1),
        ("import os\nimport ▮\n", "os", "import os", "there already", 1),
        ("import os\nimport ▮\n", "re", "import re", "there already", 0),
        ("total = sum▮\n", "(rows))", "total = sum(rows))", "closes too much", 1),
        ("(total = sum▮\n", "(rows))", "total = sum(rows))", "closes too much", 0),
        ("with open(▮\n    read()\n", "path):", "with open(path):\nread()\n", "next line", 1),
        ("with open(▮\n    write()\n", "path):", "with open(path):\nread()\n", "next line", 0),
        ("name = nam▮\n", "ed(x)", "name = named(x)", "known first", 0),
        ("named = 1\nname = nam▮\n", "ed(x)", "name = named(x)", "known first", 1),
    ],
)
def test_what_speaks_for_a_text(drawn: str, text: str, near: str, name: str, value: float) -> None:
    assert evidence(drawn, text, near)[name] == value


def test_a_name_that_the_document_has_is_likelier() -> None:
    cursor = cursor_in("def show(rows):\n    total = measure(", "\n")
    places = find_places(
        cursor.before, cursor.below, ["\ntotal = measure(cells)\n", "\ntotal = measure(rows)\n"]
    )
    assert rank(cursor, group(places, lambda rest: rest), LINE_WEIGHTS)[0][0] == "rows)"


@pytest.mark.parametrize(
    ("rest", "word"), [("oding='utf", "oding"), ("  = x", "  ="), ("):", "):"), ("", ""), (" ", "")]
)
def test_a_word(rest: str, word: str) -> None:
    assert first_word(rest.rstrip()) == word


def test_nearness_speaks_for_the_first_word_alone() -> None:
    cursor = cursor_in("total = measure(rows)\ntotal = ", "\n")
    places = [one for one in find_places(cursor.before, cursor.below, []) if one.is_own]
    assert weigh(cursor, {"measure": places})["measure"]["own, near"] > 0.9
    moved = [place.moved_by(len("measure")) for place in places]
    assert weigh(cursor.moved_by("measure"), {"(": moved})["("]["own, near"] == 0
