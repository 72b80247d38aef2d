"""Half a word is taken off the prompt and off the answer."""

from __future__ import annotations

import pytest

from model.healing import UNTOLD_SHARE, Begun, Held, asked, grammar
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


def test_the_engine_is_asked_for_likelihoods_only_where_they_are_wanted() -> None:
    assert asked("", wants_likelihood=False) == {}
    assert asked(" comp", wants_likelihood=False) == {"grammar": grammar(" comp")}
    assert asked("", wants_likelihood=True)["n_probs"] == 10


def test_a_token_is_as_likely_as_its_share_of_what_may_follow() -> None:
    told = [(" compute", 0.2), (" self", 0.4), (" com", 0.1), (" c", 0.1)]
    assert Begun("").likelihood(told) == 0.2
    assert Begun("").likelihood([]) is None
    untold = 0.2 * UNTOLD_SHARE**4
    assert Begun(" comp").likelihood(told) == pytest.approx(0.2 / (0.4 + untold))


def test_what_is_told_of_hardly_any_token_is_not_certain() -> None:
    """The chosen token is the only one told that goes on with the word, and still one of many that may."""
    told = [(" sum", 0.002), (" x", 0.3), (" y", 0.2)]
    assert Begun(" s").likelihood(told) == pytest.approx(0.002 / (0.002 + 0.498 * UNTOLD_SHARE))


def test_once_the_word_is_written_all_tokens_may_follow() -> None:
    begun = Begun(" comp")
    assert begun.taken_off(" compute") == "ute"
    assert begun.likelihood([("(", 0.25), (")", 0.5)]) == 0.25


def test_a_piece_tells_of_all_tokens_since_the_last_one() -> None:
    held = Held()
    assert held.take() is None
    held.add(0.5)
    held.add(None)
    held.add(0.5)
    assert (held.take(), held.take()) == (0.25, None)
