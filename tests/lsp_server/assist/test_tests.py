"""Tests that an instruct model writes: what it is asked, what is streamed, what is said without one."""

from __future__ import annotations

from pathlib import Path

from lsp_server.assist.ports import Sentence, Words
from lsp_server.assist.tests import write_tests
from lsp_server.types import DocumentSnapshot, Span
from tests.lsp_server.assist.scripted_model import ScriptedModel

TEXT = "def area(w: int) -> int:\n    return w\n"


def snapshot_in(folder: Path) -> DocumentSnapshot:
    (folder / "conftest.py").write_text("")
    return DocumentSnapshot("", str(folder / "a.py"), "a.py", str(folder), "python", 1, TEXT)


async def test_asked_for_the_workspaces_framework(tmp_path: Path) -> None:
    model, heard = ScriptedModel("```python\ndef test_area(): ...\n```\n"), []
    outcome = await write_tests(snapshot_in(tmp_path), Span(0, 0), model.talks, heard.append)
    assert isinstance(outcome, Words)
    assert "".join(heard) == outcome.markdown
    assert len(heard) > 3, "piece by piece"
    head = "Tests for `area` ([a.py:1](a.py#L1)), for pytest, which [conftest.py:1](conftest.py#L1) names,"
    assert outcome.markdown.startswith(head)
    assert outcome.markdown.endswith("```python\ndef test_area(): ...\n```\n")
    [[_, user]] = model.chats
    assert "Write tests with pytest." in user["content"]
    assert TEXT.strip() in user["content"]


async def test_without_an_instruct_model(tmp_path: Path) -> None:
    model, heard = ScriptedModel(), []
    outcome = await write_tests(snapshot_in(tmp_path), Span(0, 0), model.completes, heard.append)
    assert isinstance(outcome, Sentence)
    assert "(pytest by conftest.py:1, in test_a.py) needs an instruct model" in outcome.text
    assert "`edgewise.explain.model`" in outcome.text
    assert heard == []


async def test_a_model_that_breaks_off(tmp_path: Path) -> None:
    heard: list[str] = []
    outcome = await write_tests(snapshot_in(tmp_path), Span(0, 0), ScriptedModel().talks, heard.append)
    assert isinstance(outcome, Words)
    assert outcome.markdown.endswith("_There is no more: The host is away._\n")
    assert "".join(heard) == outcome.markdown


async def test_an_untitled_document() -> None:
    snapshot = DocumentSnapshot("untitled:1", "", "untitled", "", "python", 1, TEXT)
    outcome = await write_tests(snapshot, Span(0, 0), ScriptedModel("Words.").talks, lambda text: None)
    assert isinstance(outcome, Words)
    assert "to be put into" not in outcome.markdown
