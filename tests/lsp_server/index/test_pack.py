"""What is packed comes out again; what is no packed thing is nothing."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.languages import language_of
from lsp_server.index.pack import pack, pack_details, unpack_references, unpack_text
from lsp_server.index.parse import parse
from lsp_server.index.schema import TABLES
from tests.lsp_server.index.golden import samples

TEXT = "from os import path as p\nclass Store:\n    def é(self):\n        return self.é(p.join('x'))\n"


def test_everything_comes_back() -> None:
    language = language_of("a.py")
    assert language is not None
    parsed = parse(TEXT, language, "a.py")
    packed = pack(parsed, TEXT)
    assert unpack_text(packed.text) == TEXT
    for name in ("é", "join"):
        expected = [item for item in parsed.references if item.name == name]
        assert unpack_references("a.py", packed.places, TEXT, language, name) == expected != []
    assert {table.name for table in TABLES} == {*packed.rows, "chunks"}
    for table in (table for table in TABLES if table.name in packed.rows):
        assert all(len(row) == len(table.columns) for row in packed.rows[table.name])
    details = pack_details("python", TEXT, parsed.symbols)
    assert details.chunks == [(0, len(TEXT), 0)]
    assert "store" in details.words[0].split()


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.parent.name)
def test_the_references_of_each_name_are_those_of_the_parser(sample: Path) -> None:
    """In every language, whatever a name is written with."""
    language, text = language_of(sample.name), sample.read_text("utf-8")
    assert language is not None
    parsed = parse(text, language, "a")
    packed = pack(parsed, text)
    for name in {item.name for item in parsed.references}:
        expected = [item for item in parsed.references if item.name == name]
        assert unpack_references("a", packed.places, text, language, name) == expected


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    language = language_of("a.py")
    assert language is not None
    packed = pack(parse(text, language, "a.py"), text)
    assert unpack_text(packed.text) == text


@given(st.binary())
def test_rubbish_is_nothing(rubbish: bytes) -> None:
    language = language_of("a.py")
    assert language is not None
    for packed in (rubbish, zlib.compress(rubbish)):
        assert unpack_references("a.py", packed, "f()", language, "f") == []
    assert unpack_text(rubbish) == ""
