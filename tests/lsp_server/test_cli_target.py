"""Places on a command line: parsed from the right, 1-based, in characters; bad ones are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.commands.failure import BadArgument
from lsp_server.commands.target import (
    LineRange,
    Point,
    find_offset,
    find_span,
    parse_point,
    parse_range,
    place_of,
    read_source,
)
from lsp_server.types import Span


@pytest.mark.parametrize(
    ("argument", "path", "line", "column"),
    [
        ("a.py:3:4", "a.py", 3, 4),
        ("C:\\x.py:3:4", "C:\\x.py", 3, 4),
        ("odd:name:7:1:2", "odd:name:7", 1, 2),
        ("with space.py:10:1", "with space.py", 10, 1),
        ("two\nlines.py:1:1", "two\nlines.py", 1, 1),
    ],
)
def test_point_is_parsed_from_the_right(argument: str, path: str, line: int, column: int) -> None:
    assert parse_point(argument) == Point(Path(path), line, column)


@pytest.mark.parametrize(
    "argument", ["", "a.py", "a.py:3", "a.py:x:1", "a.py:1:-2", "a.py:1:", ":1:1", "a.py:0:1", "a.py:1:0"]
)
def test_bad_point_is_refused_in_one_sentence(argument: str) -> None:
    with pytest.raises(BadArgument) as refused:
        parse_point(argument)
    assert argument in str(refused.value)
    assert "\n" not in str(refused.value)


def test_number_of_ten_thousand_digits_is_no_crash() -> None:
    point = parse_point(f"a.py:{'9' * 10_000}:1")
    with pytest.raises(BadArgument, match="LINE must be at most that"):
        find_offset("x\n", point)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a.py", LineRange(Path("a.py"), None, None)),
        ("a.py:5", LineRange(Path("a.py"), 5, 5)),
        ("a.py:5-9", LineRange(Path("a.py"), 5, 9)),
        ("a.py:5:17", LineRange(Path("a.py"), 5, 5)),
        ("C:\\x.py", LineRange(Path("C:\\x.py"), None, None)),
        ("C:\\x.py:2-3", LineRange(Path("C:\\x.py"), 2, 3)),
    ],
)
def test_range(argument: str, expected: LineRange) -> None:
    assert parse_range(argument) == expected


def test_a_file_whose_name_looks_like_a_range_is_that_file(tmp_path: Path) -> None:
    odd = tmp_path / "notes:12"
    odd.write_text("x\n", encoding="utf-8")
    assert parse_range(str(odd)) == LineRange(odd, None, None)


@pytest.mark.parametrize("argument", ["", "a.py:9-5", "a.py:0", "a.py:0-3"])
def test_bad_range_is_refused(argument: str) -> None:
    with pytest.raises(BadArgument):
        parse_range(argument)


def test_columns_count_characters_also_after_an_astral_one() -> None:
    text = "# 🦊é\r\nx = 1"
    assert find_offset(text, Point(Path("a.py"), 1, 4)) == 3
    assert find_offset(text, Point(Path("a.py"), 1, 5)) == 4
    assert text[find_offset(text, Point(Path("a.py"), 2, 1)) :] == "x = 1"


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [(3, 1, "has 2 lines"), (1, 5, "has 3 characters"), (2, 2, "has 0 characters")],
)
def test_place_beyond_the_text_is_refused_with_what_is_there(line: int, column: int, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        find_offset("abc\n", Point(Path("a.py"), line, column))


def test_span_of_lines_and_of_the_whole_file() -> None:
    text = "one\ntwo\nthree\n"
    span = find_span(text, LineRange(Path("a"), 1, 2))
    assert text[span.start : span.end] == "one\ntwo"
    assert find_span(text, LineRange(Path("a"), None, None)) == Span(0, len(text))
    assert find_span("  x\n", LineRange(Path("a"), 1, 1)) == Span(2, 2)


@given(st.text(alphabet="ab\n\r 🦊\u2028\x0c", max_size=60), st.data())
def test_place_of_is_the_inverse_of_find_offset(text: str, data: st.DataObject) -> None:
    line = data.draw(st.integers(1, 60))
    column = data.draw(st.integers(1, 60))
    try:
        offset = find_offset(text, Point(Path("a"), line, column))
    except BadArgument:
        return
    assert place_of(text, offset) == {"line": line, "col": column}


def test_line_ends_and_other_encodings_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_bytes("name = 'é'\r\n".encode("latin-1"))
    assert read_source(path) == "name = 'é'\r\n"


def _refusal_of(path: Path) -> str:
    with pytest.raises(BadArgument) as refused:
        read_source(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "a.bin"
    binary.write_bytes(b"\x7fELF\0\0")
    assert "binary" in _refusal_of(binary)
    assert "folder" in _refusal_of(tmp_path)
    assert "no file" in _refusal_of(tmp_path / "missing.py")
    assert "cannot be read" in _refusal_of(binary / "below.py")
    assert "cannot be read" in _refusal_of(Path("x" * 5000))


def test_a_device_is_not_read_for_ever() -> None:
    assert "not an ordinary file" in _refusal_of(Path(os.devnull))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.py"
    with path.open("wb") as file:
        file.truncate(80 * 1024 * 1024)
    assert "too large" in _refusal_of(path)
