"""Documents under edits, and what a snapshot says of where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.documents import (
    MAX_KEPT_CHARS,
    Edit,
    Place,
    find_change,
    open_document,
    relative_path,
    take_snapshot,
)
from lsp_server.text import PositionEncoding, TextBuffer
from lsp_server.types import Change
from tests.lsp_server.test_text import ENCODINGS, reference_offset, texts

places = st.builds(Place, st.integers(0, 6), st.integers(0, 10))
edits = st.one_of(st.builds(Edit, texts), st.builds(Edit, texts, places, places))


@given(texts, st.lists(edits, max_size=6), st.sampled_from(ENCODINGS))
def test_edits_of_any_encoding_against_a_reference(text, changes, encoding):
    document = open_document("file:///a.py", "python", 1, text)
    expected = TextBuffer.of(text).text
    for edit in changes:
        new = TextBuffer.of(edit.text).text
        if edit.start is None or edit.end is None:
            expected = new
            continue
        found = [reference_offset(expected, p.line, p.character, encoding) for p in (edit.start, edit.end)]
        start, end = sorted(len(expected) if offset is None else offset for offset in found)
        expected = expected[:start] + new + expected[end:]
    edited = document.edited(changes, 2, encoding)
    assert edited.buffer == TextBuffer.of(expected)
    assert edited.version == 2
    assert document.buffer == TextBuffer.of(text), "an edit makes a new document"


def test_of_a_huge_document_nothing_is_kept_until_it_is_replaced():
    huge = open_document("file:///a.py", "python", 1, "x" * (MAX_KEPT_CHARS + 1))
    assert huge.buffer is None
    still_huge = huge.edited([Edit("y", Place(0, 0), Place(0, 1))], 2, PositionEncoding.UTF16)
    assert still_huge.buffer is None
    small = still_huge.edited([Edit("small")], 3, PositionEncoding.UTF16)
    assert small.buffer == TextBuffer.of("small")


def test_a_document_that_grows_huge_is_not_kept():
    document = open_document("file:///a.py", "python", 1, "x" * MAX_KEPT_CHARS)
    assert document.buffer is not None
    assert document.edited([Edit("x", Place(0, 0), Place(0, 0))], 2, PositionEncoding.UTF16).buffer is None


def test_a_snapshot_stands_in_the_innermost_folder():
    document = open_document("file:///w/inner/pkg/a.py", "python", 7, "text")
    snapshot = take_snapshot(document, ["/w", "/w/inner", "/w/inn", "/other"])
    assert (snapshot.workspace_root, snapshot.relative_path) == ("/w/inner", "pkg/a.py")
    assert (snapshot.path, snapshot.version, snapshot.text) == ("/w/inner/pkg/a.py", 7, "text")


def test_outside_of_every_folder_only_the_name_is_shown():
    assert relative_path("/elsewhere/secret/a.py", "") == "a.py"
    snapshot = take_snapshot(open_document("untitled:1", "python", 1, ""), ["/w"])
    assert (snapshot.path, snapshot.workspace_root, snapshot.relative_path) == ("", "", "")


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit("x", Place(1, 0), Place(1, 0))], Change(4, 0, "x")),
        ([Edit("", Place(0, 1), Place(1, 1))], Change(1, 4, "")),
        ([Edit("", Place(1, 1), Place(0, 1))], Change(1, 4, "")),
        ([Edit("all of it")], None),
        ([Edit("x", Place(0, 0), Place(0, 0)), Edit("x", Place(1, 0), Place(1, 0))], None),
        ([], None),
    ],
)
def test_one_change_in_one_place(edits: list[Edit], expected: Change | None) -> None:
    document = open_document("file:///a", "python", 1, "one\ntwo")
    assert find_change(document, edits, PositionEncoding.UTF16) == expected
