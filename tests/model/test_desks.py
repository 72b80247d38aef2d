"""Desks: a prompt goes where its beginning is."""

from __future__ import annotations

from collections.abc import Sequence

from model.desks import Desks
from model.slots import ANY_SLOT

HERE, THERE, ELSEWHERE, FURTHER = (tuple(range(start, start + 100)) for start in (0, 1000, 2000, 3000))


def post(desks: Desks, ids: Sequence[int], slots: Sequence[int] = (0, 1, 2)) -> int:
    slot = desks.choose(ids, slots)
    desks.note(slot, ids)
    return slot


def test_what_is_typed_stays_in_its_slot() -> None:
    desks = Desks()
    assert [post(desks, HERE[:n]) for n in (50, 51, 60, 58, 100)] == [0] * 5


def test_who_turns_back_finds_the_slot_again() -> None:
    desks = Desks()
    assert [post(desks, ids) for ids in (HERE, THERE, ELSEWHERE)] == [0, 1, 2]
    assert [post(desks, ids) for ids in (THERE, HERE, (*ELSEWHERE[:80], *HERE))] == [1, 0, 2]


def test_the_slot_that_was_used_longest_ago_is_taken() -> None:
    desks = Desks()
    for ids in (HERE, THERE, ELSEWHERE, HERE):
        post(desks, ids)
    assert post(desks, FURTHER) == 1


def test_one_slot_is_for_all_and_none_is_any() -> None:
    desks = Desks()
    assert [post(desks, ids, [2]) for ids in (HERE, THERE)] == [2, 2]
    assert post(desks, HERE, []) == ANY_SLOT


def test_what_was_borrowed_and_given_back_is_used_no_more() -> None:
    desks = Desks()
    assert [post(desks, ids) for ids in (HERE, THERE)] == [0, 1]
    assert post(desks, THERE, (0, 2)) == 2
