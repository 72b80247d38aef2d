"""What the syntax tree says of a cursor, and that it says something or nothing of any text whatever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.index.languages import LANGUAGES
from lsp_server.index.syntax_place import CHARS_BEFORE, read_syntax_place
from lsp_server.types import SyntaxPlace

PARTS = st.sampled_from(
    [
        *("def f():", "if x:", "case 1:", "class A", "fn f()", "func f()", "=>", "x", "return", "lambda x:"),
        *("{", "}", "(", ")", "[", "]", ";", ":", ",", '"', "'", '"""', "`", "/*", "*/", "//", "#", "\\"),
        *("\n", "\n", "\n    ", "\n\t", " ", "é😀", "\ud800", "\0", "<p>", "</p>", "@", "\r"),
    ]
)
TEXT = st.lists(PARTS, max_size=40).map("".join) | st.text(max_size=60)


def place_at(drawn: str, language_id: str) -> SyntaxPlace | None:
    before, after = drawn.split("▮")
    return read_syntax_place(before, after, language_id, "")


@pytest.mark.parametrize(
    ("language_id", "drawn", "kind"),
    [
        ("python", "foo(\n    a,\n    ▮\n)\n", "argument_list"),
        ("python", "def f(\n    ▮\n):\n    pass\n", "parameters"),
        ("python", "def f(\n    a,\n    b:▮\n):\n    pass\n", "typed_parameter"),
        ("python", "a[\n    ▮\n]\n", "subscript"),
        ("python", "from a import (\n    ▮\n)\n", "import_from_statement"),
        ("python", "f = lambda x:▮\n", "lambda"),
        ("python", "x = '''\n▮\n'''\n", "string"),
        ("python", "def f():\n    a; ▮\n", "block"),
        ("python", "def f():\n    re▮\n", "block"),
        ("go", "package a\nimport (\n\t▮\n)\n", "import_spec_list"),
        ("typescriptreact", "const a = <div\n  ▮\n></div>;\n", "jsx_opening_element"),
    ],
)
def test_in_the_middle_of_something(language_id: str, drawn: str, kind: str) -> None:
    assert place_at(drawn, language_id) == SyntaxPlace(is_statement=False, kind=kind)


@pytest.mark.parametrize(
    ("language_id", "drawn", "kind"),
    [
        ("python", "▮", "module"),
        ("python", "def f():▮", "block"),
        ("python", "class A:\n    ▮\n", "block"),
        ("javascript", "f(() => {▮});", "statement_block"),
        ("javascript", "switch (x) {\n  case 1:\n    ▮\n}\n", "switch_case"),
        ("typescript", "interface A {\n  ▮\n}\n", "interface_body"),
        ("go", "package a\ntype T struct {\n\t▮\n}\n", "field_declaration_list"),
        ("rust", "fn f() {\n    match x {\n        ▮\n    }\n}\n", "match_block"),
        ("java", "class A {\n    ▮\n    void f() {}\n}\n", "class_body"),
        ("c", "void f() {\n  ▮\n  foo();\n}\n", "compound_statement"),
        ("cpp", "class A {\npublic:\n    ▮\n};\n", "field_declaration_list"),
    ],
)
def test_where_a_statement_begins(language_id: str, drawn: str, kind: str) -> None:
    assert place_at(drawn, language_id) == SyntaxPlace(is_statement=True, kind=kind)


@pytest.mark.parametrize(
    ("language_id", "drawn"),
    [
        ("python", "foo(\n    a,\n    ▮\n"),  # the bracket is not closed
        ("python", "# ▮\n"),
        ("python", 'def f():\n    """a\n    ▮\n    """\n'),
        ("typescriptreact", "const a = <div>\n  ▮\n</div>;\n"),
        ("ruby", "def a\n  ▮\nend\n"),
        ("plaintext", "▮"),
    ],
)
def test_what_the_tree_does_not_tell(language_id: str, drawn: str) -> None:
    assert place_at(drawn, language_id) is None


def test_of_a_long_text_the_part_around_the_cursor_counts() -> None:
    function = "def f():\n    return call(\n        1,\n    )\n\n\n"
    long = function * (2 * CHARS_BEFORE // len(function))
    drawn = long + "foo(\n    ▮\n)\n" + long
    assert place_at(drawn, "python") == SyntaxPlace(is_statement=False, kind="argument_list")


@settings(max_examples=300, deadline=None)
@given(before=TEXT, after=TEXT, language_id=st.sampled_from([row.id for row in LANGUAGES]))
def test_any_text_has_a_place_or_none(before: str, after: str, language_id: str) -> None:
    place = read_syntax_place(before, after, language_id, "")
    assert place is None or place.kind
