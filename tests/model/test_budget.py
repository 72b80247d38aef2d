"""Sharing a budget: never more than the room, the near prefix first, a start that stays put."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from model.budget import (
    SNIPPET_SHARE,
    SUFFIX_SHARE,
    Need,
    Plan,
    choose,
    count_fitting,
    pick_start,
    share,
    step,
)

counts = st.lists(st.integers(0, 60), max_size=80)


def lines_of(numbers: Sequence[int]) -> list[str]:
    return [f"{'    ' if index % 5 else ''}line {index}\n" for index, _ in enumerate(numbers)]


def used(need: Need, plan: Plan) -> tuple[int, int, int]:
    return (
        sum(need.prefix_counts[plan.start :]),
        sum(need.suffix_counts[: plan.n_suffix]),
        sum(need.snippet_counts[index] for index in plan.snippets),
    )


@given(counts, counts, counts, st.integers(1, 2000), st.integers(1, 64))
def test_never_more_than_the_room(
    prefix: list[int], suffix: list[int], snippets: list[int], room: int, size: int
) -> None:
    need = Need(lines_of(prefix), prefix, suffix, snippets)
    plan = share(need, room, size)
    assert sum(used(need, plan)) <= room
    assert list(plan.snippets) == sorted(set(plan.snippets))


@given(counts, counts, counts, st.integers(1, 2000))
def test_what_is_cut_leaves_the_others_their_shares(
    prefix: list[int], suffix: list[int], snippets: list[int], room: int
) -> None:
    need = Need(lines_of(prefix), prefix, suffix, snippets)
    plan = share(need, room, 1)
    if plan.start > 0:
        _, n_suffix, n_snippets = used(need, plan)
        assert n_suffix <= room * SUFFIX_SHARE
        assert n_snippets <= room * SNIPPET_SHARE


def test_everything_is_shown_when_it_fits() -> None:
    need = Need(lines_of([9] * 10), [9] * 10, [9] * 10, [9] * 10)
    assert share(need, 270, 1) == Plan(0, 10, tuple(range(10)))


def test_what_a_short_prefix_leaves_flows_on() -> None:
    need = Need(["x\n"], [10], [10] * 100, [300, 300])
    plan = share(need, 1000, 1)
    assert plan.snippets == (0,)
    assert used(need, plan) == (10, 690, 300)


def test_a_whole_prefix_leaves_room_in_steps() -> None:
    """One more token of prefix must not move the end of the suffix."""
    ends = [share(Need(["x\n"], [n], [1] * 2000, []), 1000, 50).n_suffix for n in range(100, 200)]
    assert len(set(ends)) <= 3


def test_the_least_important_snippets_go() -> None:
    assert choose([40, 40, 40], 100) == (0, 1)
    assert choose([400, 40, 40], 100) == (1, 2)


ranked = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=40)


@given(ranked, st.integers(0, 1500), st.integers(1, 64))
def test_ranks_decide_what_goes_and_the_order_stays(
    snippets: list[tuple[int, int]], room: int, size: int
) -> None:
    counts, ranks = [count for count, _ in snippets], [rank for _, rank in snippets]
    chosen = choose(counts, room, ranks, size)
    assert list(chosen) == sorted(set(chosen))
    assert sum(counts[index] for index in chosen) <= room
    left_out = set(range(len(counts))) - set(chosen)
    for index in left_out:
        before = sum(counts[other] for other in chosen if ranks[other] <= ranks[index])
        assert before + size + counts[index] > room


def test_what_changes_with_the_cursor_does_not_move_what_does_not() -> None:
    """Rank 0 may take so much or a little more: the others are the same."""
    counts = [30] * 20
    chosen = {choose([*counts, first], 500, [*range(1, 21), 0], 100)[:-1] for first in range(1, 101)}
    assert len(chosen) == 1


def test_a_line_later_a_long_prompt_shows_the_same_of_the_workspace() -> None:
    """What is above the cursor, below it and found for it takes its turn within one step."""
    room, bulk = 131_072, [700] * 200

    def workspace(n_above: int, n_below: int, n_found: int) -> tuple[int, ...]:
        need = Need(
            lines_of([10] * n_above),
            [10] * n_above,
            [10] * n_below,
            [*bulk, *[20] * n_found],
            [*range(1, len(bulk) + 1), *[0] * n_found],
        )
        plan = share(need, room, step(room))
        assert sum(used(need, plan)) <= room
        assert [index for index in plan.snippets if index >= len(bulk)] == [
            len(bulk) + n for n in range(n_found)
        ]
        return tuple(index for index in plan.snippets if index < len(bulk))

    shown = {workspace(above, 170, found) for above in range(0, 230, 10) for found in (0, 1, 30, 66)}
    assert len(shown) == 1
    assert sum(bulk[index] for index in shown.pop()) > 0.95 * room


@given(counts, counts, st.integers(1, 400), st.integers(1, 2000))
def test_never_more_context_than_was_asked_for(
    prefix: list[int], snippets: list[int], context: int, room: int
) -> None:
    need = Need(lines_of(prefix), prefix, [], snippets, context_tokens=context)
    plan = share(need, room, 1)
    assert used(need, plan)[2] <= context
    assert sum(used(need, plan)) <= room


def test_count_fitting() -> None:
    assert [count_fitting([3, 3, 3], room) for room in (2, 3, 8, 9, 99)] == [0, 1, 2, 3, 3]


def test_a_start_is_the_start_of_a_definition() -> None:
    lines = ["def f():\n", *["    x = 1\n"] * 20, "def g():\n", *["    y = 1\n"] * 20]
    start = pick_start(lines, [5] * len(lines), 5 * 25)
    assert lines[start] == "def g():\n"


def test_the_start_stays_put_while_text_grows() -> None:
    lines = [f"    value_{index} = {index * 7919 % 1000}\n" for index in range(400)]
    starts = [pick_start(lines[:end], [8] * end, 800) for end in range(200, 400)]
    assert all(start <= later for start, later in pairwise(starts))
    assert sum(start != later for start, later in pairwise(starts)) <= 20
    assert all(8 * (end - start) >= 800 * 0.7 for end, start in zip(range(200, 400), starts, strict=True))


def test_the_start_outlives_an_edit_above_it() -> None:
    lines = [f"    value_{index} = {index * 7919 % 1000}\n" for index in range(200)]
    kept = lines[pick_start(lines, [8] * 200, 800) :]
    more = ["import os\n", *lines]
    assert more[pick_start(more, [8] * 201, 800) :] == kept


def test_nothing_fits() -> None:
    assert pick_start(["long line\n"], [50], 10) == 1
    assert share(Need(["long\n"], [50], [50], [50]), 10, 1) == Plan(1, 0, ())


def test_what_moves_from_the_window_to_the_far_parts_changes_nothing_else() -> None:
    workspace, ranks = [300] * 10, [*range(1, 11), -1]
    before = choose([*workspace, 900], 4000, ranks, 250, around=450)
    after = choose([*workspace, 1100], 4000, ranks, 250, around=250)
    assert before == after
    assert len(before) < 11
