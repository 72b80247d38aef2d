"""What became of the suggestions: each counts once, whoever tells of it and however often it was shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsp_server.trace import ACCEPTED, IGNORED, REJECTED, TraceLog, TraceRecord
from lsp_server.types import Change, Completion, CompletionRequest, Span
from lsp_server.verdicts import MAX_KNOWN, MAX_SHOWN, READ_S, Verdicts

from .completion.scripted import snapshot_of

URI = "file:///w/a"
LINE = "    return val"
WHOLE = "    return values(one, two)"


class Sink:
    def __init__(self) -> None:
        self.records: list[TraceRecord] = []

    def write(self, record: TraceRecord) -> None:
        self.records.append(record)

    def close(self) -> None:
        pass


class Screen:
    """A document with a suggestion at its end; `wait` lets a person read."""

    def __init__(self) -> None:
        self.sink, self.now_s = Sink(), 0.0
        self.verdicts = Verdicts(TraceLog(self.sink), lambda: self.now_s)
        self.text = LINE

    def show(self, item_id: str, whole: str = WHOLE) -> str:
        request = CompletionRequest(snapshot_of(self.text, uri=URI), len(self.text))
        return self.verdicts.show(item_id, request, Completion(whole[4:], Span(4, len(self.text))))

    def wait(self) -> None:
        self.now_s += READ_S

    def type(self, text: str) -> None:
        self.edit(Change(len(self.text), 0, text))

    def edit(self, change: Change | None, text: str = "") -> None:
        if change is not None:
            end = change.offset + change.n_removed
            text = self.text[: change.offset] + change.text + self.text[end:]
        self.text = text
        self.verdicts.on_edit(URI, text, change)

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.verdicts.n_accepted, self.verdicts.n_rejected, self.verdicts.n_ignored

    @property
    def noted(self) -> list[tuple[str, object]]:
        return [(record.method, record.fields["suggestion"]) for record in self.sink.records]


@pytest.fixture
def screen() -> Screen:
    screen = Screen()
    screen.show("a")
    return screen


def test_each_counts_once() -> None:
    screen = Screen()
    for item_id in ("a", "a", "b"):
        screen.verdicts.reject(item_id)
    for item_id in ("b", "c", "c"):
        screen.verdicts.accept(item_id)
    screen.verdicts.reject("c")
    assert screen.counts == (2, 1, 0)
    assert screen.noted == [(REJECTED, "a"), (REJECTED, "b"), (ACCEPTED, "b"), (ACCEPTED, "c")]


def test_a_suggestion_that_is_typed_through_is_one(screen: Screen) -> None:
    screen.type("ues")
    assert screen.show("b") == "a"
    screen.type("(one")
    assert screen.show("c") == "a"
    assert screen.counts == (0, 0, 0)
    screen.type(", two)")
    assert screen.noted == [(ACCEPTED, "a")]
    screen.verdicts.accept("c")  # the editor says so, too
    assert screen.counts == (1, 0, 0)


def test_deleting_back_in_it_is_no_refusal(screen: Screen) -> None:
    screen.wait()
    screen.type("ues(")
    screen.edit(Change(len(LINE) + 2, 2, ""))
    assert screen.text == LINE + "ue"
    assert screen.counts == (0, 0, 0)
    screen.edit(Change(len(LINE) - 1, 3, ""))
    assert screen.counts == (0, 1, 0)


def test_a_bracket_that_the_editor_closes_is_no_refusal(screen: Screen) -> None:
    screen.wait()
    screen.type("ues")
    screen.type("()")
    assert screen.counts == (0, 0, 0)


def test_typed_over_after_it_was_read(screen: Screen) -> None:
    screen.wait()
    screen.type("id")
    assert screen.noted == [(REJECTED, "a")]
    screen.verdicts.reject("a")
    assert screen.counts == (0, 1, 0)


def test_typed_past_before_it_could_be_read(screen: Screen) -> None:
    screen.type("i")
    assert screen.noted == [(IGNORED, "a")]


@pytest.mark.parametrize(
    "leave",
    [
        lambda screen: screen.edit(Change(0, 0, "x")),
        lambda screen: screen.edit(None, "two\nplaces"),
        lambda screen: screen.verdicts.on_cursor(URI, 0),
        lambda screen: screen.verdicts.forget(URI),
        lambda screen: screen.show("b", "    return value"),
    ],
)
def test_left(screen: Screen, leave: Callable[[Screen], object]) -> None:
    screen.wait()
    leave(screen)
    assert screen.noted == [(IGNORED, "a")]
    screen.verdicts.forget(URI)
    screen.verdicts.reject("a")  # a plug-in that tells of it late
    assert screen.verdicts.n_rejected == 1


def test_a_cursor_behind_what_was_typed_leaves_nothing(screen: Screen) -> None:
    screen.type("u")
    screen.verdicts.on_cursor(URI, len(screen.text))
    assert screen.counts == (0, 0, 0)


def test_taken_after_all(screen: Screen) -> None:
    """An editor that changes what it inserts, as formatters do, and says then that it was taken."""
    screen.wait()
    screen.type("ues( one, two )")
    screen.verdicts.accept("a")
    assert screen.counts == (1, 0, 0)


def test_what_is_remembered_is_bounded() -> None:
    screen = Screen()
    for number in range(2 * MAX_KNOWN):
        snapshot = snapshot_of(LINE, uri=f"file:///w/{number}")
        screen.verdicts.show(f"{number}", CompletionRequest(snapshot, 4), Completion("x", Span(4, 4)))
    verdicts = screen.verdicts
    assert (len(verdicts._shown), len(verdicts._suggestions)) == (MAX_SHOWN, MAX_KNOWN)
    assert len(verdicts._verdicts) == MAX_KNOWN
