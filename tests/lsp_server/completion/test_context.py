"""From a request to its context: modes, line ends, guards, the selected entry, what is left to close."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.completion.anchor import Anchors
from lsp_server.completion.cache import Suggestion
from lsp_server.completion.context import CompletionContext, Mode, build_context
from lsp_server.completion.placing import place
from lsp_server.completion.prompt import build_prompt
from lsp_server.settings import CompletionSettings
from lsp_server.types import CompletionRequest, NoCompletion, Reason, SelectedCompletion, Snippet, Span

from .scripted import context_at, request_at, snapshot_of

SETTINGS = CompletionSettings()


def reason_of(text: str, offset: int, selected: SelectedCompletion | None = None) -> Reason | None:
    result = build_context(CompletionRequest(snapshot_of(text), offset, selected=selected), SETTINGS)
    return result.reason if isinstance(result, NoCompletion) else None


@pytest.mark.parametrize(
    ("language_id", "drawn", "mode"),
    [
        ("python", "def f():▮", Mode.BLOCK),
        ("python", "def f():\n    ▮\n", Mode.BLOCK),
        ("python", "▮", Mode.BLOCK),
        ("python", 'def f():\n    """▮', Mode.BLOCK),
        ("python", 'def f():\n    """▮"""', Mode.SINGLE_LINE),
        ("python", "x = ▮", Mode.SINGLE_LINE),
        ("python", "foo(▮", Mode.SINGLE_LINE),
        ("python", "foo(▮)", Mode.SINGLE_LINE),
        ("python", "foo(\n    ▮\n)", Mode.SINGLE_LINE),
        ("python", "d = {\n    ▮\n}", Mode.SINGLE_LINE),
        ("python", "# a comment:▮", Mode.SINGLE_LINE),
        ("python", "x = 'key:▮", Mode.SINGLE_LINE),
        ("javascript", "function f() {▮", Mode.BLOCK),
        ("javascript", "function f() {▮}", Mode.BLOCK),
        ("javascript", "f(() => {▮});", Mode.BLOCK),
        ("javascript", "function f() {\n  ▮\n}", Mode.BLOCK),
        ("javascript", "f(▮)", Mode.SINGLE_LINE),
        ("javascript", "/**▮\n", Mode.BLOCK),
        ("plaintext", "Some words ▮", Mode.SINGLE_LINE),
    ],
)
def test_mode(language_id: str, drawn: str, mode: Mode) -> None:
    assert context_at(drawn, language_id).mode is mode


def test_settings_decide_the_mode_where_there_is_room() -> None:
    never, always = CompletionSettings(multi_line="never"), CompletionSettings(multi_line="always")
    assert context_at("def f():▮", settings=never).mode is Mode.SINGLE_LINE
    assert context_at("x = ▮", settings=always).mode is Mode.BLOCK
    assert context_at("foo(▮)", settings=always).mode is Mode.SINGLE_LINE


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_model_sees_line_feeds(line_end: str) -> None:
    context = context_at(f"a{line_end}b▮c{line_end}d")
    assert (context.prefix, context.suffix, context.line_end) == ("a\nb", "c\nd", line_end)
    assert (context.line_before, context.line_after) == ("b", "c")


def test_a_cursor_inside_of_a_line_end_stands_before_it() -> None:
    context = context_at("a\r▮\nb")
    assert (context.offset, context.prefix, context.suffix) == (1, "a", "\nb")


def test_lone_surrogates_are_replaced_one_for_one() -> None:
    context = context_at("a\ud800b▮c\udfffd")
    assert (context.prefix, context.suffix) == ("a\ufffdb", "c\ufffdd")


@pytest.mark.parametrize("offset", [-1, 4])
def test_no_such_place(offset: int) -> None:
    assert reason_of("abc", offset) is Reason.BAD_POSITION


def test_binary_documents() -> None:
    assert reason_of("ab\0c", 1) is Reason.NOT_TEXT
    assert reason_of("x" * 100_000 + "\0", 1) is Reason.NOT_TEXT
    assert reason_of("\ufffd" * 50 + "ab", 1) is Reason.NOT_TEXT


@pytest.mark.parametrize(("character", "n_fitting"), [("a", 1000), ("é", 500), ("😀", 250)])
def test_the_limit_counts_bytes(character: str, n_fitting: int) -> None:
    settings = CompletionSettings(max_file_bytes=1000)

    def result(n_characters: int) -> CompletionContext | NoCompletion:
        return build_context(CompletionRequest(snapshot_of(character * n_characters), 0), settings)

    assert isinstance(result(n_fitting), CompletionContext)
    too_large = result(n_fitting + 1)
    assert isinstance(too_large, NoCompletion)
    assert too_large.reason is Reason.FILE_TOO_LARGE


