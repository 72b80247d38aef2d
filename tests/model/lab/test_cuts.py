"""Cuts and signatures: always inside the text, at the places they promise."""

from __future__ import annotations

import ast
import inspect
import json
import random

import pytest

from model.lab.cuts import KINDS, parse_python, pick_cut, rest_of_line, syntax_spans, whole_lines
from model.lab.signatures import find_signatures

CODE = inspect.getsource(json.decoder)


@pytest.mark.parametrize("text", [CODE, "x", "\n", "a = 1\n", "é = 'ü'\n\n\n", "no newline at the end"])
def test_cuts_lie_inside(text: str) -> None:
    rng = random.Random(1)
    for _ in range(200):
        for _, kind in KINDS:
            cut = kind(text, rng)
            assert 0 <= cut.start <= cut.end <= len(text)


def test_rest_of_line_stops_before_the_newline() -> None:
    rng = random.Random(2)
    for _ in range(100):
        cut = rest_of_line(CODE, rng)
        assert CODE[cut.end] == "\n"
        assert "\n" not in CODE[cut.start : cut.end]


def test_whole_lines_take_their_newline() -> None:
    rng = random.Random(2)
    for _ in range(100):
        cut = whole_lines(CODE, rng)
        assert cut.start == 0 or CODE[cut.start - 1] == "\n"
        assert CODE[cut.end - 1] == "\n"


def test_syntax_spans_are_nodes() -> None:
    text = "é = f(1, g(22))\nif é:\n    run(é)\n    stop()\n"
    tree = parse_python(text)
    assert tree is not None
    found = {text[s.start : s.end] for s in syntax_spans(text, tree)}
    assert {"é = f(1, g(22))", "g(22)", "run(é)\n    stop()", "stop()"} <= found


def test_what_does_not_parse_has_no_tree() -> None:
    assert parse_python("def (:\n") is None
    assert parse_python("x = 1\r\ny = 2\r") is None
    assert pick_cut("def (:\n", [], random.Random(1)).end <= 7


def test_signatures() -> None:
    body = "    def f(self, x: int = 1) -> str:\n        pass\n    def __init__(self): ...\n"
    text = f'class A(B):\n    """What A is."""\n{body}async def g(*a): ...\n'
    assert [s.text for s in find_signatures("m.py", ast.parse(text))] == [
        'class A(B):\n    """What A is."""',
        "    def f(self, x: int=1) -> str:",
        "async def g(*a):",
    ]
