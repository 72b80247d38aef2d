"""Golden cases: a document with the cursor drawn in it, what a model streams, and what a person then sees.

The cases are `tests/golden/completion/*.toml`; README.md beside them says how to add one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lsp_server.completion.pipeline import Memory
from lsp_server.settings import CompletionSettings
from lsp_server.text import from_lf
from lsp_server.types import (
    Completion,
    CompletionRequest,
    NoCompletion,
    SelectedCompletion,
    Span,
    Trigger,
)

from .scripted import CURSOR, ScriptedEngine, accepted, ask, pieces_of, snapshot_of

FOLDER = Path(__file__).parents[2] / "golden" / "completion"
BACKSPACE = "⌫"


@dataclass(frozen=True)
class Case:
    """One table of a golden file; the field names are the file's."""

    name: str
    language: str
    text: str
    model: str = ""
    expect: str = ""
    reason: str = ""
    ends: str = "eos"
    stops_early: bool | None = None
    trigger: str = "automatic"
    line_end: str = "lf"
    typed: str = ""
    selected: str | None = None
    replaces: str | None = None
    settings: dict[str, object] | None = None


def read_cases() -> Iterator[tuple[str, Case]]:
    for path in sorted(FOLDER.glob("*.toml")):
        for table in tomllib.loads(path.read_text("utf-8"))["case"]:
            case = Case(**table)
            yield f"{path.stem}: {case.name}", case


def start_of(case: Case) -> CompletionRequest:
    """The document, the cursor and the menu's entry from the drawing."""
    drawn = from_lf(case.text, "\r\n" if case.line_end == "crlf" else "\n")
    selected = None
    if case.selected is not None:
        start = drawn.index("«")
        end = drawn.replace(CURSOR, "").index("»") - 1
        selected = SelectedCompletion(Span(start, end), case.selected)
        drawn = drawn.replace("«", "").replace("»", "")
    return CompletionRequest(
        snapshot_of(drawn.replace(CURSOR, ""), case.language),
        drawn.index(CURSOR),
        Trigger(case.trigger),
        selected,
    )


def after_key(request: CompletionRequest, key: str) -> CompletionRequest:
    """The document after one more key."""
    text, at = request.snapshot.text, request.offset
    if key == BACKSPACE:
        return CompletionRequest(
            snapshot_of(text[: at - 1] + text[at:], request.snapshot.language_id), at - 1
        )
    return CompletionRequest(snapshot_of(text[:at] + key + text[at:], request.snapshot.language_id), at + 1)


def draw(request: CompletionRequest, result: Completion) -> str:
    """The document as it would be, the new part between marks. LF, so that every case reads alike."""
    text, span = request.snapshot.text, result.span
    typed = text[span.start : request.offset]
    if request.selected and not result.text.startswith(typed):
        typed = ""
    assert result.text.startswith(typed)
    drawn = text[: span.start] + typed + "⟦" + result.text[len(typed) :] + "⟧" + text[span.end :]
    if "\r\n" in text:
        assert drawn.count("\n") == drawn.count("\r\n"), "a line end that is not the document's"
    assert drawn.replace("⟦", "").replace("⟧", "") == accepted(text, result)
    return drawn.replace("\r\n", "\n")


async def check(case: Case) -> None:
    """Runs one case through the whole pipeline."""
    engine, memory = ScriptedEngine(pieces_of(case.model), case.ends), Memory()
    settings = CompletionSettings.model_validate(case.settings or {})
    request = start_of(case)
    result = await ask(request, engine, memory, settings)
    for key in case.typed:
        request = after_key(request, key)
        result = await ask(request, engine, memory, settings)
        assert isinstance(result, Completion), f"nothing after {key!r}: {result}"
        assert result.is_cached, f"asked the model again after {key!r}"
    if isinstance(result, NoCompletion):
        assert (result.reason.value, case.expect) == (case.reason, ""), result
    else:
        assert draw(request, result) == case.expect
        if case.replaces is not None:
            assert request.snapshot.text[result.span.start : result.span.end] == case.replaces
    if case.stops_early is not None:
        assert engine.was_read_to_the_end != case.stops_early
    assert engine.n_open == 0, "the stream was left open"


CASES = dict(read_cases())


@pytest.mark.parametrize("name", CASES)
async def test_golden(name: str) -> None:
    await check(CASES[name])


def test_no_two_cases_share_a_name() -> None:
    assert len(CASES) == sum(1 for _ in read_cases()) >= 60
