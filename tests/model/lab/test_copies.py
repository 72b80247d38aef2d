"""Rows that copy from snippets: what is marked is named by a snippet, and only where it first stands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.lab.copies import Copying, build_copies, first_mentions, mark_copies, piece_starts
from model.lab.samples import COPIED, NO_LOSS, SNIPPET
from model.lab.tokenizer import Tokenizer

SHELF = """def open_shelf(path):
    return path


def count_books(shelf):
    return 1


class BookError:
    pass
"""
USER = """from shop.shelf import open_shelf, count_books, BookError


def report(path):
    shelf = open_shelf(path)
    if count_books(shelf) == 0:
        raise BookError(path)
    return count_books(shelf)
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    files = (("shop/shelf.py", SHELF), ("shop/report.py", USER))
    path.write_text(
        "".join(
            json.dumps({"package": "shop", "path": name, "language": "python", "text": text}) + "\n"
            for name, text in files
        )
    )
    return path


def build(corpus: Path, tokenizer_path: Path, *, is_told: bool) -> tuple[list[int], list[int]]:
    """The one row that this corpus gives."""
    out = corpus.with_name("rows.npz")
    build_copies(corpus, tokenizer_path, Copying(n_time=320, is_told=is_told), out, n_workers=1)
    with np.load(out) as made:
        assert made["ids"].shape == made["kinds"].shape == (1, 321)
        return made["ids"][0].tolist(), made["kinds"][0].tolist()


def test_pieces_begin_where_their_text_does(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(USER)
    starts = piece_starts(tokenizer, ids)
    assert len(starts) == len(ids)
    for number in (1, 10, len(ids) - 3):
        assert tokenizer.decode(ids[:number]) == USER[: starts[number]]


def test_a_name_is_marked_where_it_first_stands(tokenizer: Tokenizer) -> None:
    spans = first_mentions(USER, frozenset({"count_books", "nobody"}))
    assert [USER[start:end] for start, end in spans] == ["count_books"]
    ids = tokenizer.encode(USER)
    kinds = mark_copies(tokenizer, USER, ids, spans)
    marked = tokenizer.decode([i for i, kind in zip(ids, kinds, strict=True) if kind == COPIED])
    assert "count_books" in marked
    assert len(marked) <= len("count_books") + 12


def test_a_row_tells_the_names_before_they_are_used(corpus: Path, tokenizer_path: Path) -> None:
    ids, kinds = build(corpus, tokenizer_path, is_told=True)
    tokenizer = Tokenizer(tokenizer_path)
    told = tokenizer.decode([i for i, kind in zip(ids, kinds, strict=True) if kind == SNIPPET])
    copied = tokenizer.decode([i for i, kind in zip(ids, kinds, strict=True) if kind == COPIED])
    for name in ("open_shelf", "count_books", "BookError"):
        assert name in told
        assert name in copied
    assert max(i for i, kind in enumerate(kinds) if kind == SNIPPET) < kinds.index(COPIED)
    assert all(kind == NO_LOSS for i, kind in zip(ids, kinds, strict=True) if i == tokenizer.pad)


def test_untold_rows_have_the_same_targets_without_the_snippets(corpus: Path, tokenizer_path: Path) -> None:
    told, untold = (build(corpus, tokenizer_path, is_told=flag) for flag in (True, False))
    targets = [[i for i, kind in zip(*row, strict=True) if kind == COPIED] for row in (told, untold)]
    assert targets[0] == targets[1] != []
    tokenizer = Tokenizer(tokenizer_path)
    assert tokenizer.decode(untold[0]).count("open_shelf") < tokenizer.decode(told[0]).count("open_shelf")
