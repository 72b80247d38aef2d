"""Documentation: golden cases for each language, what the model is asked, what the note says."""

from __future__ import annotations

import ast
import asyncio
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.assist.document import Proposal, propose_documentation
from lsp_server.assist.ports import Sentence
from lsp_server.index.faults import has_errors
from lsp_server.index.service import IndexService
from lsp_server.types import DocumentSnapshot, Span
from tests.lsp_server.assist.scripted_model import ScriptedModel

FOLDER = Path(__file__).parents[2] / "golden" / "document"
CURSOR = "‸"
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}-{name}")
    for path in sorted(FOLDER.glob("*.toml"))
    for name, case in tomllib.loads(path.read_text("utf-8")).items()
]


def place_in(code: str, language_id: str, path: str) -> tuple[DocumentSnapshot, Span]:
    offset = code.index(CURSOR)
    text = code.replace(CURSOR, "")
    return DocumentSnapshot("", path, path, "", language_id, 1, text), Span(offset, offset)


async def propose(code: str, model: ScriptedModel, language_id: str = "python", path: str = "a.py"):
    snapshot, span = place_in(code, language_id, path)
    return snapshot.text, await propose_documentation(snapshot, span, model.completes)


@pytest.mark.parametrize(("language_id", "case"), CASES)
async def test_golden(language_id: str, case: dict[str, str]) -> None:
    model = ScriptedModel(case.get("model"))
    text, outcome = await propose(case["code"], model, language_id, case["path"])
    if "sentence" in case:
        assert outcome == Sentence(case["sentence"])
        return
    assert isinstance(outcome, Proposal)
    after = text[: outcome.span.start] + outcome.text + text[outcome.span.end :]
    assert (outcome.verdict, after) == (case["summary"], case["after"])
    assert not has_errors(after, language_id, case["path"])


@pytest.mark.parametrize(
    ("selected", "is_one"),
    [("    return w\n", True), ("    w += 1\n    return w", True), ("    return w\n\nX = 1", False)],
)
async def test_selected_lines_mean_the_function_that_they_are_in(selected: str, is_one: bool) -> None:
    text = "def area(w):\n    w += 1\n    return w\n\nX = 1\n"
    start = text.index(selected)
    snapshot = DocumentSnapshot("", "a.py", "a.py", "", "python", 1, text)
    span = Span(start, start + len(selected))
    outcome = await propose_documentation(snapshot, span, ScriptedModel().completes)
    if is_one:
        assert isinstance(outcome, Proposal)
        assert outcome.span.start == text.index("\n")
    else:
        assert outcome == Sentence("There is no function or class at the cursor: put the cursor into one.")


async def test_documented_once_it_is_documented() -> None:
    """What was proposed counts as documentation when it is asked for again."""
    text, outcome = await propose("def area(w):\n    return‸ w\n", ScriptedModel())
    assert isinstance(outcome, Proposal)
    after = text[: outcome.span.start] + outcome.text + text[outcome.span.end :]
    _, again = await propose(after.replace("return", f"{CURSOR}return"), ScriptedModel())
    assert again == Sentence("`area` (a.py:1) is documented already.")


async def test_the_model_fills_the_opened_documentation() -> None:
    model = ScriptedModel("Multiply the area")
    await propose("def area(w):\r\n    return‸ w\r\n", model)
    [prompt] = model.prompts
    assert prompt.prefix == 'def area(w):\n    """'
    assert prompt.suffix.startswith("\n\n    Args:\n        w: The value `w`.\n")
    assert prompt.suffix.endswith('    """\n    return w\n')


async def test_a_secret_is_not_shown_to_the_model() -> None:
    secret = "ghp_" + "a1B2" * 9
    model = ScriptedModel()
    await propose(f'TOKEN = "{secret}"\n\n\ndef area(w):\n    return‸ w\n', model)
    assert secret not in model.prompts[0].prefix


async def test_the_note_stands_on_the_index(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def area(w: int) -> int:\n    return w\n")
    (tmp_path / "b.py").write_text("from a import area\n\n\ndef main():\n    print(area(2))\n")
    index = IndexService([tmp_path], tmp_path / "cache")
    await index.start(watch=False)
    await index.wait_ready()
    text = (tmp_path / "a.py").read_text()
    snapshot = DocumentSnapshot("", str(tmp_path / "a.py"), "a.py", str(tmp_path), "python", 1, text)
    ports = ScriptedModel().completes
    outcome = await propose_documentation(snapshot, Span(0, 0), type(ports)(index, ports.generate))
    await index.aclose()
    assert isinstance(outcome, Proposal)
    assert outcome.note.startswith("`area` (a.py:1): 1 parameter, result `int`. Called from b.py:5.")


@pytest.mark.parametrize("language_id", ["plaintext", ""])
async def test_a_language_that_nobody_reads(language_id: str) -> None:
    _, outcome = await propose(f"words{CURSOR}", ScriptedModel(), language_id, "a.unknown")
    assert isinstance(outcome, Sentence)
    assert "does not read" in outcome.text


async def test_a_definition_without_a_line_of_its_own() -> None:
    _, outcome = await propose("a(); function f() { return‸ 1 }\n", ScriptedModel(), "javascript", "a.js")
    assert outcome == Sentence(
        "`f` (a.js:1) has no line of its own for documentation: put its declaration on a new line."
    )


WORDS = st.sampled_from(
    ["read", "lines", " ", '"""', "'''", '"', "*/", "<b>", "\\", "\n", "\0", "é", ".", "\u2028"]
)
LANGUAGES = [
    ("python", "a.py", "def read_lines(p):\n    return‸ p\n"),
    ("javascript", "a.js", "function readLines(p) {\n  return‸ p;\n}\n"),
    ("csharp", "A.cs", "class A\n{\n    int ReadLines(int p) { return‸ p; }\n}\n"),
]


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=12).map("".join), st.sampled_from(LANGUAGES))
def test_whatever_the_model_writes_the_code_stays_whole(line: str, language: tuple[str, str, str]) -> None:
    language_id, path, code = language
    text, outcome = asyncio.run(propose(code, ScriptedModel(line), language_id, path))
    assert isinstance(outcome, Proposal)
    after = text[: outcome.span.start] + outcome.text + text[outcome.span.end :]
    assert not has_errors(after, language_id, path)
    assert after.startswith(text[: outcome.span.start])
    assert after.endswith(text[outcome.span.end :])


async def test_defaults_and_conditions_cannot_end_the_docstring() -> None:
    quotes = '\'"""\''
    code = (
        rf'def f(a="\\", b={quotes}, c="\n"):' + "\n"
        f"    if a == {quotes}:\n        raise ValueError(a)\n"
        rf'    return‸ {quotes} + "\\"' + "\n"
    )
    text, outcome = await propose(code, ScriptedModel("f"))
    assert isinstance(outcome, Proposal)
    after = text[: outcome.span.start] + outcome.text + text[outcome.span.end :]
    [function] = ast.parse(after).body
    del function.body[0]
    assert ast.dump(function) == ast.dump(ast.parse(text).body[0])
