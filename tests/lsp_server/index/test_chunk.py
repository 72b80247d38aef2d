"""Chunks cover a text without a gap, and are found by their words."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.chunk import cut, match_all, match_any, match_name, words_in
from lsp_server.index.schema import statements

texts = st.text(alphabet=st.sampled_from("ab_C1é.\n\t (\ud800\U0001f600"), max_size=200).map(lambda s: s * 40)


@given(texts, st.lists(st.integers(0, 8000)).map(sorted))
def test_chunks_cover_the_text(text: str, definitions: list[int]) -> None:
    spans = list(cut(text, definitions))
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert [span.line for span in spans] == [text.count("\n", 0, span.start) for span in spans]


def test_chunk_ends_where_a_definition_begins() -> None:
    body = "    x = 1\n" * 120
    text = f"def f():\n{body}def g():\n{body}"
    starts = [0, text.index("def g")]
    assert starts[1] in {span.start for span in cut(text, starts)}
    assert max(span.end - span.start for span in cut(text, starts)) < 2000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("readFile", "readfile read file"),
        ("read_file(HTTPServer)", "read_file read file httpserver http server"),
        ("x = 12 + a1", "x a1"),
        ("größe.über", "größe über"),
        ("z" * 65, ""),
    ],
)
def test_words(text: str, words: str) -> None:
    assert set(words_in(text).split()) == set(words.split())


def test_words_are_found_best_first_and_forgotten() -> None:
    connection = sqlite3.connect(":memory:")
    for statement in statements():
        connection.execute(statement)
    chunks = [
        "def read_file(path): return open(path)",
        "class HttpServer: pass",
        "def write_file(path): pass",
    ]
    rows = [(number, words_in(chunk)) for number, chunk in enumerate(chunks)]
    connection.executemany("INSERT INTO terms(rowid, words) VALUES(?, ?)", rows)

    def search(query: str) -> list[int]:
        sql = "SELECT rowid FROM terms WHERE terms MATCH ? ORDER BY bm25(terms), rowid"
        return [number for (number,) in connection.execute(sql, (query,))]

    assert search(match_any(["readFile", "open"]))[0] == 0
    assert search(match_all(["httpServer"])) == [1]
    assert search(match_name("write_file")) == [2]
    connection.executemany("INSERT INTO terms(terms, rowid, words) VALUES('delete', ?, ?)", rows[:2])
    assert search(match_any(["readFile", "HttpServer", "path"])) == [2]
    connection.execute("INSERT INTO terms(terms) VALUES('integrity-check')")


@given(st.lists(st.text(), max_size=5))
def test_no_word_is_read_as_a_query(words: list[str]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE terms USING fts5(words)")
    for query in (match_any(words), match_all(words), match_name(" ".join(words))):
        if query:
            encoded = query.encode("utf-8", "ignore").decode()
            assert connection.execute("SELECT * FROM terms WHERE terms MATCH ?", (encoded,)).fetchall() == []
