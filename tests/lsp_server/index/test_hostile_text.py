"""What the readers of facts do with text that no person wrote: an answer, in time that grows as the text.

The deadline of a test is that of the whole suite. Some of the long texts took the square of their length
once, and would take minutes. `python -m tests.bench.index.hostile` looks for others.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lsp_server.index.fact_readers import READERS, WITHOUT_TYPES, read_facts, reader_of
from lsp_server.index.facts import parse_facts, write_facts
from tests.bench.index.hostile import FRAGMENTS

LANGUAGES = ("python", "go", "typescript", "javascript", "rust", "java", "kotlin", "plaintext")
N_CHARS = 200_000

texts = st.lists(
    st.tuples(st.sampled_from(FRAGMENTS) | st.text(max_size=3), st.integers(1, 30)).map(
        lambda it: it[0] * it[1]
    ),
    max_size=12,
).map("".join)


def test_every_reader_is_among_them() -> None:
    assert {*READERS.values(), WITHOUT_TYPES} == {reader_of(language) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=60, deadline=None)
@given(text=texts)
@example(text="`${a =\n")
def test_any_text_is_answered(language: str, text: str) -> None:
    reader = reader_of(language)
    code = reader.code(text)
    assert len(code) == len(text)
    assert code.count("\n") == text.count("\n")
    starts = list(reader.split(text))
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(text) for start in starts)
    receiver, has_dot = reader.receiver(code)
    assert has_dot or not receiver
    facts = read_facts(language, text)
    assert all(0 <= scope.start <= scope.end <= len(text) for scope in facts.scopes)
    stored = parse_facts(write_facts(facts))
    assert (stored.bases, stored.results, stored.uses) == (facts.bases, facts.results, facts.uses)


@pytest.mark.parametrize(
    "fragment",
    [
        '"\\',
        "'\\",
        "\nexport ",
        "\nfunc f() (",
        "\nimport (",
        "=/\\",
        "=/[\\",
        "([{",
        "a = b, ",
        "\nwith a(",
        "{",
        "\0",
        "\r",
        "x\r\n",
    ],
    ids=repr,
)
@pytest.mark.parametrize("language", ["python", "go", "typescript", "rust", "java"])
def test_long_text_without_an_end(language: str, fragment: str) -> None:
    text = fragment * (N_CHARS // len(fragment))
    assert read_facts(language, text).bases == {}


@pytest.mark.parametrize(
    "line",
    [
        "x = {}1{}",
        "const x = {}1{}",
        "let x: {}A{}",
        "x := {}1{}",
        "def f(x: {}A{}): pass",
        "func f(x {}A{}) {{}}",
    ],
)
@pytest.mark.parametrize(
    "brackets", ["()", "[]", "{}", ("list[", "]"), ("Array<", ">"), ("map[a]", ""), "(["]
)
@pytest.mark.parametrize("language", ["python", "go", "typescript"])
def test_ten_thousand_levels_of_brackets(language: str, brackets: tuple[str, str] | str, line: str) -> None:
    """Where the limit of a type or a reach does not end it, too."""
    opening, closing = brackets
    for n in (30, 90, 600, 10_000):
        text = f"class A:\n    {line.format(opening * n, closing * n)}\n"
        assert "" not in read_facts(language, text).bases


@pytest.mark.parametrize("language", ["python", "go", "typescript"])
def test_one_line_of_five_million_characters(language: str) -> None:
    """No file like it is indexed; an open document may be one."""
    line = "value, " * 714_286
    assert len(line) > 5_000_000
    facts = read_facts(language, f"class A:\n    pass\n{line}\nclass B:\n    pass\n")
    assert [name for name in facts.bases if name not in ("A", "B")] == []
