"""What two sequences have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.sequences import count_common

IDS = st.lists(st.integers(0, 2), max_size=40)


@pytest.mark.parametrize(
    ("left", "right", "n"),
    [("", "a", 0), ("abc", "abd", 2), ("ab", "abc", 2), (b"ab", b"ab", 2), ([1, 2], (1, 2, 3), 2)],
)
def test_common_beginning(left: str, right: str, n: int) -> None:
    assert count_common(left, right) == n


@given(IDS, IDS, IDS)
def test_the_rest_is_none_of_it(begun: list[int], left: list[int], right: list[int]) -> None:
    n = count_common(begun + left, tuple(begun + right))
    assert n >= len(begun)
    assert (begun + left)[:n] == (begun + right)[:n]
    assert (begun + left)[n : n + 1] != (begun + right)[n : n + 1] or n == len(begun + left)
