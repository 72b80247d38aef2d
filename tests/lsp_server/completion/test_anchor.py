"""The anchor: the prompt grows at its end while a person types, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.completion.anchor import (
    MAX_TYPED_CHARS,
    N_PLACES,
    REST_SHARE,
    REST_TYPED_CHARS,
    WINDOW_STEP_CHARS,
    Anchor,
    Anchors,
    anchor_at_cursor,
    begun_word,
)
from lsp_server.completion.context import CompletionContext, build_context
from lsp_server.completion.prompt import build_options, build_prompt
from lsp_server.settings import CompletionSettings
from lsp_server.types import SelectedCompletion, Snippet, Span
from model.protocol import Shown

from .scripted import context_at, request_at

URI = "file:///w/a"
BUDGET = 1536
START = "import os\nx = ▮\nprint(x)\n"


def typed_at(anchors: Anchors, drawn: str, budget_tokens: int = BUDGET, *, is_open: bool = False) -> str:
    """What stands between the anchor and the cursor."""
    context = context_at(drawn)
    return anchors.place(context, budget_tokens, is_open=is_open).split(context)[1]


@pytest.mark.parametrize(
    ("drawn", "begun"),
    [
        ("x = ▮", " "),
        ("x = comp▮", " comp"),
        ("x = os.pa▮", "pa"),
        ("x = (▮", ""),
        ("    ret▮", "    ret"),
        ("def f():\n    ▮", ""),
        ("\tx▮", "\tx"),
        ("a" * 41 + "▮", ""),
        (" " * 90 + "x▮", " x"),
        ("▮", ""),
    ],
)
def test_a_word_that_was_begun(drawn: str, begun: str) -> None:
    context = context_at(drawn)
    prompt = build_prompt(context, Anchors().place(context, BUDGET))
    assert prompt.begun == begun_word(context) == begun
    assert prompt.middle == begun, "the anchor stands before it"
    assert prompt.healed().prefix + begun == context.prefix


def test_an_entry_of_the_menu_is_whole() -> None:
    entry = SelectedCompletion(Span(10, 11), "os")
    context = build_context(request_at("import os\nx▮", selected=entry), CompletionSettings())
    assert isinstance(context, CompletionContext)
    assert begun_word(context) == ""


def test_it_is_set_where_the_word_at_the_cursor_begins() -> None:
    context = context_at(START)
    prompt = build_prompt(context, Anchors().place(context, BUDGET))
    assert (prompt.prefix, prompt.middle, prompt.suffix) == ("import os\nx =", " ", "\nprint(x)\n")
    assert (prompt.path, prompt.repository) == ("src/a", "w")


@pytest.mark.parametrize("typed", ["o", "os.path", "1\ny = 2", "x" * (MAX_TYPED_CHARS - 1)])
def test_it_stays_while_text_grows_behind_it(typed: str) -> None:
    anchors = Anchors()
    assert typed_at(anchors, START) == " "
    assert typed_at(anchors, START.replace("▮", typed + "▮")) == " " + typed


def test_prompts_of_one_anchor_differ_in_their_middle_only() -> None:
    anchors = Anchors()
    contexts = [context_at(START.replace("▮", "os.path"[:n] + "▮")) for n in range(8)]
    prompts = [build_prompt(context, anchors.place(context, BUDGET)) for context in contexts]
    assert len({(prompt.prefix, prompt.suffix) for prompt in prompts}) == 1
    assert [prompt.middle for prompt in prompts] == [" " + "os.path"[:n] for n in range(8)]
    assert all(
        prompt.prefix + prompt.middle == context.prefix
        for prompt, context in zip(prompts, contexts, strict=True)
    )


def test_it_stays_when_what_was_typed_is_deleted() -> None:
    anchors = Anchors()
    typed_at(anchors, START)
    assert typed_at(anchors, START.replace("▮", "os▮")) == " os"
    assert typed_at(anchors, START.replace("▮", "o▮")) == " o"
    assert typed_at(anchors, START) == " "


@pytest.mark.parametrize(
    "moved",
    [
        "import os\nx ▮\nprint(x)\n",
        "import re\nx = (▮\nprint(x)\n",
        "import os\nx = (▮\nprint(y)\n",
        "import os\nx = \nprint(x)\n▮",
        "import os\nx = a\nb\nc\n▮\nprint(x)\n",
        "import os\nx = " + "y" * (MAX_TYPED_CHARS + 1) + "▮\nprint(x)\n",
    ],
)
def test_it_moves_to_the_cursor(moved: str) -> None:
    anchors = Anchors()
    typed_at(anchors, START)
    before = anchors.get(URI)
    assert typed_at(anchors, moved) == begun_word(context_at(moved))
    assert anchors.get(URI) != before


@pytest.mark.parametrize("closed", [")", "])", '"', "}"])
def test_what_the_editor_closes_is_no_other_suffix(closed: str) -> None:
    """Nor is it in the prompt: the model writes it itself, and the filters see that it stands there."""
    anchors = Anchors()
    typed_at(anchors, START)
    typed = START.replace("▮", f"f(▮{closed}")
    assert typed_at(anchors, typed) == " f("
    context = context_at(typed)
    assert build_prompt(context, anchors.place(context, BUDGET)).suffix == "\nprint(x)\n"


class TestOpen:
    """Where the layout ends with the prefix, only the suffix, the snippets and the start are frozen."""

    def test_the_prefix_ends_at_the_cursor(self) -> None:
        anchors = Anchors()
        for typed in ("", "os.path", "y" * 4000, "1\n" * 40):
            context = context_at(START.replace("▮", typed + "▮"))
            prompt = build_prompt(context, anchors.place(context, BUDGET, is_open=True))
            assert (prompt.prefix, prompt.middle) == (context.prefix, "")
        assert anchors.get(URI) == Anchor(0, "import os\nx =", "\nprint(x)\n", BUDGET, is_open=True)

    def test_another_suffix_is_another_anchor(self) -> None:
        anchors = Anchors()
        typed_at(anchors, START, is_open=True)
        before = anchors.get(URI)
        typed_at(anchors, START.replace("print(x)", "print(y)"), is_open=True)
        assert anchors.get(URI) != before

    def test_it_moves_when_the_window_is_too_long(self) -> None:
        anchors = Anchors()
        typed_at(anchors, "▮", 64, is_open=True)
        typed_at(anchors, "x = 1\n" * 4000 + "▮", 64, is_open=True)
        anchor = anchors.get(URI)
        assert anchor is not None and anchor.start > 0

    def test_another_kind_of_model_is_another_anchor(self) -> None:
        anchors = Anchors()
        typed_at(anchors, START, is_open=True)
        assert typed_at(anchors, START) == " "


class TestRest:
    """What is prepared while nobody types."""

    LINES = "".join(f"line_{n} = {n}\n" for n in range(40))

    @pytest.mark.parametrize("is_open", [False, True])
    def test_what_was_evaluated_is_what_later_prompts_begin_with(self, is_open: bool) -> None:
        context = context_at(self.LINES + "x = y▮\nafter()\nlast()\n")
        anchor = anchor_at_cursor(context, BUDGET, is_open=is_open)
        prepared = anchor.prepared(context, Shown(100, 9))
        prompt = build_prompt(context, prepared).healed()
        assert prompt.prefix + prompt.middle == (self.LINES + "x =")[-100:]
        assert prompt.suffix == "\nafter()\n"
        assert prepared.holds_at_rest(context, is_open)
        further = context_at(self.LINES + "x = yz(1▮\nafter()\nlast()\n")
        assert prepared.holds(further, BUDGET, is_open=is_open)
        typed = build_prompt(further, prepared)
        assert (typed.prefix + typed.middle).startswith(prompt.prefix)

    def test_snippets_that_were_not_shown_are_given_up(self) -> None:
        context = context_at(START)
        snippets = tuple(Snippet(f"{name}.py", "...", "imported") for name in "abc")
        anchor = replace(anchor_at_cursor(context, BUDGET), snippets=snippets)
        assert anchor.prepared(context, Shown(snippets=(0, 2))).snippets == (snippets[0], snippets[2])

    def test_an_anchor_that_was_never_prepared_is_due(self) -> None:
        context = context_at(START)
        assert anchor_at_cursor(context, BUDGET).is_due(context)

    @pytest.mark.parametrize(
        ("typed", "is_open", "is_due"),
        [
            ("os.path", False, False),
            ("y" * (REST_TYPED_CHARS + 1), False, True),
            ("1\ny\nz", False, True),
            ("1\ny\nz", True, False),
            ("y" * int(BUDGET * REST_SHARE + 1), True, True),
        ],
    )
    def test_it_is_due_when_much_was_typed(self, typed: str, is_open: bool, is_due: bool) -> None:
        context = context_at(START)
        prepared = anchor_at_cursor(context, BUDGET, is_open=is_open).prepared(context, Shown())
        assert prepared.is_due(context_at(START.replace("▮", typed + "▮"))) == is_due

    def test_it_is_due_when_the_suffix_is_another_one(self) -> None:
        context = context_at(START)
        prepared = anchor_at_cursor(context, BUDGET).prepared(context, Shown())
        assert prepared.is_due(context_at(START.replace("▮", "f(▮)")))


class TestTurningBack:
    """Between two places of a document; both prompts are still there."""

    ABOVE = "".join(f"line_{n} = {n}\n" for n in range(40))
    TEXT = f"{ABOVE}def one():\n    ▮\n\ndef two():\n    return 2\n\ndef three():\n    △\n"

    @staticmethod
    def at(anchors: Anchors, drawn: str, *, is_open: bool = True, name: str = "a") -> Anchor:
        """The anchor there with what was found, as if its prompt had been evaluated."""
        context = context_at(drawn)
        anchor = anchors.place(context, BUDGET, is_open=is_open)
        if anchor.snippets is None:
            anchor = anchors.freeze_snippets(URI, anchor, found(name))
            shown = Shown(len(context.prefix), len(context.suffix), (0,))
            anchor = anchor.prepared(context, shown)
            anchors.put(URI, anchor)
        return anchor

    def test_its_anchor_is_found_again(self) -> None:
        anchors = Anchors()
        here, there = self.TEXT.replace("△", ""), self.TEXT.replace("▮", "").replace("△", "▮")
        first = self.at(anchors, here, name="a")
        second = self.at(anchors, there, name="b")
        assert (first.snippets, second.snippets) == (found("a"), found("b"))
        assert self.at(anchors, here.replace("▮", "x = 1▮"), name="c") == first
        assert self.at(anchors, there, name="c") == second

    def test_also_when_text_came_in_above_it(self) -> None:
        anchors = Anchors()
        more = "".join(f"more_{n} = {n}\n" for n in range(2000))
        long = self.TEXT.replace("def two", more + "def two")
        there = long.replace("▮", "").replace("△", "▮")
        second = self.at(anchors, there, name="b")
        self.at(anchors, long.replace("△", ""), name="a")
        again = self.at(anchors, there.replace("def one():\n", "def one():\n    return 1\n"), name="c")
        assert second.start > 0
        assert again == replace(second, start=second.start + 13, prepared_at=second.prepared_at + 13)

    def test_not_when_the_text_after_it_is_another_one(self) -> None:
        anchors = Anchors()
        here, there = self.TEXT.replace("△", ""), self.TEXT.replace("▮", "").replace("△", "▮")
        self.at(anchors, here, is_open=False, name="a")
        self.at(anchors, there, is_open=False, name="b")
        changed = here.replace("return 2", "return 3")
        assert self.at(anchors, changed, is_open=False, name="c").snippets != found("a")

    def test_few_places_are_remembered(self) -> None:
        anchors = Anchors()
        for n in range(3 * N_PLACES):
            lines = self.ABOVE.splitlines(keepends=True)
            self.at(anchors, "".join(lines[: n + 2]) + "▮\n" + "".join(lines[n + 2 :]), name=f"f{n}")
        assert len(anchors._left[URI]) == N_PLACES
        anchors.forget(URI)
        assert not anchors._left


class TestBlind:
    """The model is shown nothing behind the cursor: other places of the window have the same prompt."""

    FAR = "".join(f"line_{n} = {n}\n" for n in range(400))
    TEXT = f"{FAR}def one():\n    △\n\ndef two():\n    ▮\n\n{FAR}def three():\n    ◇\n"

    def cursor_at(self, mark: str, typed: str = "") -> CompletionContext:
        drawn = self.TEXT.replace(mark, typed + "@")
        for other in "△▮◇":
            drawn = drawn.replace(other, "")
        return context_at(drawn.replace("@", "▮"))

    def anchors_at_two(self) -> Anchors:
        anchors, context = Anchors(), self.cursor_at("▮")
        anchor = anchors.place(context, BUDGET, is_open=True)
        anchor = anchors.freeze_snippets(URI, anchor, found("a"))
        anchors.put(URI, anchor.prepared(context, Shown(1000, 0, (0,))))
        return anchors

    def test_it_holds_nearby_until_a_long_pause(self) -> None:
        anchors, there = self.anchors_at_two(), self.cursor_at("△", "x")
        before = anchors.get(URI)
        assert before is not None
        assert anchors.place(there, BUDGET, is_open=True) is before
        assert before.holds_at_rest(there, is_open=True)
        assert before.is_from_elsewhere(there)
        assert not before.is_from_elsewhere(self.cursor_at("▮", "x"))

    def test_with_the_suffix_shown_it_does_not(self) -> None:
        anchors, context = Anchors(), self.cursor_at("▮")
        anchor = anchors.freeze_snippets(URI, anchors.place(context, BUDGET, is_open=True), found("a"))
        anchors.put(URI, anchor.prepared(context, Shown(1000, 100, (0,))))
        assert anchors.place(self.cursor_at("△"), BUDGET, is_open=True).snippets is None

    def test_further_off_a_new_one_has_its_snippets(self) -> None:
        anchors, there = self.anchors_at_two(), self.cursor_at("◇")
        anchor = anchors.place(there, BUDGET, is_open=True)
        assert anchor.prepared_at < 0
        assert anchor.snippets == found("a")
        assert anchor.is_from_elsewhere(there)

    def test_with_too_little_left_of_its_window_it_does_not_hold(self) -> None:
        anchors = self.anchors_at_two()
        above = context_at(self.TEXT.partition("△")[0][:-700] + "▮\n")
        before, anchor = anchors.get(URI), anchors.place(above, BUDGET, is_open=True)
        assert before is not None
        assert anchor.start < before.start


def test_another_budget_is_another_window() -> None:
    anchors = Anchors()
    typed_at(anchors, START)
    before = anchors.get(URI)
    typed_at(anchors, START.replace("▮", "o▮"), budget_tokens=64)
    assert anchors.get(URI) != before


def test_snippets_are_frozen_with_it() -> None:
    anchors, context = Anchors(), context_at(START)
    snippets = (Snippet("b.py", "def b(): ...", "imported"),)
    frozen = anchors.freeze_snippets(context.snapshot.uri, anchors.place(context, BUDGET), snippets)
    assert anchors.place(context_at(START.replace("▮", "o▮")), BUDGET) == frozen
    assert [(s.path, s.text) for s in build_prompt(context, frozen).snippets] == [("b.py", "def b(): ...")]


def test_snippets_that_come_after_the_anchor_has_moved_are_not_kept() -> None:
    anchors, context = Anchors(), context_at(START)
    old = anchors.place(context, BUDGET)
    new = anchors.place(context_at("x▮"), BUDGET)
    anchors.freeze_snippets(context.snapshot.uri, old, ())
    assert anchors.place(context_at("x▮"), BUDGET) is new


def found(*names: str) -> tuple[Snippet, ...]:
    text = "\n".join(f"def {name}():" for name in names)
    return (Snippet("other.py", text, "likely"),) if names else ()


def anchored(anchors: Anchors, drawn: str, *names: str) -> list[str]:
    """The snippets of a new anchor for which so much was found."""
    anchors.lift(URI)
    anchor = anchors.place(context_at(drawn), BUDGET)
    return [item.text for item in anchors.freeze_snippets(URI, anchor, found(*names)).snippets or ()]


def test_the_next_anchor_appends_to_the_snippets() -> None:
    anchors = Anchors()
    assert anchored(anchors, START, "a", "b") == ["def a():\ndef b():"]
    assert anchored(anchors, START, "c", "a") == ["def a():\ndef b():", "def c():"]
    assert anchored(anchors, START) == ["def a():\ndef b():", "def c():"]


def test_a_pause_redoes_the_order_once() -> None:
    anchors = Anchors()
    anchored(anchors, START, "a", "b")
    assert not anchors.end_epoch(URI)
    anchored(anchors, START, "c", "a")
    assert anchors.end_epoch(URI)
    assert not anchors.end_epoch(URI)
    assert anchored(anchors, START, "c", "a") == ["def c():\ndef a():"]


def test_snippets_that_were_left_out_do_not_come_back() -> None:
    anchors = Anchors()
    anchored(anchors, START, "a", "b")
    anchored(anchors, START, "c", "a")
    anchor = anchors.get(URI)
    assert anchor is not None
    anchors.put(URI, anchor.prepared(context_at(START), Shown(n_prefix=5, snippets=(0,))))
    assert anchored(anchors, START, "b", "a") == ["def a():\ndef b():"]


def test_another_document_has_its_own_order() -> None:
    anchors = Anchors()
    anchored(anchors, START, "a", "b")
    anchors.forget(URI)
    assert anchored(anchors, START, "c", "a") == ["def c():\ndef a():"]


def test_few_documents_are_remembered() -> None:
    anchors = Anchors(n_kept=2)
    context = context_at(START)
    for name in "abc":
        anchors._keep(name, anchor_at_cursor(context, BUDGET))
    assert len(anchors) == 2
    anchors.forget("c")
    assert len(anchors) == 1
    anchors.clear()
    assert len(anchors) == 0


class TestWindow:
    """Long documents are cut around the cursor."""

    BUDGET = 100
    LINES = "".join(f"line_{n} = {n}\n" for n in range(2000))

    def anchor(self, n_chars: int) -> Anchor:
        at = self.LINES.index("\n", n_chars) + 1
        return anchor_at_cursor(context_at(self.LINES[:at] + "▮" + self.LINES[at:]), self.BUDGET)

    def test_it_holds_whole_lines_and_ends_at_the_cursor(self) -> None:
        anchor = self.anchor(20_000)
        assert self.LINES[anchor.start - 1] == "\n"
        assert anchor.suffix.endswith("\n")
        assert self.LINES[anchor.start :].startswith(anchor.prefix + anchor.suffix)
        assert self.BUDGET * 5 <= len(anchor.prefix) <= self.BUDGET * 5 + 2 * WINDOW_STEP_CHARS

    def test_its_start_moves_in_coarse_steps(self) -> None:
        starts = {self.anchor(n_chars).start for n_chars in range(20_000, 20_000 + WINDOW_STEP_CHARS, 50)}
        assert len(starts) <= 2

    def test_one_endless_line_is_cut_somewhere(self) -> None:
        anchor = anchor_at_cursor(context_at("x" * 50_000 + "▮" + "y" * 50_000), self.BUDGET)
        assert len(anchor.prefix) <= self.BUDGET * 5 + 2 * WINDOW_STEP_CHARS
        assert len(anchor.suffix) == self.BUDGET * 2


def test_how_to_decode() -> None:
    settings = CompletionSettings(max_tokens=80, t_max_predict_ms=300)
    line = build_options(context_at("x = ▮"), settings)
    block = build_options(context_at("def f():▮"), settings)
    empty_line = build_options(context_at("foo(\n    ▮\n)"), settings)
    assert (line.n_predict, line.stop, line.t_max_predict_ms) == (40, ("\n",), 300)
    assert (block.n_predict, block.stop) == (80, ())
    assert (empty_line.n_predict, empty_line.stop) == (40, ())
    assert build_options(context_at("x = ▮"), CompletionSettings(max_tokens=8)).n_predict == 8
