"""Explanations: golden documents for each kind of code and language, and the messages for an instruct
model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lsp_server.assist.explain import (
    MAX_CODE_CHARS,
    NO_INSTRUCT_MODEL,
    build_facts,
    build_messages,
    render_markdown,
)
from lsp_server.index.service import IndexService
from lsp_server.types import CodeFacts, DocumentSnapshot, Location, Parameter, Span
from tests.lsp_server.assist.golden import CASES, FOLDER, explain, root_of


def snapshot(text: str, language_id: str = "python", path: str = "a.py") -> DocumentSnapshot:
    return DocumentSnapshot("", "", path, "", language_id, 1, text)


async def facts_of(text: str, at: str = "", language_id: str = "python") -> CodeFacts:
    return await build_facts(snapshot(text, language_id), text.index(at), None)


@pytest.mark.parametrize("name", CASES)
async def test_document(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    index = IndexService([root_of(case)], tmp_path)
    await index.start(watch=False)
    await index.wait_ready()
    assert await explain(case, index) == (FOLDER / f"{name}.md").read_text("utf-8")
    await index.aclose()


def test_every_document_belongs_to_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(CASES)


async def test_without_an_index_the_file_alone_speaks() -> None:
    facts = await facts_of("def f(a):\n    return g(a)\n", at="return")
    assert (facts.title, facts.kind, facts.start_line, facts.end_line) == ("f", "function", 1, 2)
    assert facts.calls == (("g", None),)
    assert facts.callers == ()
    assert facts.code == "def f(a):\n    return g(a)"


async def test_a_module_that_calls_only_libraries_lists_no_calls() -> None:
    facts = await facts_of("import x\n\nvalue = x.make(print)\n", at="import")
    assert facts.kind == "module"
    assert facts.calls
    assert "Calls" not in render_markdown(facts)


async def test_unsaved_text_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def old(): pass\n")
    index = IndexService([tmp_path], tmp_path / "cache")
    await index.start(watch=False)
    await index.wait_ready()
    text = "def new(): return other()\ndef other(): return new()\n"
    shown = DocumentSnapshot("", str(tmp_path / "a.py"), "a.py", str(tmp_path), "python", 2, text)
    facts = await build_facts(shown, Span(0, 0), index)
    assert facts.calls == (("other", Location("a.py", 2)),)
    assert facts.callers == (("other", Location("a.py", 2)),)
    await index.aclose()


@pytest.mark.parametrize(
    "place", [Span(-5, -5), Span(0, 0), Span(3, 3), Span(10_000, 10_000), Span(9, 2), Span(0, 99)]
)
@pytest.mark.parametrize("text", ["", "   \n", "x", "def f(:\n  (((", "class", "é = 'ü'\n", "a\r\nb\r\n"])
@pytest.mark.parametrize(
    "language_id", ["python", "typescript", "rust", "cpp", "java", "go", "c", "plaintext"]
)
async def test_any_place_in_any_text_has_facts(place: Span, text: str, language_id: str) -> None:
    facts = await build_facts(snapshot(text, language_id, "f"), place, None)
    assert 1 <= facts.start_line <= facts.end_line
    assert render_markdown(facts).startswith("# ")


async def test_language_that_is_not_read_says_so() -> None:
    facts = await facts_of("some words\nmore\n", language_id="markdown")
    assert (facts.kind, facts.n_lines) == ("text", 2)
    assert "does not read markdown" in render_markdown(facts)


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("def f(self, a, /, b: int, *, c=1, **d: str): x", "a b:int c=1 **d:str"),
        ("def f(*args, key): x", "*args key"),
        ("class A:\n    def f(cls, a: 'A' = None): x", "a:'A'=None"),
        ("lambda a, b=2: x", "a b=2"),
    ],
)
async def test_python_parameters(code: str, parameters: str) -> None:
    selection = Span(0, len(code)) if code.startswith("lambda") else Span(code.index("x"), code.index("x"))
    text = f"y = 1\n{code}\n"
    facts = await build_facts(snapshot(text), Span(selection.start + 6, selection.end + 6), None)
    assert " ".join(map(shown, facts.parameters)) == parameters


def shown(parameter: Parameter) -> str:
    annotation = f":{parameter.annotation}" if parameter.annotation else ""
    return f"{parameter.name}{annotation}" + (f"={parameter.default}" if parameter.default else "")


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("pass", 1),
        ("if a: x\n    elif b: y\n    else: z", 3),
        ("return a and b or c", 3),
        ("return x if y else z", 2),
        ("for a in b:\n        while c: d", 3),
        ("try: a\n    except B: c\n    finally: d", 2),
        ("return [a for a in b if c]", 3),
        ("match a:\n        case 1: x\n        case _: y", 3),
        ("def inner():\n        if a: b", 1),
    ],
)
async def test_python_complexity(body: str, complexity: int) -> None:
    assert (await facts_of(f"def f():\n    {body}\n")).complexity == complexity


@pytest.mark.parametrize(
    ("body", "raises"),
    [
        ("raise ValueError('x')", ("ValueError",)),
        ("raise errors.Bad", ("errors.Bad",)),
        ("try: a\n    except B: raise", ("the exception at hand, again",)),
        ("raise A\n    raise A()", ("A",)),
        ("def inner(): raise B", ()),
    ],
)
async def test_python_raises(body: str, raises: tuple[str, ...]) -> None:
    assert (await facts_of(f"def f():\n    {body}\n")).raises == raises


async def test_a_call_on_something_unknown_is_linked_to_nothing(tmp_path: Path) -> None:
    """`touch` is defined once in the workspace, yet `path.touch()` is not it: no invented facts."""
    text = "class Store:\n    def touch(self): pass\ndef f(path, store):\n    path.touch()\n    store.touch()"
    (tmp_path / "a.py").write_text(text)
    index = IndexService([tmp_path], tmp_path / "cache")
    await index.start(watch=False)
    await index.wait_ready()
    shown = DocumentSnapshot("", str(tmp_path / "a.py"), "a.py", str(tmp_path), "python", 1, text)
    facts = await build_facts(shown, text.index("path.touch"), index)
    assert facts.calls == (("path.touch", None), ("store.touch", Location("a.py", 2)))
    facts = await build_facts(shown, text.index("def touch"), index)
    assert facts.callers == (("f", Location("a.py", 5)), ("perhaps f", Location("a.py", 4)))
    await index.aclose()


def test_messages_hold_the_facts_and_the_code() -> None:
    facts = CodeFacts("f", "function", "a.py", 3, 4, language_id="python", code="def f(): g()")
    system, user = build_messages(facts)
    assert (system["role"], user["role"]) == ("system", "user")
    assert "Do not invent" in system["content"]
    assert render_markdown(facts) in user["content"]
    assert "```python\ndef f(): g()\n```" in user["content"]
    assert "only this" in build_messages(facts, "only this")[1]["content"]


def test_messages_limit_the_code() -> None:
    facts = CodeFacts("f", "function", "a.py", 1, 1)
    user = build_messages(facts, "x" * 100_000)[1]["content"]
    assert len(user) < MAX_CODE_CHARS + 1000
    assert "was cut here" in user


def test_code_cannot_end_its_own_block() -> None:
    facts = CodeFacts("f`g", "function", "a.py", 1, 1, signature="def f(a='```'): ", language_id="python")
    assert "````python\n" in render_markdown(facts)
    assert "`` f`g ``" in render_markdown(facts)
    assert "`````\n" in build_messages(facts, "````")[1]["content"]


def test_links_of_paths_with_spaces_and_brackets() -> None:
    facts = CodeFacts("f", "function", "a b/(c).py", 7, 8)
    assert "[a b/(c).py:7](a%20b/%28c%29.py#L7)" in render_markdown(facts)


def test_why_there_are_no_words_is_said_below() -> None:
    facts = CodeFacts("f", "function", "a.py", 1, 1)
    assert "edgewise.explain.model" in render_markdown(facts, NO_INSTRUCT_MODEL)
    assert "edgewise.explain.model" not in render_markdown(facts)


def test_long_lists_are_cut_short() -> None:
    calls = tuple((f"call{i}", Location("a.py", i + 1)) for i in range(50))
    document = render_markdown(CodeFacts("f", "function", "a.py", 1, 1, calls=calls))
    assert "and 30 more" in document
    assert "call49" not in document


async def test_it_can_be_cancelled() -> None:
    text = "\n".join(f"def f{i}(a): return a if a else g(a)" for i in range(2000))
    task = asyncio.create_task(build_facts(snapshot(text), Span(0, len(text)), None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
