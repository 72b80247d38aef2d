"""Where the syntax tree is asked for how much is wanted, and where the line itself tells."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.mode import is_midway, is_open, mode_at
from lsp_server.index.languages import language_of
from lsp_server.index.syntax_place import read_syntax_place
from lsp_server.settings import CompletionSettings
from lsp_server.types import CompletionRequest, DocumentSnapshot

from .scripted import context_at

GOLDEN = Path(__file__).parents[2] / "golden"
SETTINGS = CompletionSettings()


@pytest.mark.parametrize(
    "line", ["x = ", "f(", "f(a, n", "a.", "return ", "for row in ", "x == y", "a * b", "a + "]
)
def test_a_statement_that_has_begun(line: str) -> None:
    assert is_midway(line)
    assert not is_open(context_at(f"{line}▮\n"), SETTINGS)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "    ",
        "  re",
        "if x:",
        "else ",
        "else:",
        "{",
        "};",
        "i++",
        "i-- ",
        "f()",
        "do |row| ",
        "/* why */ ",
        "<?php ",
    ],
)
def test_a_statement_may_begin(line: str) -> None:
    assert not is_midway(line)
    assert is_open(context_at(f"{line}▮\n"), SETTINGS)


def test_the_tree_would_say_the_same() -> None:
    n_midway, others = 0, []
    for path in sorted(GOLDEN.rglob("*")):
        language = language_of(path.name)
        if path.is_file() and language is not None and language.bodies:
            for before, after in cut(path.read_text("utf-8", "replace")):
                context = context_of(before, after, language.id, path.name)
                if context is not None and is_midway(context.line_before):
                    place, n_midway = read_syntax_place(before, after, language.id, path.name), n_midway + 1
                    if place is not None and mode_at(place, context) != context.mode:
                        others.append(context.line_before)
    assert n_midway > 300
    assert len(others) <= n_midway // 100, others


def cut(text: str) -> list[tuple[str, str]]:
    """At a few places, the rest of the line taken out."""
    chance = random.Random(len(text))
    places = [chance.randrange(len(text)) for _ in range(80)]
    return [(text[:at], text[text.find("\n", at) :] if "\n" in text[at:] else "") for at in places]


def context_of(before: str, after: str, language_id: str, path: str) -> CompletionContext | None:
    snapshot = DocumentSnapshot("", path, path, "", language_id, 0, before + after)
    context = build_context(CompletionRequest(snapshot, len(before)), SETTINGS)
    return context if isinstance(context, CompletionContext) else None
