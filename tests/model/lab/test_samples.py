"""The layout of samples, token by token, and that the server's layout of a prompt is the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from model.fim import family, layout
from model.lab.cases import encode_segments
from model.lab.corpus import SourceFile
from model.lab.samples import (
    CONTEXT,
    MIDDLE,
    NO_LOSS,
    Recipe,
    SampleBuilder,
    encode_context,
    encode_fim,
    package_rows,
    read_sources,
)
from model.lab.tokenizer import Tokenizer
from model.protocol import FimPrompt, PromptSnippet

PARTS = ("prefix", "suffix", "middle")
FILES = [
    SourceFile(
        "pack",
        f"pack/m{n}.py",
        "python",
        f"from pack.m{n - 1} import run{n - 1}\n\n\ndef run{n}(a, b):\n    '''Runs the part {n} of it.'''\n"
        + "".join(f"    value_{i} = run{n - 1}(a, {i})\n" for i in range(30))
        + "    return value_0\n",
    )
    for n in range(1, 9)
]


def show(tokenizer: Tokenizer, ids: list[int]) -> str:
    """The ids as text, control tokens by name."""
    names = {number: name for name, number in tokenizer.control.items()}
    text, run = "", []
    for i in ids:
        if i in names:
            text, run = text + tokenizer.decode(run) + names[i], []
        else:
            run.append(i)
    return text + tokenizer.decode(run)


def test_psm_golden(tokenizer: Tokenizer) -> None:
    ids, kinds = encode_fim(tokenizer, "a = ", ["b", "(1)"], "\nc\n", is_spm=False)
    assert show(tokenizer, ids) == "<|fim_prefix|>a = <|fim_suffix|>\nc\n<|fim_middle|>b(1)<|endoftext|>"
    assert kinds[0] == kinds[ids.index(tokenizer.middle)] == NO_LOSS
    assert set(kinds[ids.index(tokenizer.middle) + 1 :]) == {MIDDLE}
    assert kinds.count(CONTEXT) == len(tokenizer.encode("a = ")) + len(tokenizer.encode("\nc\n"))


def test_spm_golden(tokenizer: Tokenizer) -> None:
    ids, kinds = encode_fim(tokenizer, "a = ", ["b"], "\nc\n", is_spm=True)
    assert show(tokenizer, ids) == "<|fim_suffix|>\nc\n<|fim_middle|>a = b<|endoftext|>"
    assert kinds.count(NO_LOSS) == 2
    assert kinds.count(MIDDLE) == len(tokenizer.encode("b")) + 1


def test_context_golden(tokenizer: Tokenizer) -> None:
    ids = encode_context(
        tokenizer, "pack", [("pack/a.py", "def f():"), ("pack/b.py", "class B:")], "pack/c.py"
    )
    assert show(tokenizer, ids) == (
        "<|repo_name|>pack\n<|file_sep|>pack/a.py\ndef f():\n"
        "<|file_sep|>pack/b.py\nclass B:\n<|file_sep|>pack/c.py\n"
    )


@pytest.mark.parametrize("snippets", [(), (("pack/a.py", "def f():\n    '''It.'''"), ("b.py", "class B:"))])
def test_the_server_lays_out_the_same(tokenizer: Tokenizer, snippets: tuple[tuple[str, str], ...]) -> None:
    prefix, suffix = "import a\n\nx = a.", "\ny = 1\n"
    ours, _ = encode_fim(tokenizer, prefix, [""], suffix, is_spm=True)
    ours = encode_context(tokenizer, "pack", list(snippets), "pack/c.py") + ours[:-1]
    prompt = FimPrompt(prefix, suffix, "", "pack/c.py", "pack", tuple(PromptSnippet(*s) for s in snippets))
    assert encode_segments(tokenizer, layout(family("edgewise"), prompt)) == ours


def test_typed_text_follows_the_prefix(tokenizer: Tokenizer) -> None:
    prompt = FimPrompt("x = ", "\n", "ab", "", "")
    ids = encode_segments(tokenizer, layout(family("edgewise"), prompt))
    assert show(tokenizer, ids) == "<|fim_suffix|>\n<|fim_middle|>x = ab"


def test_rows_hold_whole_samples(tokenizer: Tokenizer, tokenizer_path: Path) -> None:
    ids, kinds = package_rows(FILES, tokenizer_path, Recipe(n_time=256))
    assert ids.shape == kinds.shape
    assert ids.shape[1] == 257
    for row in ids.tolist():
        assert row.count(tokenizer.suffix) == row.count(tokenizer.middle) >= row.count(tokenizer.prefix)
        body = [i for i in row if i != tokenizer.pad]
        assert body[-1] == tokenizer.end
        assert body.count(tokenizer.end) >= max(1, row.count(tokenizer.middle))


def test_rows_depend_on_the_seed_alone(tokenizer_path: Path) -> None:
    first, again, other = (
        package_rows(FILES, tokenizer_path, Recipe(n_time=256, seed=s))[0] for s in (1, 1, 2)
    )
    assert (first == again).all()
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize("spm_rate", [0.0, 1.0])
def test_a_sample_gives_the_file_back(tokenizer: Tokenizer, spm_rate: float) -> None:
    builder = SampleBuilder(tokenizer, Recipe(n_time=4096, fim_rate=1.0, spm_rate=spm_rate))
    builder.rng, builder.room = random.Random(5), 4097
    for _ in range(30):
        ids, _ = builder.body(FILES[0].text, [])
        text = show(tokenizer, ids)
        found = {name: text.partition(f"<|fim_{name}|>")[2].split("<|")[0] for name in PARTS}
        assert found["prefix"] + found["middle"] + found["suffix"] == FILES[0].text


def test_snippets_come_from_other_files_that_are_used() -> None:
    source = next(s for s in read_sources(FILES, Recipe()) if s.file.path == "pack/m3.py")
    assert [(s.path, s.text) for s in source.used] == [
        ("pack/m2.py", 'def run2(a, b):\n    """Runs the part 2 of it."""')
    ]
