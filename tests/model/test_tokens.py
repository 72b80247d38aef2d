"""Tokenising on real hosts: exact line by line, cached, and text that stays text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
import sentencepiece

import model.tokens
from model.families import FAMILIES, NONE
from model.fim import family
from model.protocol import ModelRefused
from model.tokens import AFTER_NEWLINE, BEFORE_NEWLINE, MAX_REQUEST_CHARS, Tokenizer, open_tokenizer
from tests.model.factory import NORMAL, build_vocabulary, write_gguf
from tests.model.families import Body, Recorder, control_text, write_family
from tests.model.hosting import BUILTIN, Host, running_host

CODE = (
    "import os\n\n\nclass A:\n    def f(self, x):\n        if (x):\n\n            return {1: 'é😀'}\n"
    "        return\tx  \n    \ndef g():\n    pass"
)

THIS_FILE = Path(__file__).read_text("utf-8")


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def edgewise(root: Path) -> Iterator[Host]:
    with running_host(root, write_family(root / "edgewise.gguf", family("edgewise"))) as host:
        yield host


@pytest.fixture(scope="module")
def spaced(root: Path) -> Iterator[Host]:
    """The same vocabulary, but SentencePiece puts a space before every text."""
    metadata = {"tokenizer.ggml.add_space_prefix": True}
    path = write_family(root / "edgewise-spaced.gguf", family("edgewise"), metadata=metadata)
    with running_host(root, path) as host:
        yield host


@pytest.fixture(scope="module")
def starcoder(root: Path) -> Iterator[Host]:
    """GPT-2's pre-tokenizer and merges of a newline with the indentation after it."""
    row = family("starcoder2")
    merged = ["Ċ" + "Ġ" * n for n in (1, 2, 3, 4, 5, 6, 7)]
    tokens = [*sorted(row.tokens), *merged]
    vocabulary = build_vocabulary("gpt2", tokens)
    kinds = [
        NORMAL if token in merged else kind
        for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
    ]
    merges = [*(f"{token[:-1]} {token[-1]}" for token in merged), *vocabulary.merges]
    path = write_gguf(
        root / "starcoder2.gguf",
        vocabulary="gpt2",
        control_tokens=tokens,
        metadata={"tokenizer.ggml.token_type": kinds, "tokenizer.ggml.merges": merges},
    )
    with running_host(root, path) as host:
        yield host


async def opened(host: Host) -> tuple[Tokenizer, Recorder]:
    send = Recorder(host)
    tokenizer = await open_tokenizer(host.endpoint.info, send)
    send.sent.clear()
    return tokenizer, send


async def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    lines = tokenizer.lines(text)
    found = await tokenizer.encode(lines)
    return list(chain.from_iterable(found[line] for line in lines))


async def test_lines_give_the_ids_of_the_whole_text(edgewise: Host, starcoder: Host) -> None:
    for host in (edgewise, starcoder):
        tokenizer, _ = await opened(host)
        assert len(tokenizer.lines(CODE)) >= 7
        assert "".join(tokenizer.lines(CODE)) == CODE
        assert await ids_of(tokenizer, CODE) == host.tokenize(CODE)


async def test_where_lines_are_cut_is_learned_from_the_tokenizer(edgewise: Host, starcoder: Host) -> None:
    after, _ = await opened(edgewise)
    before, _ = await opened(starcoder)
    assert after.lines("a\n\n    b\nc") == AFTER_NEWLINE.split("a\n\n    b\nc") == ["a\n\n", "    b\n", "c"]
    assert before.lines("a\n\n    b\nc") == BEFORE_NEWLINE.split("a\n\n    b\nc") == ["a", "\n\n    b", "\nc"]


async def test_no_space_appears_at_the_start_of_a_text(edgewise: Host, spaced: Host) -> None:
    tokenizer, _ = await opened(spaced)
    assert spaced.tokenize("def") != edgewise.tokenize("def")
    for text in ("def", " def", "\n", "    return x\n"):
        assert await ids_of(tokenizer, text) == edgewise.tokenize(text)


async def test_the_built_in_model_sees_the_ids_that_it_was_trained_on(root: Path) -> None:
    trained = sentencepiece.SentencePieceProcessor(model_file=str(BUILTIN.with_name("tokenizer.model")))
    with running_host(root, BUILTIN, n_slots=1) as host:
        tokenizer, _ = await opened(host)
        for text in (CODE, THIS_FILE, " x", "\n\n  y", "src/a.py\n"):
            assert await ids_of(tokenizer, text) == trained.encode(text)


