"""What holds for any document, any cursor and any model: no exceptions, spans in bounds, nothing outside
touched."""

from __future__ import annotations

import asyncio
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lsp_server.completion.pipeline import Memory
from lsp_server.completion.syntax import LANGUAGES
from lsp_server.text import from_lf, to_lf
from lsp_server.types import (
    Completion,
    CompletionRequest,
    NoCompletion,
    Reason,
    SelectedCompletion,
    Span,
    Trigger,
)

from .scripted import ScriptedEngine, accepted, ask, pieces_of, snapshot_of

ANY_CHARACTER = st.characters(codec=None) | st.sampled_from(
    ["\ud800", "\0", "\r", "\x0b", "\x85", "\u2028", "😀"]
)
CODE_PARTS = st.sampled_from(
    [
        *(
            "def f(x):",
            "if x:",
            "return x",
            "x = 1",
            "foo(",
            "print(",
            "class A",
            "else",
            "end",
            "</p>",
            "<p>",
        ),
        *("{", "}", "(", ")", "[", "]", ";", ":", ",", '"', "'", '"""', "`", "/*", "*/", "//", "#", "\\"),
        *(
            "\n",
            "\n",
            "\n    ",
            "\n        ",
            "\n\t",
            " ",
            "  ",
            "a",
            "self.",
            "<|endoftext|>",
            "\r\n",
            "é😀",
        ),
    ]
)
TEXT = st.lists(CODE_PARTS, max_size=25).map("".join) | st.text(ANY_CHARACTER, max_size=60)
LANGUAGE = st.sampled_from([*LANGUAGES, "other", ""])
TRIGGER = st.sampled_from(list(Trigger))
ENDS = st.sampled_from(["eos", "limit", "word", ""])

many_examples = settings(max_examples=300, deadline=None)


def run(
    request: CompletionRequest, answer: str, ends: str = "eos", memory: Memory | None = None
) -> Completion | NoCompletion:
    engine = ScriptedEngine(pieces_of(to_lf(answer)), ends)
    result = asyncio.run(ask(request, engine, memory))
    assert engine.n_open == 0
    return result


@st.composite
def requests(draw: st.DrawFn) -> CompletionRequest:
    """Mostly at a place that exists, at times with an entry that mostly stands at the cursor."""
    text = draw(TEXT)
    offset = draw(st.integers(0, len(text)) | st.integers(-1, len(text) + 1))
    selected = None
    if draw(st.integers(0, 3)) == 0:
        near = Span(max(offset - draw(st.integers(0, 3)), 0), offset + draw(st.integers(0, 1)))
        far = Span(draw(st.integers(-1, len(text) + 1)), draw(st.integers(-1, len(text) + 1)))
        selected = SelectedCompletion(draw(st.sampled_from([near, far])), draw(TEXT))
    return CompletionRequest(snapshot_of(text, draw(LANGUAGE)), offset, draw(TRIGGER), selected)


@many_examples
@given(request=requests(), answer=TEXT, ends=ENDS)
def test_any_request_gets_a_completion_in_place_or_a_reason(
    request: CompletionRequest, answer: str, ends: str
) -> None:
    result = run(request, answer, ends)
    if isinstance(result, NoCompletion):
        assert result.reason is not Reason.INTERNAL_ERROR, result.detail
        return
    text, span = request.snapshot.text, result.span
    assert 0 <= span.start <= request.offset <= span.end + 1 <= len(text) + 1
    assert not re.search(r"[\r\n]", text[span.start : span.end])
    after = accepted(text, result)
    assert after.startswith(text[: span.start])
    assert after.endswith(text[span.end :])
    if request.selected is None:
        cursor = min(request.offset, span.end)  # inside of \r\n it counts as before it
        assert result.text.startswith(text[span.start : cursor])
        assert len(result.text) > cursor - span.start


@many_examples
@given(request=requests(), answer=TEXT, n_typed=st.integers(0, 40))
def test_typing_a_suggestion_does_not_change_it(
    request: CompletionRequest, answer: str, n_typed: int
) -> None:
    request = CompletionRequest(request.snapshot, request.offset, request.trigger)
    memory = Memory()
    shown = run(request, answer, memory=memory)
    if isinstance(shown, NoCompletion) or shown.span.end < request.offset:
        return
    text, at = request.snapshot.text, request.offset
    rest = shown.text[at - shown.span.start :]
    typed = rest[: n_typed % len(rest)]
    if typed.endswith("\r"):
        typed = typed[:-1]
    later = CompletionRequest(
        snapshot_of(text[:at] + typed + text[at:], request.snapshot.language_id),
        at + len(typed),
        request.trigger,
    )
    again = run(later, "the model must not be asked", memory=memory)
    assert isinstance(again, Completion), again
    assert again.is_cached
    assert accepted(later.snapshot.text, again) == accepted(text, shown)


@many_examples
@given(text=TEXT, at=st.integers(0, 200), language_id=LANGUAGE, answer=TEXT, trigger=TRIGGER)
@example(
    text="def f():\n    \n",
    at=13,
    language_id="python",
    answer="a = 1\n    return a",
    trigger=Trigger.INVOKED,
)
def test_line_ends_make_no_difference(
    text: str, at: int, language_id: str, answer: str, trigger: Trigger
) -> None:
    unix = to_lf(text)
    at = min(at, len(unix))
    windows = from_lf(unix, "\r\n")
    at_windows = len(from_lf(unix[:at], "\r\n"))
    one = run(CompletionRequest(snapshot_of(unix, language_id), at, trigger), answer)
    other = run(CompletionRequest(snapshot_of(windows, language_id), at_windows, trigger), answer)
    if isinstance(one, NoCompletion):
        assert one == other
        return
    assert isinstance(other, Completion)
    assert to_lf(accepted(windows, other)) == accepted(unix, one)
    assert "\n" not in unix or accepted(windows, other) == from_lf(accepted(unix, one), "\r\n")
