"""Small GGUF files with random weights, for tests that need a file of a certain kind and real engines to
run it.

`llama` (both vocabularies) and `qwen2` files load in llama.cpp; `llama` with the `llama` vocabulary also in
ctransformers. Any other architecture name gives a valid file with the llama tensors, good for reading the
header.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]
Value = str | bool | int | float | list[str] | list[int]

WORDS = (
    "def", "return", "import", "from", "self", "class", "for", "while", "if", "else", "in", "not",
    "None", "True", "False", "print", "range", "len", "str", "int", "function", "const", "let", "var",
    "public", "static", "void", "new", "fn", "mut", "use", "struct", "impl", "match",
)  # fmt: skip
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their ids, with what GGUF stores beside them."""

    kind: str
    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...] = ()

    def id_of(self, token: str) -> int:
        return self.tokens.index(token)


def _grow(words: Sequence[str]) -> list[str]:
    """Every prefix of every word, shorter first: the merges that lead to the words."""
    prefixes = {word[:end] for word in words for end in range(2, len(word) + 1)}
    return sorted(prefixes, key=lambda piece: (len(piece), piece))


def sentencepiece_vocabulary(control_tokens: Sequence[str]) -> Vocabulary:
    """`<unk> <s> </s>`, the control tokens, 256 byte pieces, printable ASCII, runs of spaces, a few words."""
    control = ["<s>", "</s>", *(token for token in control_tokens if token not in ("<s>", "</s>", "<unk>"))]
    byte_pieces = [f"<0x{value:02X}>" for value in range(256)]
    letters = ["▁", *(chr(code) for code in range(33, 127))]
    pieces = ["▁▁", "▁▁▁▁", "▁▁▁▁▁▁▁▁", *_grow([*WORDS, *(f"▁{word}" for word in WORDS)])]
    tokens = ["<unk>", *control, *byte_pieces, *letters, *pieces]
    kinds = [UNKNOWN, *[CONTROL] * len(control), *[BYTE] * 256, *[NORMAL] * (len(letters) + len(pieces))]
    n_special = 1 + len(control) + 256
    scores = [0.0] * n_special + [-1000.0] * len(letters) + [-float(i) for i in range(len(pieces))]
    return Vocabulary("llama", tuple(tokens), tuple(scores), tuple(kinds))


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-in for each of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(value) if value in plain else chr(next(spare)) for value in range(256)]


def gpt2_vocabulary(control_tokens: Sequence[str]) -> Vocabulary:
    """256 byte pieces, merges that lead to a few words, `<|endoftext|>` and the control tokens."""
    control = ["<|endoftext|>", *(token for token in control_tokens if token != "<|endoftext|>")]
    pieces = _grow([*WORDS, *(f"Ġ{word}" for word in WORDS)])
    tokens = [*byte_alphabet(), *pieces, *control]
    kinds = [NORMAL] * (256 + len(pieces)) + [CONTROL] * len(control)
    merges = [f"{piece[:-1]} {piece[-1]}" for piece in pieces]
    return Vocabulary("gpt2", tuple(tokens), (0.0,) * len(tokens), tuple(kinds), tuple(merges))


def build_vocabulary(kind: str, control_tokens: Sequence[str]) -> Vocabulary:
    return {"llama": sentencepiece_vocabulary, "gpt2": gpt2_vocabulary}[kind](control_tokens)


def _add_value(writer: gguf.GGUFWriter, key: str, value: Value | None) -> None:
    """Replaces what was written before under the same key; None removes it."""
    for store in writer.kv_data:
        store.pop(key, None)
    match value:
        case None:
            return
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case _:
            writer.add_array(key, value)


