"""Half a word is taken off the prompt and off the answer."""

from __future__ import annotations

import pytest

from model.healing import Begun, grammar
from model.protocol import FimPrompt


@pytest.mark.parametrize(
    ("prompt", "healed"),
    [
        (FimPrompt("x = comp", "", begun=" comp"), ("x =", "")),
        (FimPrompt("x =", "", " comp", begun=" comp"), ("x =", "")),
        (FimPrompt("x = co", "", "mp", begun=" comp"), ("x =", "")),
        (FimPrompt("x =", "", " f(comp", begun="comp"), ("x =", " f(")),
        (FimPrompt("x", "", begun="y"), ("x", "")),
        (FimPrompt("x", ""), ("x", "")),
    ],
)
def test_a_healed_prompt_ends_before_the_word(prompt: FimPrompt, healed: tuple[str, str]) -> None:
    result = prompt.healed()
    assert (result.prefix, result.middle) == healed
    assert result.prefix + result.middle + result.begun == prompt.prefix + prompt.middle


@pytest.mark.parametrize("pieces", [[" comp", "ute"], [" ", "compute"], [" co", "mp", "ute"], [" compute"]])
def test_the_answer_loses_what_it_had_to_begin_with(pieces: list[str]) -> None:
    begun = Begun(" comp")
    assert "".join(begun.taken_off(piece) or "" for piece in pieces) == "ute"


def test_an_answer_that_begins_otherwise_is_none() -> None:
    assert Begun(" comp").taken_off("dump") is None


def test_a_grammar_quotes_the_text() -> None:
    assert grammar('\t"é\\') == 'root ::= "\\t\\"é\\\\" [^\\x00]*'
