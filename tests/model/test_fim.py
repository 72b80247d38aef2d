"""The FIM table: every family's layout against its golden file, and who is recognised as what."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.fim import (
    CONTROL_TOKENS,
    FAMILIES,
    FILE_DECIDES,
    NONE,
    Family,
    Order,
    family,
    find_control_ids,
    layout,
    recognise,
)
from model.protocol import FimPrompt, ModelRefused, PromptSnippet, SegmentKind

ROOT = Path(__file__).parents[2]
ROWS = (*FAMILIES, NONE)
GOLDEN = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in (ROOT / "tests/golden/prompts").glob("*.toml")
}
PROMPT = FimPrompt(
    prefix="def area(r):\n    ",
    suffix="\n\nprint(area(2))\n",
    middle="ret",
    path="src/geometry.py",
    repository="shapes",
    snippets=(
        PromptSnippet("src/units.py", "PI = 3.14159\n"),
        PromptSnippet("src/check.py", "def positive(x): ..."),
    ),
)


def show(row: Family, prompt: FimPrompt) -> str:
    """Control tokens in brackets, so that they cannot be taken for text."""
    names = {FILE_DECIDES: "BOS?"}
    return "".join(
        f"⟦{names.get(part.text, part.text)}⟧" if part.is_control else part.text
        for part in layout(row, prompt)
    )


def test_every_family_has_a_golden_file() -> None:
    assert set(GOLDEN) == {row.name for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_layout(row: Family) -> None:
    golden = GOLDEN[row.name]
    assert show(row, replace(PROMPT, path="")) == golden["file"]
    assert show(row, PROMPT) == golden["repository"]
    assert row.order == golden["order"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_segments_hold_the_whole_prompt(row: Family) -> None:
    """Nothing is lost and nothing is reordered within a part."""
    shown = layout(row, PROMPT)

    def text(*kinds: SegmentKind) -> str:
        return "".join(part.text for part in shown if part.kind in kinds and not part.is_control)

    assert text(SegmentKind.PREFIX, SegmentKind.MIDDLE).endswith(PROMPT.prefix + PROMPT.middle)
    assert text(SegmentKind.SUFFIX) == ("" if row.order is Order.PREFIX_ONLY else PROMPT.suffix)
    assert [part.path for part in shown if part.kind is SegmentKind.MIDDLE] in ([], ["src/geometry.py"] * 2)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_empty_parts_leave_the_control_tokens(row: Family) -> None:
    shown = layout(row, FimPrompt("", ""))
    assert {part.text for part in shown if part.is_control} - {row.bos} == row.required - row.needs
    assert not [part for part in shown if not part.is_control]


def recognised() -> list[Any]:
    return [
        pytest.param(file["architecture"], file["name"], name, id=f"{name}-{file['name']}")
        for name, golden in sorted(GOLDEN.items())
        for file in golden["recognised"]
    ]


@pytest.mark.parametrize(("architecture", "name", "expected"), recognised())
def test_recognises(architecture: str, name: str, expected: str) -> None:
    tokens = ["a", "b", *GOLDEN[expected]["tokens"]]
    assert recognise(tokens, architecture, name).name == expected
    assert recognise(frozenset(tokens), architecture, name).name == expected


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.name)
def test_a_name_alone_is_not_enough(row: Family) -> None:
    for architecture in (*row.architectures, "llama"):
        for name in row.names:
            assert recognise(["<s>", "</s>", "a"], architecture, name) is NONE


def test_a_mistral_with_fim_tokens_is_no_codestral() -> None:
    """Mistral puts [SUFFIX] into vocabularies of models that were never trained to fill."""
    assert recognise(GOLDEN["codestral"]["tokens"], "llama", "Mistral Nemo Instruct") is NONE


def test_edgewise_is_told_from_qwen_by_its_name() -> None:
    tokens = GOLDEN["edgewise"]["tokens"]
    assert recognise(tokens, "llama", "edgewise").name == "edgewise"
    assert recognise(tokens, "qwen2", "Qwen2.5-Coder-0.5B").name == "qwen-coder"


def test_override_by_name() -> None:
    assert [family(row.name) for row in ROWS] == list(ROWS)
    with pytest.raises(ModelRefused, match=r'no FIM family "coder": .* edgewise, .* none\.'):
        family("coder")


def test_no_repository_layout_without_its_tokens() -> None:
    row = family("qwen-coder")
    assert row.for_vocabulary(row.tokens) is row
    less = row.for_vocabulary(row.required)
    assert show(less, PROMPT) == GOLDEN["qwen-coder"]["file"]


def test_every_known_control_token_is_found() -> None:
    tokens = ["def", *sorted(CONTROL_TOKENS), "x"]
    ids = find_control_ids(tokens)
    assert set(ids) == CONTROL_TOKENS
    assert all(tokens[index] == name for name, index in ids.items())
    assert all(row.tokens <= CONTROL_TOKENS for row in ROWS)


def test_each_row_states_its_source() -> None:
    assert all(len(row.source) > 20 for row in ROWS)


def test_the_built_in_layout_is_the_one_it_was_trained_on() -> None:
    """LAYOUT.md is what the lab trains; the table is what the session builds."""
    text = (ROOT / "model/lab/LAYOUT.md").read_text("utf-8")
    trained = dict(re.findall(r"^(HEADER|SNIPPET|PATH|SPM|PLAIN) += (\S.*?)(?:  +.*)?$", text, re.MULTILINE))
    row = family("edgewise")
    words = {"{repository}": "NAME", "{path}": "PATH", "{text}": "TEXT", "\n": "⏎"}
    words |= {"{prefix}": "PREFIX", "{suffix}": "SUFFIX", "{typed}": "PREFIX"}

    def as_trained(template: str) -> str:
        for field, word in words.items():
            template = template.replace(field, word)
        return template

    assert row.header == family("edgewise-prefix").header
    assert row.snippet == family("edgewise-prefix").snippet
    assert trained["PLAIN"].endswith("PATH? TEXT<|endoftext|>")
    assert family("edgewise-prefix").file == "{typed}"
    assert trained["HEADER"] == as_trained(row.header)
    assert trained["SNIPPET"] == as_trained(row.snippet)
    spm = trained["SPM"].removesuffix("MIDDLE<|endoftext|>")
    assert spm == "HEADER? SNIPPET* PATH? " + as_trained(row.file)
    assert as_trained(row.repository) == "{header}{snippets}" + trained["PATH"] + as_trained(row.file)
    assert row.bos == ""
    assert row.stop[0] == "<|endoftext|>"