def _add_shape(
    writer: gguf.GGUFWriter, n_layer: int, n_embd: int, n_head: int, n_ctx: int, n_vocab: int
) -> None:
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(n_embd * 2)
    writer.add_head_count(n_head)
    writer.add_head_count_kv(n_head)
    writer.add_rope_dimension_count(n_embd // n_head)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(n_vocab)


def _add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.kind)
    writer.add_tokenizer_pre("default" if vocabulary.kind == "llama" else "gpt-2")
    writer.add_token_list([token.encode() for token in vocabulary.tokens])
    writer.add_token_types(list(vocabulary.kinds))
    if vocabulary.kind == "llama":
        writer.add_token_scores(list(vocabulary.scores))
        writer.add_unk_token_id(0)
        begin, end = vocabulary.id_of("<s>"), vocabulary.id_of("</s>")
    else:
        writer.add_token_merges(list(vocabulary.merges))
        begin = end = vocabulary.id_of("<|endoftext|>")
    writer.add_bos_token_id(begin)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def _matrix_shapes(n_layer: int, n_embd: int, n_vocab: int) -> dict[str, tuple[int, int]]:
    wide = 2 * n_embd
    shapes = {"token_embd.weight": (n_vocab, n_embd), "output.weight": (n_vocab, n_embd)}
    for i in range(n_layer):
        shapes |= {f"blk.{i}.attn_{part}.weight": (n_embd, n_embd) for part in ("q", "k", "v", "output")}
        shapes |= {f"blk.{i}.ffn_{part}.weight": (wide, n_embd) for part in ("gate", "up")}
        shapes |= {f"blk.{i}.ffn_down.weight": (n_embd, wide)}
    return shapes


def _vector_names(architecture: str, n_layer: int) -> list[str]:
    per_layer = ["attn_norm.weight", "ffn_norm.weight"]
    if architecture == "qwen2":
        per_layer += ["attn_q.bias", "attn_k.bias", "attn_v.bias"]
    return ["output_norm.weight", *(f"blk.{i}.{name}" for i in range(n_layer) for name in per_layer)]


def _add_tensors(
    writer: gguf.GGUFWriter,
    architecture: str,
    n_layer: int,
    n_embd: int,
    n_vocab: int,
    kind: str,
    leave_out: Collection[str],
    never: int | None,
    weights: Mapping[str, Weights],
) -> None:
    random = np.random.default_rng(1)
    quantization = gguf.GGMLQuantizationType[kind]
    for name, shape in _matrix_shapes(n_layer, n_embd, n_vocab).items():
        values = random.normal(0, 2 / np.sqrt(shape[1]), shape).astype(np.float32)
        values = weights.get(name, values)
        if name == "output.weight" and never is not None:
            values[never] = 0
        if name not in leave_out:
            writer.add_tensor(name, gguf.quants.quantize(values, quantization), raw_dtype=quantization)
    for name in _vector_names(architecture, n_layer):
        values = np.zeros(n_embd) if name.endswith("bias") else np.ones(n_embd)
        writer.add_tensor(name, values.astype(np.float32))


def write_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    vocabulary: str | Vocabulary = "llama",
    control_tokens: Sequence[str] = (),
    n_layer: int = 2,
    n_embd: int = 64,
    n_head: int = 4,
    n_ctx: int = 2048,
    quant: str = "Q8_0",
    metadata: Mapping[str, Value | None] | None = None,
    leave_out: Collection[str] = (),
    never_ends: bool = False,
    weights: Mapping[str, Weights] | None = None,
) -> Path:
    """Writes a model with random weights (always the same ones), but for the matrices in `weights`.

    `metadata` adds keys, replaces those written here, or with None leaves them out; `leave_out` names
    tensors. With `never_ends` the best token is never the end of text (its logit is always 0).
    """
    is_built = isinstance(vocabulary, Vocabulary)
    chosen = vocabulary if is_built else build_vocabulary(vocabulary, control_tokens)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(path.stem)
    _add_shape(writer, n_layer, n_embd, n_head, n_ctx, len(chosen.tokens))
    _add_vocabulary(writer, chosen)
    for key, value in (metadata or {}).items():
        _add_value(writer, key, value)
    never = chosen.id_of("</s>" if chosen.kind == "llama" else "<|endoftext|>") if never_ends else None
    n_vocab = len(chosen.tokens)
    _add_tensors(writer, architecture, n_layer, n_embd, n_vocab, quant, leave_out, never, weights or {})
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
