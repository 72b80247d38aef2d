"""Fixes that an instruct model writes: an edit when its answer can replace the code, else words."""

from __future__ import annotations

import pytest

from lsp_server.assist.asking import only_block
from lsp_server.assist.fix import NO_MODEL, Correction, Diagnostic, propose_fix
from lsp_server.assist.ports import Sentence, Words
from lsp_server.types import DocumentSnapshot, Span
from tests.lsp_server.assist.scripted_model import ScriptedModel

TEXT = "class A:\n    def area(self, w):\n        return v\n\n    def b(self): ...\n"
WRONG = Diagnostic(3, "undefined name 'v'", "pyflakes")


async def fix(answer: str | None, text: str = TEXT, diagnostics=(WRONG,), *, talks: bool = True, path="a.py"):
    model, heard = ScriptedModel(answer), []
    language_id = {"py": "python", "ts": "typescript"}[path[-2:]]
    snapshot = DocumentSnapshot("", path, path, "", language_id, 1, text)
    at = text.index("return")
    ports = model.talks if talks else model.completes
    outcome = await propose_fix(snapshot, Span(at, at), diagnostics, ports, heard.append)
    return outcome, model, "".join(heard)


def after(text: str, outcome: Correction) -> str:
    return text[: outcome.span.start] + outcome.text + text[outcome.span.end :]


@pytest.mark.parametrize(
    "code",
    [
        "def area(self, w):\n    return w\n",
        "    def area(self, w):\n        return w\n",
        "def area(self, w):\n        return w\n",
    ],
    ids=["flush", "as-it-stood", "first-line-flush"],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_a_correction_takes_the_place_of_the_code(code: str, line_end: str) -> None:
    text = TEXT.replace("\n", line_end)
    outcome, model, heard = await fix(f"Here:\n\n```python\n{code}```\n", text)
    assert isinstance(outcome, Correction)
    assert after(text, outcome) == text.replace("return v", "return w")
    assert outcome.note.startswith("A fix for `A.area`:\n\n- [a.py:3](a.py#L3): undefined name 'v'")
    assert heard.startswith(outcome.note)
    [[_, user]] = model.chats
    assert "- line 3 (pyflakes): undefined name 'v'" in user["content"]


@pytest.mark.parametrize(
    "answer",
    [
        "I do not know.",
        "```python\ndef area(self, w):\n    return (w\n```",
        "```python\ndef area(self, w):\n    return v\n```",
        "```\na\n```\n```\nb\n```\n",
        "```python\n\n```",
        "```python\ndef area(",
        None,
    ],
    ids=["no-code", "does-not-parse", "changes-nothing", "two-blocks", "empty", "not-closed", "breaks-off"],
)
async def test_what_cannot_take_its_place_stays_words(answer: str | None) -> None:
    outcome, _, heard = await fix(answer)
    assert isinstance(outcome, Words)
    assert outcome.markdown == heard
    assert (answer or "_There is no more: The host is away._") in outcome.markdown


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.ts", "const a = 1;\n\nexport function f(w: number) {\n  return v;\n}\n"),
        ("a.ts", "/** Says it. */\nexport const f = (w: number) => {\n  return v;\n};\n"),
        ("a.py", "class A:\n    @cached\n    @named(1)\n    def f(self, w):\n        return v\n"),
        ("a.py", "# Says it.\nasync def f(w):\n    return v\n"),
    ],
    ids=["export", "constant", "decorators", "comment"],
)
async def test_what_stands_around_the_code_may_be_written_down_again(
    path: str, text: str, line_end: str
) -> None:
    """The model is shown `f` alone and answers with the statement."""
    statement = text.partition("\n\n")[2] or text.removeprefix("class A:\n")
    answer = f"```\n{statement.replace('return v', 'return w')}```"
    outcome, _, _ = await fix(answer, text.replace("\n", line_end), path=path)
    assert isinstance(outcome, Correction)
    assert after(text.replace("\n", line_end), outcome) == text.replace("return v", "return w").replace(
        "\n", line_end
    )


async def test_masked_code_is_never_written_back() -> None:
    text = TEXT.replace("return v", 'return v("ghp_' + "a1B2" * 9 + '")')
    outcome, model, _ = await fix("```python\ndef area(self, w):\n    return w\n```", text)
    assert isinstance(outcome, Words)
    assert "a1B2a1B2" not in model.chats[0][1]["content"]


async def test_syntax_errors_are_seen_without_diagnostics() -> None:
    text = "def area(w):\n    return (w\n"
    outcome, _, _ = await fix("```\ndef area(w):\n    return w\n```", text, diagnostics=())
    assert isinstance(outcome, Correction)
    assert "The code has syntax errors." in outcome.note


@pytest.mark.parametrize(
    ("answer", "is_taken"),
    [("def area(self, w):\n    return w\n", True), ("def area(self, w):\n    return (w\n", False)],
)
async def test_a_file_that_does_not_parse_elsewhere_is_made_no_worse(answer: str, is_taken: bool) -> None:
    text = TEXT + "\n    def c(self:\n        pass\n"
    outcome, _, _ = await fix(f"```python\n{answer}```", text)
    assert isinstance(outcome, Correction) is is_taken


async def test_nothing_to_fix_and_nobody_to_ask() -> None:
    outcome, model, heard = await fix("```\nx\n```", diagnostics=())
    assert isinstance(outcome, Sentence)
    assert "nothing to fix" in outcome.text
    assert (await fix("x", talks=False))[0] == Sentence(NO_MODEL)
    assert (model.chats, heard) == ([], "")


@pytest.mark.parametrize(
    ("markdown", "code"),
    [("```py\na\n```", "a\n"), ("````\n```\n````\n", "```\n"), ("a", None), ("```\na", None), ("", None)],
)
def test_the_only_block(markdown: str, code: str | None) -> None:
    assert only_block(markdown) == code
