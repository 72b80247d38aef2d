"""The lexical scan: what a text leaves open, what it closes, where it ends."""

from __future__ import annotations

import pytest

from lsp_server.completion.syntax import LANGUAGES, Region, Scan, language_named, scan


def read(text: str, language_id: str = "python", inside: str = "") -> Scan:
    return scan(text, language_named(language_id), inside)


@pytest.mark.parametrize(
    ("language_id", "text", "openers"),
    [
        ("python", "foo(a, [b, {c", "([{"),
        ("python", "foo(a, [b])", ""),
        ("python", "foo('(', \"[\", # {", "("),
        ("python", 'x = """(\n[""" + (', "("),
        ("python", r"x = '\'(' + [", "["),
        ("python", "it's (broken\nbut here: [", "["),
        ("javascript", "f(`a ${(`, {", "({"),
        ("javascript", "// {\n/* ( */ [", "["),
        ("rust", "fn f<'a>(x: &'a str) { '(' ", "{"),
        ("rust", r"match c { '\'' => {", "{{"),
        ("go", 'x := "(" + `[` + f(', "("),
        ("plaintext", "(((", ""),
        ("never heard of", "(((", ""),
    ],
)
def test_what_is_left_open(language_id: str, text: str, openers: str) -> None:
    assert read(text, language_id).openers == openers


@pytest.mark.parametrize(
    ("language_id", "text", "region", "delimiter"),
    [
        ("python", "x = 1", Region.CODE, ""),
        ("python", "x = 1  # and", Region.COMMENT, "#"),
        ("python", "# and\n", Region.CODE, ""),
        ("python", "x = 'ab", Region.STRING, "'"),
        ("python", "x = 'ab\n", Region.CODE, ""),
        ("python", 'def f():\n    """Text\n\n', Region.STRING, '"""'),
        ("python", 'def f():\n    """Text"""', Region.CODE, ""),
        ("python", '"""a\\', Region.STRING, '"""'),
        ("python", "'a\\", Region.STRING, "'"),
        ("javascript", "/** x\n * y", Region.COMMENT, "/*"),
        ("javascript", "x = 'http://a'; y = `b", Region.STRING, "`"),
        ("html", "<!-- a", Region.COMMENT, "<!--"),
        ("html", "<p>don't", Region.CODE, ""),
    ],
)
def test_where_it_ends(language_id: str, text: str, region: Region, delimiter: str) -> None:
    found = read(text, language_id)
    assert (found.region, found.delimiter) == (region, delimiter)


def test_closers_without_openers_are_counted_where_they_stand() -> None:
    found = read("a) + [b]}")
    assert [(closer.character, closer.offset) for closer in found.closers] == [(")", 1), ("}", 8)]


def test_an_opener_left_open_inside_ends_with_the_outer_one() -> None:
    assert read("f(x[1)").is_neutral


def test_text_that_begins_inside_of_a_string() -> None:
    found = read("ab(', (x)", inside="'")
    assert found.resumed_at == 4
    assert found.is_neutral
    assert not found.closers


@pytest.mark.parametrize("language_id", LANGUAGES)
def test_every_language_reads_any_line(language_id: str) -> None:
    found = read('<!-- /* ( " \' ` """ # // -- \\\n' * 3, language_id)
    assert isinstance(found, Scan)


@pytest.mark.parametrize(
    ("language_id", "line", "opens"),
    [
        ("python", "if x:", True),
        ("python", "if x:  ", True),
        ("python", "x = 1", False),
        ("c", "int main() {", True),
        ("lua", "for i = 1, 2 do", True),
        ("lua", "undo", False),
    ],
)
def test_lines_that_open_a_block(language_id: str, line: str, opens: bool) -> None:
    assert language_named(language_id).opens_block(line) is opens


def test_words_that_close_a_block_are_whole_words() -> None:
    ruby = language_named("ruby")
    assert ruby.closes_block("  end")
    assert not ruby.closes_block("  endless = 1")
