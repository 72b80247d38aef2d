"""What the demo draws: ghost text exactly at the cursor, with and without colours."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lsp_server.demo.screen import Frame, Typing, draw_comparison, draw_frame, draw_latencies, percentile

TEXT = "import os\n\n\ndef f(a: int) -> int:\n    return \n\n\nf(1)\n"


def _drawn(item, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(item)
    return out.getvalue()


def _frame(ghost: str, author: str = "return a * 2", text: str = TEXT, at: str = "return ") -> Frame:
    return Frame("rest of a line", "a.py", text, text.index(at) + len(at), "return ", ghost, author, 12.4)


def test_ghost_text_stands_at_the_cursor() -> None:
    shown = _drawn(draw_frame(_frame("a + 1"), is_plain=True))
    assert "   5     return ▏‹a + 1›\n" in shown
    assert "   4 def f(a: int) -> int:\n" in shown
    assert "12 ms" in shown


def test_without_a_suggestion_it_says_so() -> None:
    assert "nothing suggested" in _drawn(draw_frame(_frame(""), is_plain=True))


def test_a_panel_for_a_terminal_holds_the_same_line() -> None:
    assert "return ▏a + 1" in _drawn(draw_frame(_frame("a + 1"), is_plain=False))


def test_a_suggestion_of_several_lines_pushes_the_rest_down() -> None:
    shown = _drawn(draw_frame(_frame("(\n        a\n    )"), is_plain=True))
    lines = [line[5:] for line in shown.splitlines() if line[:4].strip().isdigit()]
    assert lines[4:7] == ["    return ▏‹(", "        a", "    )›"]


def test_cursor_at_the_very_end_and_in_an_empty_file() -> None:
    assert "▏‹x›" in _drawn(draw_frame(Frame("t", "a.py", "", 0, "", "x", "x", 1.0), is_plain=True))
    text = "a = 1\nb"
    assert "   2 b▏‹ = 2›" in _drawn(
        draw_frame(Frame("t", "a.py", text, len(text), "b", " = 2", "b = 2", 1.0), is_plain=True)
    )


def test_latencies_have_every_request_and_the_quantiles_of_all() -> None:
    typings = [Typing("one", "re", (10.0, 20.0), 1), Typing("two", "x\n", (30.0,), 0)]
    shown = _drawn(draw_latencies(typings))
    assert "10 20" in shown
    assert "x\\n" in shown
    assert "3 requests" in shown


def test_percentiles_are_measured_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 50) == 50
    assert percentile(values, 95) == 95
    assert percentile([7.0], 95) == 7
    assert percentile([], 50) == 0


def test_another_suggestion_than_the_author_s_is_shown_with_what_the_author_wrote() -> None:
    frame = _frame("a + 1", author="return a * 2\nmore\nstill more")
    assert not frame.is_wanted
    assert "file itself says: return a * 2  (+2 more lines)" in draw_comparison(frame).plain


@pytest.mark.parametrize(
    ("ghost", "author", "is_wanted"),
    [
        ("a * 2", "return a * 2", True),
        ("a * 2", "return a * 2\n    x", True),
        ("a *", "return a * 2", False),
        ("a * 2 + 1", "return a * 2", False),
        ("", "return a * 2", False),
    ],
)
def test_a_suggestion_is_wanted_when_it_is_the_rest_of_the_line(
    ghost: str, author: str, is_wanted: bool
) -> None:
    frame = _frame(ghost, author)
    assert frame.is_wanted == is_wanted
    assert ("Tab saves 5 of" in draw_comparison(frame).plain) == is_wanted
