"""What is found in a file: the golden samples, and that no bytes whatever bring the parser down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.index.inspection import inspect_code
from lsp_server.index.languages import LANGUAGES, language_by_id, language_of, refine
from lsp_server.index.parse import ParsedFile, parse
from lsp_server.types import SymbolKind
from tests.lsp_server.index.golden import expected_path, found_in, samples

PYTHON = language_by_id("python")
assert PYTHON is not None


def parse_python(text: str) -> ParsedFile:
    assert PYTHON is not None
    return parse(text, PYTHON, "x.py")


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.parent.name)
def test_sample(sample: Path) -> None:
    assert found_in(sample) == expected_path(sample).read_text("utf-8")


def test_every_language_has_a_sample_without_errors() -> None:
    assert {sample.parent.name for sample in samples()} == {language.id for language in LANGUAGES}
    assert all("errors: False" in expected_path(sample).read_text("utf-8") for sample in samples())


SAMPLES = [sample.read_text("utf-8") for sample in samples()]


@settings(max_examples=60)
@given(language=st.sampled_from(LANGUAGES), content=st.binary(max_size=400))
def test_any_bytes_parse(language, content) -> None:
    parse(content.decode("latin-1"), language, "x")
    parse(content.decode("utf-8", "surrogateescape"), language, "x")


@settings(max_examples=100)
@given(language=st.sampled_from(LANGUAGES), data=st.data())
def test_damaged_code_parses_and_spans_fit(language, data) -> None:
    """Cut out, doubled and seasoned pieces of real code: spans stay inside of the text and names where they
    say."""
    text = data.draw(st.sampled_from(SAMPLES))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4)))
    seasoning = data.draw(st.text(max_size=8))
    text = text[: cuts[1]] + seasoning + text[cuts[2] :] + text[cuts[0] : cuts[3]]
    parsed = parse(text, language, "x")
    for symbol in parsed.symbols:
        assert 0 <= symbol.span.start <= symbol.span.end <= len(text)
        assert symbol.line <= symbol.end_line <= text.count("\n")
    for reference in parsed.references:
        assert text[reference.span.start : reference.span.end].replace(" ", "").startswith(
            reference.name[:1]
        ) or ("::" in text[reference.span.start : reference.span.end])


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.parent.name)
def test_letting_other_threads_run_changes_nothing(sample: Path) -> None:
    text = sample.read_text("utf-8") * 8
    language = language_of(sample.name)
    assert language is not None
    assert parse(text, language, "x") == parse(text, language, "x", should_yield=True)


@pytest.mark.parametrize(
    ("code", "signature"),
    [
        ("def f(\n    a,\n    b: int = 1,\n) -> int:\n    pass", "def f(a, b: int = 1) -> int:"),
        ("def f(a,\n      b):\n    pass", "def f(a, b):"),
        ("def f(a):  # why\n    pass", "def f(a):"),
        ("class A(\n    B,  # why\n): pass", "class A(B):"),
        ("async def f(): pass", "async def f():"),
        ("X = {\n 1: 2,\n}", "X = {"),
        ("def f(a='" + "x" * 400 + "'): pass", "def f(a='" + "x" * 287 + " ..."),
    ],
)
def test_signature_is_one_line_that_begins_as_the_code_does(code: str, signature: str) -> None:
    assert parse_python(code).symbols[0].signature == signature


def test_local_variables_are_no_symbols_but_fields_are() -> None:
    parsed = parse_python(
        "def f():\n    a = 1\nclass C:\n    b = 1\n    def m(self):\n        c = 1\nd = 1\nd = 2\n"
    )
    found = [(symbol.name, symbol.kind) for symbol in parsed.symbols]
    assert found == [
        ("f", SymbolKind.FUNCTION),
        ("C", SymbolKind.CLASS),
        ("b", SymbolKind.FIELD),
        ("m", SymbolKind.METHOD),
        ("d", SymbolKind.VARIABLE),
    ]


@pytest.mark.parametrize("opening", ["(", "[", "{", "lambda:", "-", "x if "])
def test_hostile_nesting_is_refused_at_once(opening: str) -> None:
    parsed = parse_python("x = " + opening * 100_000)
    assert parsed.has_errors
    assert parsed.is_too_costly or len(parsed.symbols) <= 1


def test_headers_are_c_until_they_look_like_c_plus_plus() -> None:
    header = language_of("a/b.h")
    assert header is not None
    assert refine(header, "b.h", "int f(void);").id == "c"
    assert refine(header, "b.h", "namespace a {\nint f();\n}").id == "cpp"


@pytest.mark.parametrize(
    ("code", "receiver"),
    [
        ("a.b()", "a"),
        ("a.\n  b()", "a"),
        ("# It ends.\nb()", ""),
        ("x = [1]\nx[0].b()", "?"),
    ],
)
def test_receiver_is_the_word_before_the_dot(code: str, receiver: str) -> None:
    assert parse_python(code).references[-1].receiver == receiver


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.parent.name)
def test_every_definition_of_every_language_can_be_inspected(sample: Path) -> None:
    text = sample.read_text("utf-8")
    language = language_by_id(sample.parent.name)
    assert language is not None
    for symbol in parse(text, language).symbols:
        found = inspect_code(text, language.id, sample.name, symbol.span)
        assert found is not None
        assert found.kind
