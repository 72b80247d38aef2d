"""Which edits are keystrokes, and where they leave the cursor."""

from __future__ import annotations

import pytest

from lsp_server.completion.keystroke import MAX_TYPED_CHARS, N_REMEMBERED, History, Quiet, cursor_after
from lsp_server.types import Change


@pytest.mark.parametrize(
    ("before", "change", "expected"),
    [
        ("x =", Change(3, 0, " "), 4),
        ("x = f", Change(5, 0, "o"), 6),
        ("f", Change(1, 0, "()"), 2),
        ("x = ", Change(4, 0, '""'), 5),
        ("if x:", Change(5, 0, "\n    "), 10),
        ("x = fo", Change(5, 1, ""), 5),
        ("self.pri", Change(5, 3, "print"), 10),
        ("", Change(0, 0, "a" * MAX_TYPED_CHARS), MAX_TYPED_CHARS),
        ("", Change(0, 0, "a" * (MAX_TYPED_CHARS + 1)), Quiet.PASTE),
        ("", Change(0, 0, "a\nb"), Quiet.PASTE),
        ("", Change(0, 0, "    "), Quiet.BLANKS),
        ("", Change(0, 0, " "), Quiet.BLANKS),
        ("x = 1", Change(5, 0, "  "), Quiet.BLANKS),
        ("x", None, Quiet.SEVERAL_PLACES),
    ],
)
def test_the_cursor_after_an_edit(before: str, change: Change | None, expected: int | Quiet) -> None:
    after = before
    if change is not None:
        after = before[: change.offset] + change.text + before[change.offset + change.n_removed :]
    assert cursor_after(change, after, was_there=False) == expected


def test_what_brings_an_earlier_state_back_is_an_undo() -> None:
    history = History()
    for text in ("x", "x = f(1)"):
        assert not history.note(text)
    was_there = history.note("x")
    assert cursor_after(Change(1, 7, ""), "x", was_there=was_there) is Quiet.UNDO


def test_one_character_back_is_no_undo() -> None:
    assert cursor_after(Change(1, 1, ""), "x", was_there=True) == 1


def test_few_states_are_remembered() -> None:
    history = History()
    for number in range(N_REMEMBERED + 1):
        history.note(str(number))
    assert not history.note("0")
    assert history.note(str(N_REMEMBERED))
