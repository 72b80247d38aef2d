"""Which engine runs which file, judged by the header alone; and that those judgements are what the
libraries do.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest

from model.engines import Engine, Refusal, choose_engine
from model.engines.ctransformers import CTransformers
from model.engines.llama_cpp import ARCHITECTURES, NOT_GENERATIVE, LlamaCpp
from model.gguf import GgufHeader, read_header
from model.protocol import ModelRefused
from tests.model.factory import write_gguf

# What the libraries do with a file: loads it, says no, or takes the process down with it.
CTRANSFORMERS_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({}, ""),
    "Q4_0": ({"quant": "Q4_0"}, ""),
    "F16": ({"quant": "F16"}, ""),
    "no space": ({"metadata": {"tokenizer.ggml.add_space_prefix": True}}, ""),
    "BF16": ({"quant": "BF16"}, "does not know the quantization BF16"),
    "qwen2": ({"architecture": "qwen2"}, "runs GGUF files of the architecture llama only"),
    "bpe": ({"vocabulary": "gpt2"}, "crashes on vocabularies other than SentencePiece"),
    "no scores": ({"metadata": {"tokenizer.ggml.scores": None}}, "needs a score for every token"),
    "few scores": ({"metadata": {"tokenizer.ggml.scores": [0.5, 0.5]}}, "needs a score for every token"),
    "no kinds": ({"metadata": {"tokenizer.ggml.token_type": None}}, "needs a type for every token"),
    "eos": (
        {"metadata": {"tokenizer.ggml.eos_token_id": 99_999}},
        "crashes on a eos token beyond the vocabulary",
    ),
    "heads": ({"metadata": {"llama.attention.head_count": 0}}, "cannot run 2 layers of 0 attention heads"),
    "layers": ({"metadata": {"llama.block_count": 0}}, "cannot run 0 layers"),
    "norm": ({"metadata": {"llama.attention.layer_norm_rms_epsilon": None}}, "layer_norm_rms_epsilon"),
    "tied": ({"leave_out": ("output.weight",)}, "needs exactly 21 tensors for 2 layers, the file has 20"),
    "yarn": ({"metadata": {"llama.rope.scaling.type": "yarn"}}, "does not know the RoPE scaling 'yarn'"),
}

LOAD = """
import sys
from pathlib import Path
from model.engines.ctransformers.library import Library
from model.gguf import read_header
library = Library(read_header(Path(sys.argv[1])), 64, 1)
library.evaluate(library.encode(b"def"), 0)
library.sample(1, 1.0, 1.0, -1)
"""


@pytest.mark.parametrize("name", CTRANSFORMERS_CASES)
def test_ctransformers_says_beforehand_what_it_cannot_run(tmp_path: Path, name: str) -> None:
    options, words = CTRANSFORMERS_CASES[name]
    path = write_gguf(tmp_path / "m.gguf", **options)
    refusal = CTransformers().find_refusal(read_header(path))
    if not words:
        assert refusal is None
        subprocess.run([sys.executable, "-c", LOAD, str(path)], check=True, capture_output=True)
    else:
        assert refusal
        assert words in refusal.reason


@pytest.mark.parametrize("name", ["bpe", "qwen2", "no scores", "eos", "heads", "BF16", "tied"])
def test_ctransformers_indeed_cannot_run_them(tmp_path: Path, name: str) -> None:
    path = write_gguf(tmp_path / "m.gguf", **CTRANSFORMERS_CASES[name][0])
    assert subprocess.run([sys.executable, "-c", LOAD, str(path)], capture_output=True).returncode != 0


def _header(architecture: str, vocabulary: str = "gpt2") -> GgufHeader:
    tensors = {"token_embd.weight": gguf_tensor()}
    metadata = {f"{architecture}.block_count": 2, f"{architecture}.embedding_length": 64}
    return GgufHeader(Path("m.gguf"), 3, architecture, "m", vocabulary, 1, ("a",), (1,), metadata, tensors)


def gguf_tensor() -> Any:
    from model.gguf import TensorInfo

    return TensorInfo("F32", (1,), 0, 4)


@pytest.mark.parametrize("architecture", sorted(set(gguf.MODEL_ARCH_NAMES.values()) - {"clip", "mmproj"}))
def test_llama_cpp_knows_the_architectures_of_the_table(architecture: str) -> None:
    refusal = LlamaCpp().find_refusal(_header(architecture))
    assert (refusal is None) == (architecture not in NOT_GENERATIVE), refusal


def test_llama_cpp_does_not_know_others() -> None:
    refusal = LlamaCpp().find_refusal(_header("hal9000"))
    assert refusal == Refusal("of this version does not know the architecture 'hal9000'")
    assert set(gguf.MODEL_ARCH_NAMES.values()) >= ARCHITECTURES


@pytest.mark.parametrize("vocabulary", ["none", "bert", "t5"])
def test_llama_cpp_refuses_vocabularies_that_do_not_generate(vocabulary: str) -> None:
    assert LlamaCpp().find_refusal(_header("llama", vocabulary))


def test_llama_cpp_refuses_a_model_without_layers() -> None:
    header = replace(_header("llama"), metadata={"llama.block_count": 0})
    assert LlamaCpp().find_refusal(header) == Refusal("cannot run 0 layers of 0 numbers")


class Absent(LlamaCpp):
    def is_installed(self) -> bool:
        return False


def test_what_is_not_installed_is_not_chosen(sentencepiece_file: Path, bpe_file: Path) -> None:
    engines: tuple[Engine, ...] = (Absent(), CTransformers())
    assert choose_engine("auto", read_header(sentencepiece_file), engines).name == "ctransformers"
    with pytest.raises(ModelRefused, match=r"llama_cpp is not installed; .* Install the engine llama_cpp"):
        choose_engine("auto", read_header(bpe_file), engines)
    with pytest.raises(ModelRefused, match=r'Set model.engine to "ctransformers"'):
        choose_engine("llama_cpp", read_header(sentencepiece_file), engines)
