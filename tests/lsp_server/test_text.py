"""Offsets, positions, lines: against a model that counts character by character."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server import text as t
from lsp_server.text import PositionEncoding, TextBuffer
from lsp_server.types import Span

ENCODINGS = list(PositionEncoding)
# Line ends, what only str.splitlines takes for one, one to four bytes in UTF-8, a lone surrogate.
ALPHABET = "ab \t\n\r\x0b\x0c\x85\u2028\u00e9\u20ac\U0001f600\ud800"
texts = st.text(ALPHABET, max_size=40)


def reference_lines(text: str) -> list[str]:
    """Every line with its line end; the last one has none."""
    return [*re.findall(r"[^\r\n]*(?:\r\n|\n|\r)", text), re.split(r"\r\n|\n|\r", text)[-1]]


def reference_units(char: str, encoding: PositionEncoding) -> int:
    code = ord(char)
    if encoding is PositionEncoding.UTF8:
        return 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
    return 2 if encoding is PositionEncoding.UTF16 and code > 0xFFFF else 1


def reference_offset(text: str, line: int, character: int, encoding: PositionEncoding) -> int | None:
    lines = reference_lines(text)
    if not 0 <= line < len(lines):
        return None
    offset, seen = sum(map(len, lines[:line])), 0
    for char in lines[line].rstrip("\r\n"):
        seen += reference_units(char, encoding)
        if seen > character:
            break
        offset += 1
    return offset


@given(texts, st.integers(0, 8), st.integers(0, 12), st.sampled_from(ENCODINGS))
def test_offset_of_any_position(text, line, character, encoding):
    buffer = TextBuffer.of(text)
    expected = reference_offset(buffer.text, line, character, encoding)
    assert buffer.offset_at(line, character, encoding) == expected


@given(texts, st.data(), st.sampled_from(ENCODINGS))
def test_position_and_back(text, data, encoding):
    buffer = TextBuffer.of(text)
    offset = data.draw(st.integers(0, len(buffer.text)))
    line, character = buffer.position_at(offset, encoding)
    is_between_cr_and_lf = buffer.text[max(offset - 1, 0) : offset + 1] == "\r\n"
    assert buffer.offset_at(line, character, encoding) == offset - is_between_cr_and_lf


@given(texts)
def test_lines_are_those_of_the_protocol(text):
    buffer = TextBuffer.of(text)
    assert list(t.lines(buffer.text)) == reference_lines(buffer.text)
    assert buffer.n_lines == len(reference_lines(buffer.text))


@given(texts, st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), texts), max_size=8))
def test_any_edits_give_the_buffer_of_the_edited_text(text, edits):
    buffer = TextBuffer.of(text)
    plain = buffer.text
    for one, other, new in edits:
        start, end = sorted((min(one, len(plain)), min(other, len(plain))))
        plain = plain[:start] + t.without_lone_surrogates(new) + plain[end:]
        buffer = buffer.replaced(Span(start, end), new)
        assert buffer == TextBuffer.of(plain)


@given(texts, st.sampled_from(ENCODINGS))
def test_a_lone_surrogate_is_replaced_by_something_as_long(text, encoding):
    clean = t.without_lone_surrogates(text)
    clean.encode()
    assert len(clean) == len(text)
    assert sum(reference_units(char, encoding) for char in text) == t.n_units(clean, encoding)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\r\nb\nc", "\r\n"), ("a\nb\r\n", "\n"), ("a\rb", "\r"), ("abc", "\n"), ("a\u2028b", "\n")],
)
def test_line_end_of_a_document(text, expected):
    assert t.line_end_of(text) == expected


@given(texts, st.sampled_from(["\n", "\r\n", "\r"]))
def test_lf_and_back(text, line_end):
    lf = t.to_lf(text)
    assert "\r" not in lf
    assert t.to_lf(t.from_lf(lf, line_end)) == lf


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ntext", False),
        ("", False),
        ("a\0b", True),
        ("\ufffd" * 5 + "abc", True),
        ("one \ufffd in a long enough text", False),
    ],
)
def test_what_is_no_text(text, expected):
    assert t.is_binary(text) is expected


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.py", "/a/b c.py"),
        ("FILE:///a.py", "/a.py"),
        ("file://localhost/a.py", "/a.py"),
        ("file://server/share/a.py", "//server/share/a.py"),
        ("file:///a.py?query#fragment", "/a.py"),
        ("file:///a%00b.py", ""),
        ("file:///%ed%a0%80.py", "/\ufffd\ufffd\ufffd.py"),
        ("untitled:Untitled-1", ""),
        ("file:relative.py", ""),
        ("", ""),
    ],
)
def test_path_of_a_uri(uri, path):
    assert t.path_of_uri(uri) == path


@pytest.mark.parametrize(
    ("path", "language_id", "expected"),
    [
        ("/x/a.py", "", "python"),
        ("/x/a.PY", "", "python"),
        ("a.b/Makefile", "", "plaintext"),
        ("C:\\x.py\\a.rs", "", "rust"),
        ("a.py", "plaintext", "plaintext"),
    ],
)
def test_language_of_a_file(path, language_id, expected):
    assert t.language_of(path, language_id) == expected
