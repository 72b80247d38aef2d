"""The GGUF: both engines read it, and compute what the net computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ctransformers import LLM
from ctransformers.llm import Config

from model.gguf import read_header
from model.lab.engine import Engine
from model.lab.export import deinterleave_rotary, interleave_rotary, read_gguf_net, write_gguf, write_manifest
from model.lab.net import Net
from model.lab.tokenizer import CONTROL, Tokenizer

TEXT = "def decode(self, s):\n    return"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, small_net: Net, tokenizer: Tokenizer) -> Path:
    out = tmp_path_factory.mktemp("export") / "small.gguf"
    write_gguf(small_net, tokenizer, out, "F32")
    return out


@pytest.fixture(scope="module")
def expected(small_net: Net, tokenizer: Tokenizer) -> torch.Tensor:
    """Logits after the text."""
    with torch.no_grad():
        logits: torch.Tensor = small_net(torch.tensor([tokenizer.encode(TEXT)]))[0, -1]
    return logits


def test_rotary_rows_go_there_and_back() -> None:
    weight = torch.randn(64, 16)
    assert (deinterleave_rotary(interleave_rotary(weight, 2), 2) == weight).all()


def test_llama_cpp_computes_the_same(exported: Path, expected: torch.Tensor, tokenizer: Tokenizer) -> None:
    body = {"prompt": tokenizer.encode(TEXT), "n_predict": 1, "temperature": 0, "n_probs": 20}
    answer = Engine(exported, n_threads=1, n_ctx=256).post("/completion", body)
    found = {p["id"]: p["logprob"] for p in answer["completion_probabilities"][0]["top_logprobs"]}
    wanted = expected.log_softmax(-1)
    assert len(found) == 20
    assert all(abs(logprob - float(wanted[i])) < 0.03 for i, logprob in found.items())


def test_ctransformers_computes_the_same(
    exported: Path, expected: torch.Tensor, tokenizer: Tokenizer
) -> None:
    engine = LLM(str(exported), model_type="llama", config=Config(context_length=256, threads=1))
    engine.eval(tokenizer.encode(TEXT))
    assert torch.allclose(torch.tensor(list(engine.logits)), expected, atol=0.03)


def test_llama_cpp_tokenises_the_same(exported: Path, tokenizer: Tokenizer) -> None:
    engine = Engine(exported, n_threads=1, n_ctx=256)
    for text in (TEXT, "  a\n\n\tb = 12  # é", "".join(CONTROL), "<0x0A>", ""):
        assert engine.tokenise(text) == tokenizer.encode(text)


def test_the_header_says_what_it_is(exported: Path, tokenizer: Tokenizer) -> None:
    header = read_header(exported)
    assert (header.architecture, header.vocabulary) == ("llama", "llama")
    assert header.metadata["general.name"] == "edgewise"
    assert header.metadata["tokenizer.ggml.add_space_prefix"] is False
    assert header.metadata["tokenizer.ggml.fim_mid_token_id"] == tokenizer.middle
    assert header.metadata["tokenizer.ggml.eos_token_id"] == tokenizer.end
    assert [header.tokens[i] for i in tokenizer.control.values()] == list(CONTROL)


@pytest.mark.parametrize(("type_name", "most"), [("F32", 0.0), ("F16", 1e-3), ("Q8_0", 1e-2)])
def test_weights_come_back(
    tmp_path: Path, small_net: Net, tokenizer: Tokenizer, type_name: str, most: float
) -> None:
    write_gguf(small_net, tokenizer, tmp_path / "x.gguf", type_name)
    read = read_gguf_net(tmp_path / "x.gguf")
    assert replace(read.shape, norm_eps=1e-5) == small_net.shape
    for (_, ours), (_, theirs) in zip(small_net.named_parameters(), read.named_parameters(), strict=True):
        assert (ours - theirs).abs().max() <= most


def test_the_manifest_names_the_file(tmp_path: Path, exported: Path) -> None:
    copy = tmp_path / "small.gguf"
    copy.write_bytes(exported.read_bytes())
    write_manifest(copy, "0.0", "edgewise")
    text = (tmp_path / "model.toml").read_text()
    assert 'file = "small.gguf"' in text
    assert f"size_bytes = {copy.stat().st_size}" in text
