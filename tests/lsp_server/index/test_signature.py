"""Signatures and documentation as text: the quick ways give what the plain ones do."""

from __future__ import annotations

import inspect

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.signature import comment_docstring, string_docstring

PIECES = [
    "\n",
    "\n\n",
    " ",
    "    ",
    "\n    ",
    "\n        ",
    "a",
    "b c",
    "\t",
    "\r",
    "\x1f",
    "\f",
    "é",
    "\xa0",
]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_documentation_loses_its_indentation_as_python_does_it(text: str) -> None:
    assert string_docstring(f'"""{text}"""') == inspect.cleandoc(text).strip()


def test_comment_lines_lose_their_marks_and_keep_their_own_indentation() -> None:
    assert comment_docstring(["/**", " * Adds.", " *     as code", " */"]) == "Adds.\n    as code"
