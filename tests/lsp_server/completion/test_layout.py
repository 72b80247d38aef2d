"""The order of snippets is append-only within an epoch; a long prompt changes at its end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completion.layout import STALE_SHARE, Epoch, begin, lengthen, window_start
from lsp_server.types import Snippet
from model.protocol import FimPrompt, PromptSnippet

LARGE = 1_000_000
BUDGET = 131_072

lines = st.integers(0, 30).map(lambda number: f"def function_{number}():")
snippets = st.builds(
    lambda path, found: Snippet(path, "\n".join(dict.fromkeys(found)), "likely"),
    st.sampled_from(["a.py", "b.py", "c.py"]),
    st.lists(lines, min_size=1, max_size=8),
)
answers = st.lists(snippets, max_size=3, unique_by=lambda snippet: snippet.path).map(tuple)


def shown(epoch: Epoch) -> set[tuple[str, str]]:
    return {(item.path, line) for item in epoch.snippets for line in item.text.splitlines()}


def test_what_is_new_is_appended() -> None:
    epoch = begin([Snippet("a.py", "def a():\ndef b():\ndef c():", "likely")])
    again = epoch.follow([Snippet("a.py", "def d():\ndef a():\ndef b():", "likely")], LARGE)
    assert [item.text for item in again.snippets] == ["def a():\ndef b():\ndef c():", "def d():"]


def test_a_new_member_brings_its_class() -> None:
    epoch = begin([Snippet("a.py", "class A:\n    def a(self):\n    def b(self):", "likely")])
    found = [Snippet("a.py", "class A:\n    def c(self):\n    def a(self):", "likely")]
    assert epoch.follow(found, LARGE).snippets[1].text == "class A:\n    def c(self):"


def test_nothing_found_changes_nothing() -> None:
    epoch = begin([Snippet("a.py", "def a():", "likely")])
    assert epoch.follow([], LARGE) == epoch


def test_the_order_is_redone_when_most_of_it_is_stale() -> None:
    epoch = begin([Snippet("a.py", "def a():\ndef b():\ndef c():", "likely")])
    found = [Snippet("b.py", "def d():", "likely"), Snippet("a.py", "def c():", "likely")]
    assert epoch.follow(found, LARGE) == begin(found)


def test_the_order_is_redone_when_it_is_longer_than_a_prompt_could_hold() -> None:
    epoch = begin([Snippet("a.py", "def a():\ndef b():", "likely")])
    found = [Snippet("a.py", "def a():\ndef b():\ndef c():", "likely")]
    assert epoch.follow(found, 5) == begin(found)


@given(st.lists(answers, min_size=1, max_size=12))
def test_append_only_within_an_epoch(found: list[tuple[Snippet, ...]]) -> None:
    """Every epoch starts with what was shown before, or is ordered by what was found alone."""
    epoch = begin(found[0])
    for answer in found[1:]:
        before, epoch = epoch, epoch.follow(answer, LARGE)
        if epoch.snippets[: len(before.snippets)] == before.snippets:
            wanted = {(item.path, line) for item in answer for line in item.text.splitlines()}
            assert wanted <= shown(epoch)
            assert epoch.is_new is (before.is_new and epoch.snippets == before.snippets)
        else:
            stale = shown(before) - shown(begin(answer))
            assert epoch == begin(answer)
            assert len(stale) > STALE_SHARE * len(shown(before))


FILE = "".join(
    f"def function_{n}(value):\n    first = value + {n}\n    return first * {n}\n\n\n" for n in range(2000)
)
WORKSPACE = tuple(Snippet(f"other_{n}.py", f"OTHER = {n}\n" * 100, "related", n) for n in range(20))
NEAR = (PromptSnippet("near.py", "def near():"),)


def long_prompt(offset: int, text: str = FILE) -> FimPrompt:
    prompt = FimPrompt(text[:offset], text[offset:], path="file.py", snippets=NEAR)
    return lengthen(prompt, WORKSPACE, BUDGET)


def rendered(prompt: FimPrompt) -> str:
    parts = "".join(f"#{item.path}\n{item.text}" for item in prompt.snippets)
    return f"{parts}{prompt.prefix}\0{prompt.suffix}"


def line_starts(text: str) -> list[int]:
    return [index + 1 for index, letter in enumerate(text) if letter == "\n"]


def test_a_long_prompt_holds_the_whole_file_once() -> None:
    prompt = long_prompt(80_000)
    own = [item.text for item in prompt.snippets if item.path == "file.py"]
    below = prompt.suffix
    above = "".join(own)
    assert prompt.prefix and below
    at = above.find(FILE[80_000 + len(below) :][:200])
    assert above[:at] + prompt.prefix == FILE[:80_000]
    assert FILE[80_000:].startswith(below + above[at:])


def test_what_depends_on_the_cursor_comes_last_and_goes_last() -> None:
    prompt = long_prompt(80_000)
    paths = [item.path for item in prompt.snippets]
    assert paths[: len(WORKSPACE)] == [item.path for item in WORKSPACE]
    assert paths[-1] == "near.py"
    ranks = [item.rank for item in prompt.snippets]
    assert prompt.snippets[-1].rank < min(ranks[:-1])
    assert max(ranks[len(WORKSPACE) :]) <= 0 < min(ranks[: len(WORKSPACE)])
    assert max(ranks[len(WORKSPACE) : -1]) < min(ranks[: len(WORKSPACE)])
    assert len(prompt.prefix + prompt.suffix) < 0.04 * BUDGET * 3.4


def test_a_line_later_nearly_all_prompts_share_their_beginning() -> None:
    starts = line_starts(FILE)[4000:4400]
    prompts = [long_prompt(offset) for offset in starts]
    held = [a.snippets == b.snippets for a, b in pairwise(prompts)]
    assert sum(held) >= 0.95 * len(held)


@given(st.integers(0, len(FILE)), st.integers(16_384, BUDGET))
def test_windows_begin_at_definitions(offset: int, budget: int) -> None:
    start = window_start(FILE[:offset], budget)
    assert start == 0 or FILE[start:].startswith("def ")


@pytest.mark.parametrize("text", ["", "x", "x" * 300_000, "\n" * 300_000, "\tx\n" * 100_000])
def test_any_text_can_be_cut(text: str) -> None:
    half = len(text) // 2
    prompt = long_prompt(half, text)
    own = sum(len(item.text) for item in prompt.snippets if item.path == "file.py")
    assert len(prompt.prefix) + len(prompt.suffix) + own <= len(text)
    assert text[:half].endswith(prompt.prefix) and text[half:].startswith(prompt.suffix)
    assert replace(prompt, snippets=()) == FimPrompt(prompt.prefix, prompt.suffix, path="file.py")
