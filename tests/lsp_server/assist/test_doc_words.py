"""What names say, and which lines of a model are good enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.assist.doc_words import (
    Verdict,
    description,
    first_sentence,
    judge,
    predicate_of_name,
    summary_of_name,
    words_of,
)
from lsp_server.types import CodeFacts


def facts(title: str, kind: str = "function", returns: str = "") -> CodeFacts:
    return CodeFacts(title, kind, "a.py", 1, 2, returns=returns)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("read_lines", ["read", "lines"]),
        ("readHTTPHeader", ["read", "HTTP", "header"]),
        ("HTTPClient", ["HTTP", "client"]),
        ("utf8", ["utf", "8"]),
        ("x", ["x"]),
        ("größeLesen", ["größe", "lesen"]),
        ("_", []),
    ],
)
def test_words_of_a_name(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("title", "summary"),
    [
        ("read_lines", "Read lines."),
        ("Cart.is_empty", "Whether it is empty."),
        ("Cart.areEqual", "Whether it is equal."),
        ("Cart.__init__", "Create a new Cart."),
        ("Cart.Cart", "Create a new Cart."),
        ("Cart.__len__", "Implement `__len__` of Cart."),
        ("_", "_."),
    ],
)
def test_summary_of_a_name(title: str, summary: str) -> None:
    assert summary_of_name(facts(title)) == summary


@pytest.mark.parametrize(
    ("asked", "predicate"),
    [
        (facts("CopyAll"), "copies all."),
        (facts("PushItem"), "pushes item."),
        (facts("Total", returns="int"), "returns int."),
        (facts("Total"), "is a function of this package."),
        (facts("Cart", kind="class"), "is a type of this package."),
    ],
)
def test_predicate_of_a_name(asked: CodeFacts, predicate: str) -> None:
    assert predicate_of_name(asked) == predicate


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (" Read it all. Then stop.", "Read it all"),
        ("Read it all.\n\n    Args:", "Read it all"),
        ('Read it all."""\n    return', "Read it all"),
        ("* Read it all */", "Read it all"),
        ("\n\n", ""),
        ("", ""),
    ],
)
def test_the_first_sentence(raw: str, sentence: str) -> None:
    assert first_sentence(raw) == sentence


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("Read the lines of a file", Verdict.GOOD),
        ("Return the lines that were read", Verdict.UNRELATED),  # it returns nothing
        ("", Verdict.EMPTY),
        ("Read lines", Verdict.EMPTY),
        ("Read lines " + "and so on " * 12, Verdict.LONG),
        ("lines = read(path) of it", Verdict.CODE),
        ("Read the lines:", Verdict.CODE),
        ("TODO read the lines", Verdict.CODE),
        ("Read the lines 1 2 3 4 5 6 7 8 9 10 11", Verdict.CODE),
        ("Read lines of the lines", Verdict.REPEATED),
        ("Read the the lines", Verdict.REPEATED),
        ("Read the other lines of it", Verdict.REPEATED),  # stands above another function
        ("Close the door of the house", Verdict.UNRELATED),
    ],
)
def test_verdicts(sentence: str, verdict: Verdict) -> None:
    assert judge(sentence, facts("read_lines"), ['"""Read the other lines of it."""']) is verdict


@pytest.mark.parametrize(
    ("name", "annotation", "default", "sentence"),
    [
        ("path", "", "", "The path."),
        ("x", "int", "", "The value `x`."),
        ("timeout_s", "float", "3.0", "The timeout in seconds."),
        ("sizeBytes", "", "", "The size in bytes."),
        ("n_items", "int", "", "The number of items."),
        ("baseUrl", "string", "", "The base URL."),
        ("is_gift", "", "False", "Whether it is gift."),
        ("dry_run", "bool", "", "The dry run flag."),
        ("verbose", "", "true", "The verbose flag."),
        ("s", "", "", "The value `s`."),
    ],
)
def test_what_a_parameter_says_of_itself(name: str, annotation: str, default: str, sentence: str) -> None:
    assert description(name, annotation, default) == sentence


def test_a_property_is_no_command() -> None:
    total = replace(facts("Cart.total", "method"), notes=("decorated with `@property`",))
    assert summary_of_name(total) == "The total."