@pytest.mark.parametrize(
    ("drawn", "language_id", "unit"),
    [
        ("if a:\n  b\n  if c:\n    d▮", "python", "  "),
        ("if a:\n    b▮", "python", "    "),
        ("{\n\ta▮", "c", "\t"),
        ("a▮", "go", "\t"),
        ("a▮", "typescript", "  "),
        ("a▮", "python", "    "),
    ],
)
def test_the_documents_step_of_indentation(drawn: str, language_id: str, unit: str) -> None:
    assert context_at(drawn, language_id).indent_unit == unit


@pytest.mark.parametrize(
    ("language_id", "drawn", "n_unclosed"),
    [
        ("python", "foo(bar(▮", 2),
        ("python", "foo(bar(▮)", 1),
        ("python", "foo(bar(▮))", 0),
        ("python", "foo(▮)\nbar(1)\n", 0),
        ("python", "foo(▮\nbar(1)\n", 1),
        ("python", 'foo("▮")', 0),
        ("python", 'foo("▮', 1),
        ("python", 'f(\n    """▮\n)\n"""x"""\n', 0),
        ("python", 'f(\n    """▮ ) """\n)\n', 0),
        ("c", "void f() {\n  if (x) {\n    ▮\n}\n", 1),
    ],
)
def test_brackets_that_are_left_to_close(language_id: str, drawn: str, n_unclosed: int) -> None:
    assert context_at(drawn, language_id).n_unclosed == n_unclosed


def test_long_documents_are_scanned_near_the_cursor_only() -> None:
    context = context_at("((((\n" + "x = 1\n" * 20_000 + "foo(▮")
    assert context.scanned.openers == "("


class TestSelectedEntry:
    """The entry stands in the text as if it were inserted."""

    def test_it_replaces_its_span(self) -> None:
        entry = SelectedCompletion(Span(2, 5), "console")
        context = build_context(request_at("a.con▮x", "javascript", selected=entry), SETTINGS)
        assert isinstance(context, CompletionContext)
        assert (context.prefix, context.suffix) == ("a.console", "x")

    def test_it_may_replace_behind_the_cursor(self) -> None:
        entry = SelectedCompletion(Span(2, 8), "console")
        context = build_context(request_at("a.con▮sol()", "javascript", selected=entry), SETTINGS)
        assert isinstance(context, CompletionContext)
        assert (context.prefix, context.suffix) == ("a.console", "()")

    @pytest.mark.parametrize("span", [Span(0, 1), Span(4, 5), Span(0, 99), Span(-1, 3), Span(3, 2)])
    def test_elsewhere_it_cannot_be_extended(self, span: Span) -> None:
        assert reason_of("abcdef", 3, SelectedCompletion(span, "xyz")) is Reason.SELECTION_MISMATCH

    def test_over_a_line_end_it_cannot_be_extended(self) -> None:
        assert reason_of("ab\ncd", 4, SelectedCompletion(Span(1, 4), "xyz")) is Reason.SELECTION_MISMATCH

    def test_marked_text_is_no_entry(self) -> None:
        entry = SelectedCompletion(Span(0, 2), "ab")
        context = build_context(request_at("ab cd▮", selected=entry), SETTINGS)
        assert isinstance(context, CompletionContext)
        assert context.selected is None


class TestSecrets:
    """Stars of the same length stand in the prompt; what is put back into the document is its own text."""

    TOKEN = "ghp_" + "a1B2c3D4e" * 4

    def test_before_behind_and_around_the_cursor(self) -> None:
        for drawn in ('a = "{}"\nb = ▮\n', 'b = ▮\na = "{}"\n', 'a = "{}"; b = ▮\n'):
            context = context_at(drawn.format(self.TOKEN))
            assert context.prefix + context.suffix == drawn.format("*" * 40).replace("▮", "")
        context = context_at(f'a = "{self.TOKEN[:9]}▮{self.TOKEN[9:]}"')
        assert self.TOKEN[:9] not in context.prefix
        assert self.TOKEN[9:] not in context.suffix

    def test_what_was_typed_is_kept_in_the_document(self) -> None:
        context = context_at(f'a = f("{self.TOKEN}", ▮')
        completion = place(Suggestion("b)"), context)
        assert completion.text == f'a = f("{self.TOKEN}", b)'

    def test_snippets(self) -> None:
        snippets = (Snippet("a.py", f'TOKEN = "{self.TOKEN}"', "why"),)
        context = context_at("x = ▮")
        anchor = replace(Anchors().place(context, 1000), snippets=snippets)
        prompt = build_prompt(context, anchor)
        assert [snippet.text for snippet in prompt.snippets] == [f'TOKEN = "{"*" * 40}"']


def test_cells_before_and_behind_are_part_of_the_prompt() -> None:
    request = request_at("b▮c")
    snapshot = replace(request.snapshot, before="before = 1\n\n", after="\n\nafter = 1")
    context = build_context(replace(request, snapshot=snapshot), SETTINGS)
    assert isinstance(context, CompletionContext)
    assert (context.prefix, context.suffix) == ("before = 1\n\nb", "c\n\nafter = 1")
    assert context.offset == 1
