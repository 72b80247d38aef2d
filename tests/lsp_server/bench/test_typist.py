"""What a person takes, and what it comes to."""

from __future__ import annotations

import pytest

from lsp_server.bench.typist import Acceptance, Record, Taken, evaluate, judge, next_stroke, rows


@pytest.mark.parametrize(
    ("shown", "rest", "expected"),
    [
        ("", "abc", None),
        ("a", "abc", None),
        ("abc", "abc)", Acceptance(Taken.WHOLE, 3, 3)),
        ("one line\nnext(a)", "one line\nnext(b)", Acceptance(Taken.WHOLE, 16, 14)),
        ("one line\nother thing, wrong", "one line\nnext", Acceptance(Taken.LINES, 8, 8)),
        ("value = wrong", "value + 1", Acceptance(Taken.WORD, 5, 5)),
        ("values", "value + 1", None),
        ("ab cd", "ab xy", None),
    ],
)
def test_judge(shown: str, rest: str, expected: Acceptance | None) -> None:
    assert judge(shown, rest) == expected


@pytest.mark.parametrize(("rest", "stroke"), [("abc", "a"), ("\n    x", "\n    "), ("", "")])
def test_a_new_line_comes_with_its_indentation(rest: str, stroke: str) -> None:
    assert next_stroke(rest) == stroke


def test_a_wrong_suggestion_counts_once_while_it_is_typed_through() -> None:
    record = Record()
    record.see("abX", None)
    record.type("a")
    record.see("bX", None)
    record.type("b")
    record.see("other", None)
    assert (record.n_shown, record.n_wrong) == (2, 2)


def test_figures() -> None:
    record = Record(n_chars=20, answers_ms=[10.0, 30.0])
    record.see("0123456789", Acceptance(Taken.WHOLE, 10, 8))
    record.take(Acceptance(Taken.WHOLE, 10, 8))
    for stroke in ("x", "\n        "):
        record.type(stroke)
    found = evaluate("it", [record])
    assert found.n_strokes == 1 + 2 + 2
    assert found.completed_ratio == 0.5
    assert (found.n_inserted, found.n_retained) == (10, 8)
    assert found.taken == {"whole": 1, "lines": 0, "word": 0}
    assert ("  and retained", "8") in rows(found)
    [accepted] = [figure for name, figure in rows(found) if name == "characters accepted"]
    assert accepted.endswith("(1 times whole, 0 by lines, 0 by word)")


def test_of_nothing() -> None:
    assert evaluate("it", []).completed_ratio == 0
