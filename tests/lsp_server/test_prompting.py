"""The syntax tree is asked once for each word, and says what it would say at each key."""

from __future__ import annotations

import pytest

from lsp_server.prompting import SyntaxReader, find_syntax

from .completion.scripted import CURSOR, context_at

BEFORE = 'import os\n\n\ndef total(rows):\n    """What they\n    cost."""\n'
TYPED = [
    "    for row in rows:\n        add(row, key='na me')  # all\n    return {row.key: row for row in rows}",
    "    values = [1, 20, x3]\n    if not values:\n        return None\n",
    "    class_ = '''two\nlines'''\n    lambda_ = lambda a: a.b\n",
]


@pytest.mark.parametrize("typed", TYPED)
async def test_it_says_the_same_at_each_key(typed: str) -> None:
    reader = SyntaxReader()
    for end in range(len(typed) + 1):
        context = context_at(f"{BEFORE}{typed[:end]}{CURSOR}\n\n\ndef last():\n    pass\n")
        assert await reader(context) == await find_syntax(context), typed[:end]


async def test_within_a_word_it_is_not_asked_again() -> None:
    reader = SyntaxReader()
    found = [await reader(context_at(f"{BEFORE}    {word}{CURSOR}\n")) for word in ("r", "re", "ret")]
    assert found[0] is not None
    assert found[0] is found[1] is found[2]
    assert await reader(context_at(f"{BEFORE}    ret {CURSOR}\n")) is not found[0]
