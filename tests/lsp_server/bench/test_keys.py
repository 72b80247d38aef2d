"""Traces: whatever the text and the seed, the keys give the original back."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.bench.keys import Script, cut, write_script
from lsp_server.types import Span

texts = st.text(st.sampled_from("abcxyz_ (.:\n\tÄ🦊"), max_size=120)


@st.composite
def holed(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """A text and parts of it that do not overlap."""
    text = draw(texts)
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return text, [Span(start, end) for start, end in zip(at[::2], at[1::2], strict=False) if start < end]


def replayed(script: Script) -> list[str]:
    """The text after each key."""
    found, text = [], script.start
    for key in script.keys:
        text = key.applied(text)
        found.append(text)
    return found


@given(holed(), st.integers(0, 1000))
def test_replaying_the_keys_gives_the_original(case: tuple[str, list[Span]], seed: int) -> None:
    text, holes = case
    if not holes:
        return
    script = write_script("a.py", text, holes, random.Random(seed))
    assert (replayed(script) or [script.start])[-1] == text


@given(holed(), st.integers(0, 1000))
def test_what_is_left_is_what_the_author_wrote_behind_the_cursor(
    case: tuple[str, list[Span]], seed: int
) -> None:
    text, holes = case
    if len(holes) != 1:
        return
    script = write_script("a.py", text, holes, random.Random(seed))
    for key, after in zip(script.keys, replayed(script), strict=True):
        if len(key.left):
            assert after[: key.cursor] + text[key.left.start : key.left.end] + after[key.cursor :] == text


@given(holed(), st.integers(0, 1000))
def test_time_only_goes_on_and_a_jump_changes_nothing(case: tuple[str, list[Span]], seed: int) -> None:
    text, holes = case
    if not holes:
        return
    for key in write_script("a.py", text, holes, random.Random(seed)).keys:
        assert key.gap_s > 0
        assert not key.is_jump or key.applied(text) == text


CODE = (
    "def f(a):\n" + "".join(f"    value_{n} = call(a, {n})\n" for n in range(40)) + "\n\ndef g():\n    pass\n"
)


def test_a_seed_is_a_trace() -> None:
    holes = [Span(10, len(CODE) - 20)]
    one, same, other = (write_script("a.py", CODE, holes, random.Random(seed)) for seed in (1, 1, 2))
    assert one == same != other


def test_a_person_makes_mistakes_pauses_and_jumps() -> None:
    holes = [Span(10, 500), Span(len(CODE) - 9, len(CODE))]
    keys = write_script("a.py", CODE, holes, random.Random(4)).keys
    assert any(key.n_removed for key in keys)
    assert any(key.gap_s > 0.3 for key in keys)
    assert sum(key.is_jump for key in keys) >= 1
    gaps = sorted(key.gap_s for key in keys)
    assert 0.08 < gaps[len(gaps) // 2] < 0.2


def test_a_cut_script_keeps_its_beginning() -> None:
    script = write_script("a.py", CODE, [Span(10, 200)], random.Random(1))
    assert cut(script, 5).keys == script.keys[:5]
