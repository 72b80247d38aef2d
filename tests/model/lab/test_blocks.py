"""Blocks to complete: bodies of two to eight lines, cut where the body ends."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from model.lab.blocks import block_cases, cut_block, find_bodies

TEXT = '''class Shelf:
    def open(self, path):
        """Opens it."""
        self.path = path
        return self

    def count(self): return 1

    def each(self):
        for book in self.books:
            if book:
                yield book
                self.n += 1
'''


def test_bodies_of_functions_loops_and_branches() -> None:
    bodies = [TEXT[start:end] for start, end in find_bodies(TEXT, ast.parse(TEXT))]
    assert bodies == [
        "self.path = path\n        return self",
        TEXT[TEXT.index("for book") :].rstrip(),
        "if book:\n                yield book\n                self.n += 1",
        "yield book\n                self.n += 1",
    ]


def test_a_block_ends_where_a_line_is_indented_less() -> None:
    prefix = "def f():\n    if a:\n        "
    assert cut_block("b = 1\n\n        c = 2  \n    return b\n", prefix) == "b = 1\n\n        c = 2"
    assert cut_block("b = 1\n\n", prefix) == "b = 1"
    assert cut_block("f(\n            1,\n        )\n        g()\n", prefix).endswith("g()")


def test_cases_put_the_file_together(held_out: Path) -> None:
    texts = {json.loads(line)["text"] for line in held_out.read_text().splitlines()}
    cases = block_cases(held_out, 8)
    assert cases and cases == block_cases(held_out, 8)
    for case in cases:
        assert case.prefix + case.expected + case.suffix in texts
        assert 2 <= case.expected.count("\n") + 1 <= 8
        assert cut_block(case.expected + case.suffix, case.prefix).startswith(case.expected.rstrip())
