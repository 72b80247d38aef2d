"""Echoes: the first half of a row said twice, lines in order or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.lab.echo import add_echoes, echo_row, shuffle_lines
from model.lab.samples import CONTEXT

NEWLINE = 1


def test_an_echo_says_the_same_tokens_again() -> None:
    row = np.array([5, 6, 1, 7, 1, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2], np.uint16)
    for seed in range(10):
        echo = echo_row(row, NEWLINE, np.random.default_rng(seed))
        assert len(echo) == len(row)
        assert (echo[:8] == row[:8]).all()
        assert sorted(echo[8:16]) == sorted(row[:8])


def test_lines_stay_whole() -> None:
    lines = shuffle_lines(np.array([5, 6, 1, 7, 1, 8, 9], np.uint16), NEWLINE, np.random.default_rng(3))
    text = "".join(map(str, lines.tolist()))
    assert all(line in text for line in ("561", "71", "89"))


def test_only_a_share_of_the_later_rows_changes(tmp_path: Path) -> None:
    ids = np.arange(40 * 9, dtype=np.uint16).reshape(40, 9)
    np.savez(tmp_path / "rows.npz", ids=ids, kinds=np.zeros((40, 9), np.uint8))
    n_echoes = add_echoes(tmp_path / "rows.npz", tmp_path / "out.npz", NEWLINE, rate=0.5, first=20, seed=1)
    with np.load(tmp_path / "out.npz") as made:
        changed = (made["ids"] != ids).any(axis=1)
        assert changed.sum() == n_echoes > 0
        assert not changed[:20].any()
        assert (made["kinds"][changed, 4:] == CONTEXT).all()
