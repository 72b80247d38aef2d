"""What of an answer fits into a message."""

from __future__ import annotations

import pytest

from lsp_server.handlers.showing import MAX_CODE_CHARS, MAX_MESSAGE_CHARS, short_text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# `f`\n\nFunction,\n3 lines.\n\n---\n\n_Words._\n", "`f` Function, 3 lines. _Words._"),
        ("# `f`\n\n```python\ndef f():\n\n    pass\n```\n\nIt passes.", "`f` It passes."),
        ("Three lines:\n\n````\n'''F.\n\n```\n'''\n````\n", "Three lines:\n'''F.\n\n```\n'''"),
        ("Three lines:\n\n```\n```\n", "Three lines:"),
        ("Not closed:\n\n```\na", "Not closed: ``` a"),
        ("", ""),
    ],
)
def test_words_and_what_they_announce(markdown: str, text: str) -> None:
    assert short_text(markdown) == text


def test_long_answers_are_cut() -> None:
    assert len(short_text("word " * 1000)) == MAX_MESSAGE_CHARS
    code = "x = 1\n" * MAX_CODE_CHARS
    assert short_text(f"This:\n\n```\n{code}```\n") == "This:"