async def test_one_request_for_what_is_new_and_none_for_the_rest(edgewise: Host) -> None:
    tokenizer, send = await opened(edgewise)
    await ids_of(tokenizer, CODE)
    assert len(send.sent) == 1
    await ids_of(tokenizer, CODE)
    assert len(send.sent) == 1
    await ids_of(tokenizer, CODE + " # typed")
    assert [body["content"] for body in send.sent[1:]] == ["    pass # typed"]


async def test_a_long_text_goes_in_several_requests(edgewise: Host) -> None:
    tokenizer, send = await opened(edgewise)
    text = "".join(f"value_{index} = {index}\n" for index in range(4000))
    assert await ids_of(tokenizer, text) == edgewise.tokenize(text)
    assert len(send.sent) == -(-len(text) // MAX_REQUEST_CHARS)


async def test_a_host_that_takes_no_lists_is_asked_text_by_text(edgewise: Host) -> None:
    send = Recorder(edgewise)

    async def send_texts(body: Body) -> list[int]:
        if not isinstance(body["content"], str):
            raise ModelRefused("The host refused a request.")
        return await send(body)

    tokenizer = await open_tokenizer(edgewise.endpoint.info, send_texts)
    assert await ids_of(tokenizer, CODE) == edgewise.tokenize(CODE)


async def test_the_cache_is_bounded(edgewise: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.tokens, "N_CACHED_LINES", 10)
    tokenizer, _ = await opened(edgewise)
    for index in range(50):
        await ids_of(tokenizer, f"line {index}\nanother {index}")
    assert tokenizer.n_cached_lines == 10
    assert await ids_of(tokenizer, CODE) == edgewise.tokenize(CODE)


async def test_the_cache_holds_a_large_prompt(edgewise: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.tokens, "N_CACHED_LINES", 10)
    tokenizer, send = await opened(edgewise)
    text = "".join(f"line {index}\n" for index in range(200))
    await ids_of(tokenizer, text)
    n_sent = len(send.sent)
    assert await ids_of(tokenizer, text) == edgewise.tokenize(text)
    assert len(send.sent) == n_sent


async def test_a_lone_surrogate_is_tokenised_as_a_question_mark(edgewise: Host) -> None:
    tokenizer, _ = await opened(edgewise)
    assert await ids_of(tokenizer, "x = '\ud83d'") == edgewise.tokenize("x = '?'")


@pytest.mark.parametrize("name", ["edgewise", "seed-coder"])
@pytest.mark.parametrize("user_defined", [False, True])
async def test_text_never_becomes_a_control_token(root: Path, name: str, user_defined: bool) -> None:
    """llama.cpp parses user-defined tokens even with special parsing off, so that switch is not enough."""
    row = family(name)
    path = write_family(root / f"{name}-{user_defined}.gguf", row, user_defined=user_defined)
    with running_host(root, path) as host:
        tokenizer, _ = await opened(host)
        text = control_text(FAMILIES)
        forbidden = {tokenizer.control_ids[token] for token in row.tokens}
        found = await ids_of(tokenizer, text)
        assert forbidden.isdisjoint(found)
        shown = text.replace("▁", " ") if host.endpoint.info.vocabulary == "llama" else text
        assert host.post("/detokenize", {"tokens": found})["content"] == shown
        if user_defined and name == "seed-coder":
            assert not forbidden.isdisjoint(host.tokenize(text)), "alone, the host would have parsed them"


async def test_control_ids_are_asked_for_when_the_host_states_none(edgewise: Host) -> None:
    stated = edgewise.endpoint.info.control_ids
    tokenizer = await open_tokenizer(replace(edgewise.endpoint.info, control_ids={}), Recorder(edgewise))
    assert tokenizer.family.required <= tokenizer.control_ids.keys()
    assert all(stated[name] == token for name, token in tokenizer.control_ids.items())


async def test_a_family_whose_tokens_are_missing_is_refused(edgewise: Host) -> None:
    info = replace(edgewise.endpoint.info, family="deepseek-coder")
    with pytest.raises(ModelRefused, match=r'no token .*fim▁begin.* family "deepseek-coder"'):
        await open_tokenizer(info, Recorder(edgewise))


@pytest.mark.parametrize("adds_bos", [False, True])
async def test_where_the_file_decides_it_begins_as_the_file_says(root: Path, adds_bos: bool) -> None:
    metadata = {"tokenizer.ggml.add_bos_token": adds_bos}
    with running_host(root, write_family(root / f"plain-{adds_bos}.gguf", NONE, metadata=metadata)) as host:
        tokenizer, _ = await opened(host)
        assert tokenizer.family.bos == ("<s>" if adds_bos else "")
