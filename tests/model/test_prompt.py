"""Prompts on a real host: exact in tokens, append-only while typing, and steady."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.families import FAMILIES, NONE
from model.fim import family
from model.prompt import build_prompt, tail
from model.protocol import FimPrompt, ModelRefused, PromptSnippet, SegmentKind, TokenPrompt
from model.tokens import Tokenizer, open_tokenizer
from tests.model.families import Recorder, write_family
from tests.model.hosting import Host, running_host

METHOD = "    def method_{0}(self, value):\n        result = value * {0}\n        return result\n\n"
CLASS = "class Thing_{0}:\n" + METHOD.replace("{0}", "{0}0") + METHOD.replace("{0}", "{0}1")
SOURCE = "".join(CLASS.replace("{0}", str(index)) for index in range(120))
PROMPT = FimPrompt(
    prefix=SOURCE + "\n\ndef last():\n    ",
    suffix="\n\n\n" + SOURCE,
    middle="return",
    path="src/things.py",
    repository="things",
    snippets=tuple(PromptSnippet(f"src/other_{n}.py", f"def other_{n}(x): ...\n" * 5) for n in range(20)),
)
NAMES = ("edgewise", "codellama", "codestral", "starcoder2", "none")


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host]]:
    rows = [row for row in (*FAMILIES, NONE) if row.name in NAMES]
    with tempfile.TemporaryDirectory(prefix="ew") as folder, ExitStack() as running:
        root = Path(folder)
        paths = {row.name: write_family(root / f"{row.name}.gguf", row) for row in rows}
        yield {
            name: running.enter_context(running_host(root, path, n_slots=1)) for name, path in paths.items()
        }


async def opened(host: Host) -> tuple[Tokenizer, Recorder]:
    send = Recorder(host)
    tokenizer = await open_tokenizer(host.endpoint.info, send)
    send.sent.clear()
    return tokenizer, send


def text_of(prompt: TokenPrompt, kind: SegmentKind, tokenizer: Tokenizer) -> str:
    control = tokenizer.control_ids
    return "".join(part.text for part in prompt.segments if part.kind is kind and part.text not in control)


def before_middle(prompt: TokenPrompt) -> list[int]:
    return [token for part in prompt.segments[:-1] for token in part.ids]


@pytest.mark.parametrize("name", NAMES)
async def test_never_more_than_the_budget(hosts: dict[str, Host], name: str) -> None:
    tokenizer, _ = await opened(hosts[name])
    for budget in (8, 16, 31, 64, 100, 257, 512, 1024, 1536, 1999):
        prompt = await build_prompt(tokenizer, PROMPT, budget)
        assert budget * 0.7 - 8 <= len(prompt.ids) <= budget, budget


@pytest.mark.parametrize("name", NAMES)
async def test_ids_are_those_of_the_text(hosts: dict[str, Host], name: str) -> None:
    """What the segments say is what the ids are, control tokens one for one."""
    host = hosts[name]
    tokenizer, _ = await opened(host)
    prompt = await build_prompt(tokenizer, PROMPT, 700)
    for part in prompt.segments:
        control = tokenizer.control_ids.get(part.text)
        assert list(part.ids) == ([control] if control is not None else host.tokenize(part.text))


@pytest.mark.parametrize("name", NAMES)
async def test_the_text_around_the_cursor_is_kept(hosts: dict[str, Host], name: str) -> None:
    tokenizer, _ = await opened(hosts[name])
    prompt = await build_prompt(tokenizer, PROMPT, 600)
    prefix = text_of(prompt, SegmentKind.PREFIX, tokenizer).removeprefix(" " if name == "codellama" else "")
    typed = PROMPT.prefix + (PROMPT.middle if tokenizer.family.joins_middle else "")
    assert len(prefix) > 200
    assert typed.endswith(prefix)
    assert "\n" in (prefix[0], typed[-len(prefix) - 1]), "cut at the end of a line"
    suffix = text_of(prompt, SegmentKind.SUFFIX, tokenizer)
    assert PROMPT.suffix.startswith(suffix)
    assert bool(suffix) == (name != "none")


async def test_shares(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["edgewise"])
    prompt = await build_prompt(tokenizer, PROMPT, 1500)
    spent = {kind: sum(len(p.ids) for p in prompt.segments if p.kind is kind) for kind in SegmentKind}
    assert 0.18 * 1500 <= spent[SegmentKind.SUFFIX] <= 0.25 * 1500
    assert 0.35 * 1500 <= spent[SegmentKind.SNIPPET] <= 0.45 * 1500
    assert spent[SegmentKind.PREFIX] >= 0.2 * 1500
    shown = [part.path for part in prompt.segments if part.kind is SegmentKind.SNIPPET and "def" in part.text]
    assert shown == [snippet.path for snippet in PROMPT.snippets[: len(shown)]]
    assert 0 < len(shown) < 20


async def test_what_a_small_file_leaves_goes_to_snippets(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["edgewise"])
    small = replace(PROMPT, prefix="x = 1\n", suffix="y = 2\n")
    prompt = await build_prompt(tokenizer, small, 1500)
    spent = sum(len(part.ids) for part in prompt.segments if part.kind is SegmentKind.SNIPPET)
    assert spent > 0.8 * 1500


@pytest.mark.parametrize("budget", [512, 1024, 1536])
async def test_typing_only_appends(hosts: dict[str, Host], budget: int) -> None:
    """100 characters typed after the anchor: what stands before them changes at most 4 times."""
    tokenizer, send = await opened(hosts["edgewise"])
    typed = (
        "return self.compute_total(value, 12) + [item for item in values if item.is_valid()] # and so on, ok"
    )
    n_changes, before = 0, None
    for end in range(101):
        prompt = await build_prompt(tokenizer, replace(PROMPT, middle=typed[:end]), budget)
        head = before_middle(prompt) if end else [token for part in prompt.segments for token in part.ids]
        n_changes += before not in (None, head)  # the first differs only in having no middle
        before = head
    assert n_changes <= 4
    assert len(send.sent) <= 1 + 2 * 101


@pytest.mark.parametrize("name", ["edgewise", "none"])
async def test_the_start_seldom_moves_as_the_anchor_does(hosts: dict[str, Host], name: str) -> None:
    """100 characters, each with a new anchor: the first line of the prefix changes at most 4 times."""
    tokenizer, _ = await opened(hosts[name])
    typed = "return 1\n\n\ndef another(value):\n    total = value + 1\n    return total\n\n\n"
    typed += "def third(a):\n    return 3"
    starts = []
    for end in range(101):
        grown = replace(PROMPT, prefix=PROMPT.prefix + typed[:end], middle="")
        prefix = text_of(await build_prompt(tokenizer, grown, 1024), SegmentKind.PREFIX, tokenizer)
        assert grown.prefix.endswith(prefix)
        starts.append(len(grown.prefix) - len(prefix))
    assert len(set(starts)) <= 5


async def test_one_small_request_for_each_keystroke(hosts: dict[str, Host]) -> None:
    tokenizer, send = await opened(hosts["edgewise"])
    await build_prompt(tokenizer, PROMPT, 1024)
    n_cold = len(send.sent)
    assert n_cold <= 3
    for typed in ("return ", "return v", "return va"):
        send.sent.clear()
        await build_prompt(tokenizer, replace(PROMPT, middle=typed), 1024)
        assert [body["content"] for body in send.sent] == ["    " + typed]


async def test_one_line_of_a_minified_file(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["edgewise"])
    line = "".join(f"a{n}=b{n};" for n in range(20_000))
    for budget in (40, 400):
        prompt = await build_prompt(tokenizer, FimPrompt(line, line), budget)
        prefix = text_of(prompt, SegmentKind.PREFIX, tokenizer)
        assert prefix
        assert line.endswith(prefix)
        assert len(prompt.ids) <= budget


async def test_a_typed_part_larger_than_the_budget(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["edgewise"])
    prompt = await build_prompt(tokenizer, replace(PROMPT, middle=SOURCE), 300)
    assert len(prompt.ids) <= 300
    assert SOURCE.endswith(text_of(prompt, SegmentKind.PREFIX, tokenizer))


async def test_a_budget_without_room_is_refused(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["edgewise"])
    with pytest.raises(ModelRefused, match=r"2 tokens are too few .* completion\.prompt_tokens"):
        await build_prompt(tokenizer, PROMPT, 2)


async def test_without_fim_tokens_only_what_precedes_the_cursor_is_shown(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["none"])
    prompt = await build_prompt(tokenizer, replace(PROMPT, prefix="x = [\n    "), 500)
    assert tokenizer.family is not family("edgewise")
    assert [(part.kind, part.text) for part in prompt.segments] == [(SegmentKind.PREFIX, "x = [\n    return")]


@pytest.mark.parametrize("n_chars", [0, 1, 5, 600, 1000, 5000])
def test_tail_starts_at_a_line_or_at_a_fixed_piece(n_chars: int) -> None:
    text = "short\n" + "x" * 3000 + "\nlast\n"
    kept = tail(text, n_chars)
    start = len(text) - len(kept)
    assert text.endswith(kept)
    assert len(kept) <= max(n_chars, 0) or kept == text
    assert start == 0 or text[start - 1 : start] == "\n" or (start - 6) % 512 == 0


@pytest.mark.parametrize("name", ["codestral", "none"])
async def test_a_prepared_prompt_only_grows_while_text_is_typed(hosts: dict[str, Host], name: str) -> None:
    """Where typing comes last in the layout: what was shown at rest, in less room, is what all later prompts
    begin with."""
    tokenizer, _ = await opened(hosts[name])
    budget = 1024
    prepared = await build_prompt(tokenizer, PROMPT, int(budget * 0.85))
    shown = prepared.shown
    kept = replace(
        PROMPT,
        prefix=(PROMPT.prefix + PROMPT.middle)[-shown.n_prefix :],
        middle="",
        suffix=PROMPT.suffix[: shown.n_suffix],
        snippets=tuple(PROMPT.snippets[index] for index in shown.snippets),
    )
    for n_lines in range(6):
        typed = "".join(f" value\n    return {n}" for n in range(n_lines))
        later = await build_prompt(tokenizer, replace(kept, prefix=kept.prefix + typed), budget)
        n_same = len(prepared.ids) - 8  # the line at the cursor is cut into other tokens when it grows
        assert later.ids[:n_same] == prepared.ids[:n_same]


@pytest.mark.parametrize("name", ("edgewise", "starcoder2"))
@settings(deadline=None, max_examples=15)
@given(
    ranks=st.permutations(range(12)),
    sizes=st.lists(st.integers(0, 60), min_size=12, max_size=12),
    budget=st.integers(64, 3000),
    context=st.integers(0, 2000),
)
def test_any_snippets_keep_to_the_budget_and_their_order(
    hosts: dict[str, Host], name: str, ranks: list[int], sizes: list[int], budget: int, context: int
) -> None:
    found = tuple(
        PromptSnippet(f"src/part_{index}.py", f"value = {index}\n" * size, rank)
        for index, (rank, size) in enumerate(zip(ranks, sizes, strict=True))
    )
    asked = replace(PROMPT, snippets=found, context_tokens=context)

    async def build() -> TokenPrompt:
        tokenizer, _ = await opened(hosts[name])
        return await build_prompt(tokenizer, asked, budget)

    prompt = asyncio.run(build())
    snippets = [part for part in prompt.segments if part.kind is SegmentKind.SNIPPET]
    paths = [part.path for part in snippets]
    assert len(prompt.ids) <= budget
    assert paths == sorted(paths, key=lambda path: int(path[len("src/part_") : -len(".py")]))
    assert not context or sum(len(part.ids) for part in snippets) <= context


async def test_a_long_prompt_is_tokenised_in_part(hosts: dict[str, Host]) -> None:
    """Of far more than there is room for, hardly more than is shown; the likeliest is shown."""
    tokenizer, send = await opened(hosts["edgewise"])
    found = tuple(
        PromptSnippet(f"src/part_{n}.py", f"value_{n} = compute({n})\n" * 20, 1000 - n) for n in range(1000)
    )
    prompt = await build_prompt(tokenizer, replace(PROMPT, snippets=found), 20_000)
    assert 0.95 * 20_000 <= len(prompt.ids) <= 20_000
    assert max(prompt.shown.snippets) == 999
    contents = [content for body in send.sent if isinstance(content := body["content"], list)]
    sent = sum(len(part) for content in contents for part in content if isinstance(part, str))
    assert sent < 0.7 * sum(len(snippet.text) for snippet in found)


async def test_neighbours_of_one_file_stand_under_one_path(hosts: dict[str, Host]) -> None:
    tokenizer, _ = await opened(hosts["edgewise"])
    found = tuple(PromptSnippet(path, f"{path}_{n} = 1\n") for n, path in enumerate("aab"))
    prompt = await build_prompt(tokenizer, replace(PROMPT, snippets=found), 1500)
    texts = [part.text for part in prompt.segments if part.kind is SegmentKind.SNIPPET]
    assert [text for text in texts if "=" in text] == ["a_0 = 1\na_1 = 1\n", "b_2 = 1\n"]
