"""Engine `ctransformers`: GGML of September 2023 behind the same HTTP API that llama.cpp's server speaks.

Runs in the engine host. The library aborts or segfaults on many files that it cannot run, so this file says
beforehand which ones it can; found by experiment with version 0.2.27. Must not know sessions, prompts or
model families.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from model.engines import EngineOptions, Refusal
from model.gguf import GgufHeader

if TYPE_CHECKING:
    from model.engines.ctransformers.app import AppServer

TENSOR_TYPES: Final = frozenset((
    "F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
))  # fmt: skip
LAYER_TENSORS: Final = (
    "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_down", "ffn_up",
)  # fmt: skip
NEEDED_KEYS: Final = (
    "llama.context_length",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "llama.attention.layer_norm_rms_epsilon",
)
SPECIAL_IDS: Final = ("bos", "eos", "unknown", "padding", "seperator")  # the third "e" is the format's own


class CTransformers:
    """See `model.engines.Engine`."""

    name = "ctransformers"

    def is_installed(self) -> bool:
        return importlib.util.find_spec("ctransformers") is not None

    def find_refusal(self, header: GgufHeader) -> Refusal | None:
        return next((Refusal(problem) for problem in _find_problems(header)), None)

    def start(self, header: GgufHeader, options: EngineOptions) -> AppServer:
        from model.engines.ctransformers.app import (
            AppServer,
        )  # the web server is only imported where it serves

        return AppServer(header, options)


def _find_problems(header: GgufHeader) -> Iterator[str]:
    """In the order in which a person would want to know; the later ones trust the earlier ones."""
    if header.architecture != "llama":
        yield f"runs GGUF files of the architecture llama only, this is {header.architecture}"
    if header.vocabulary != "llama":
        yield f"crashes on vocabularies other than SentencePiece (llama), this is {header.vocabulary}"
    yield from _find_vocabulary_problems(header)
    yield from _find_shape_problems(header)
    yield from _find_tensor_problems(header)


def _find_vocabulary_problems(header: GgufHeader) -> Iterator[str]:
    n_tokens = len(header.tokens)
    if not n_tokens or len(header.token_kinds) != n_tokens:
        yield "needs a type for every token, and the file has none"
    scores = header.arrays.get("tokenizer.ggml.scores")
    if scores is None or scores.kind != "FLOAT32" or scores.count != n_tokens:
        yield "needs a score for every token, and the file has none"
    if not all(f"<0x{value:02X}>" in header.token_ids for value in range(256)):
        yield "needs a token for each of the 256 bytes"
    ids = {name: header.number(f"tokenizer.ggml.{name}_token_id") for name in SPECIAL_IDS}
    yield from (
        f"crashes on a {name} token beyond the vocabulary" for name, token in ids.items() if token >= n_tokens
    )


def _find_shape_problems(header: GgufHeader) -> Iterator[str]:
    missing = [key for key in NEEDED_KEYS if key not in header.metadata]
    if missing:
        yield f"needs the metadata {', '.join(missing)}"
    n_heads, n_layers = header.number("llama.attention.head_count"), header.number("llama.block_count")
    if n_heads < 1 or n_layers < 1 or header.number("llama.embedding_length") % n_heads:
        yield f"cannot run {n_layers} layers of {n_heads} attention heads"
    scaling = header.metadata.get("llama.rope.scaling.type", "none")
    if scaling not in ("none", "linear"):
        yield f"does not know the RoPE scaling {scaling!r}"


def _find_tensor_problems(header: GgufHeader) -> Iterator[str]:
    n_layers = header.number("llama.block_count")
    n_wanted, n_found = 3 + len(LAYER_TENSORS) * n_layers, len(header.tensors)
    if n_found != n_wanted:
        yield f"needs exactly {n_wanted} tensors for {n_layers} layers, the file has {n_found}"
    layers = (f"blk.{i}.{name}.weight" for i in range(n_layers) for name in LAYER_TENSORS)
    wanted = ["token_embd.weight", "output_norm.weight", "output.weight", *layers]
    yield from (
        f"needs the tensor {name}, which is not in the file" for name in wanted if name not in header.tensors
    )
    foreign = sorted({info.type_name for info in header.tensors.values()} - TENSOR_TYPES)
    if foreign:
        yield f"of 2023 does not know the quantization {', '.join(foreign)}"
