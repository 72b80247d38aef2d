"""A change may not bring errors that the text has not, also where the text does not parse already."""

from __future__ import annotations

import pytest

from lsp_server.index.faults import adds_errors, has_errors
from lsp_server.types import Span

WHOLE = "def a(v):\n    return v\n\n\n"
BROKEN = "def b(:\n    return 1\n\n\n"
OPEN = "x = (\n\n\n"
BEHIND = "\n\n\ndef c():\n    pass\n"


def adds(before: str, code: str, replacement: str, behind: str, language_id="python", path="x.py") -> bool:
    text = before + code + behind
    return adds_errors(text, language_id, path, Span(len(before), len(before) + len(code)), replacement)


CODE = "def f(w):\n    return v"
GOOD = "def f(w):\n    return w"
BAD = "def f(w):\n    return (w"
WORSE = "def f(w:\n    return (w]"


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (WHOLE, BEHIND),
        (WHOLE + BROKEN, BEHIND),
        (WHOLE, "\n\n\n" + BROKEN),
        (BROKEN, "\n\n\n" + BROKEN),
        (OPEN, BEHIND),
        (WHOLE, "\n\n\ny = [1\n"),
        ("é = '😀'\n\n\n" + BROKEN, BEHIND),
    ],
    ids=["whole", "above", "behind", "both", "open-above", "open-behind", "wide-characters"],
)
def test_whatever_is_wrong_elsewhere(before: str, behind: str):
    assert not adds(before, CODE, GOOD, behind)
    assert adds(before, CODE, BAD, behind)
    assert adds(before, CODE, WORSE, behind)


def test_what_is_wrong_in_the_place_itself_may_stay_or_go():
    assert not adds(BROKEN, BAD, GOOD, BEHIND)
    assert not adds(BROKEN, BAD, BAD.replace("return", "return 1 +"), BEHIND)
    assert not adds(WHOLE, BAD, GOOD, "\n\n\n" + BROKEN)


def test_an_error_that_a_mended_one_has_swallowed_is_no_new_one():
    """Before, one error reaches from the bracket over all that follows."""
    code = "def f(w):\n    return foo(w, [1, 2\n"
    behind = "\n\n\ndef c(:\n    pass\n"
    assert has_errors(WHOLE + GOOD + behind, "python", "x.py")
    assert not adds(WHOLE, code, GOOD, behind)


def test_a_change_that_breaks_what_stands_behind_it():
    text = "function f(w) {\n  return v;\n}"
    more = text.replace("}", "}}")
    less = text.replace("}", "")
    for before in ("", "const a = ;\n\n", "const b = (1;\n"):
        for behind in ("\n\nfunction g() {\n  return 1;\n}\n", "\n\nconst c = [;\n"):
            assert adds(before, text, more, behind, "typescript", "x.ts"), (before, behind)
            assert adds(before, text, less, behind, "typescript", "x.ts"), (before, behind)
            assert not adds(before, text, text.replace("v", "w"), behind, "typescript", "x.ts")


def test_a_method_that_does_not_parse_alone():
    before = "class A {\n  public int one() { return 1 +; }\n\n  "
    code = "public int two(int w) {\n    return v;\n  }"
    behind = "\n}\n"
    assert not adds(before, code, code.replace("v;", "w;"), behind, "java", "A.java")
    assert adds(before, code, code.replace("v;", "(w;"), behind, "java", "A.java")


def test_a_language_that_is_not_known_has_no_errors():
    assert not adds("(", CODE, WORSE, "", "klingon", "x.tlh")
