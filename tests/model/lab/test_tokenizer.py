"""Text and ids: nothing is lost, nothing becomes a control token, lines can be taken one by one."""

from __future__ import annotations

import pytest

from model.lab.tokenizer import CONTROL, Tokenizer

TEXTS = [
    "def f(x: int) -> int:\n        return  x + 1000\n",
    "\n\n\n    \n\tif a:\n\t\tpass",
    "é ü 漢字 \U0001f600 \x00 \x0b",
    "<|fim_middle|><|endoftext|> <unk> <0x0A> <s>",
    " leading and trailing  ",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("name", CONTROL)
def test_control_tokens_as_text_stay_text(tokenizer: Tokenizer, name: str) -> None:
    ids = tokenizer.encode(f"x = '{name}'  # {name}")
    assert not set(ids) & set(tokenizer.control.values())
    assert tokenizer.decode(ids).count(name) == 2


def test_control_tokens_are_all_there(tokenizer: Tokenizer) -> None:
    assert len(set(tokenizer.control.values())) == len(CONTROL)
    assert all(tokenizer.processor.is_control(i) for i in tokenizer.control.values())


def test_line_by_line_is_exact(tokenizer: Tokenizer) -> None:
    text = "class A:\n\n    def f(self):\n        return 1\n\n\nx = 2"
    lines = tokenizer.encode_many(text.splitlines(keepends=True))
    assert [i for ids in lines for i in ids] == tokenizer.encode(text)


def test_newline_is_a_byte_piece_of_its_own(tokenizer: Tokenizer) -> None:
    newline = tokenizer.encode("\n")
    assert [tokenizer.processor.id_to_piece(i) for i in newline] == ["<0x0A>"]
    assert tokenizer.encode("a\n\nb").count(newline[0]) == 2


def test_digits_stand_alone(tokenizer: Tokenizer) -> None:
    pieces = [tokenizer.processor.id_to_piece(i) for i in tokenizer.encode("x=2048")]
    assert len(pieces) == len("x=2048")


def test_indentation_is_a_clean_cut(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("        return") == tokenizer.encode("        ") + tokenizer.encode("return")
