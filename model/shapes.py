"""Model files with random weights: the shape and the type of a published model, and nothing else of it.

Speed and memory do not depend on the weights' values, so such a file tells how a model would run here before
anything is downloaded. Dense models are written as `llama`, those without a gate as `starcoder2`, mixtures of
experts as `qwen3moe`: the arithmetic is the same. Weights are streamed from one block of random bytes that
repeats; memory stays small whatever the size. Runs in the model commands. Must not know engines or figures.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from model import store
from model.catalog import Shape
from model.ggml import TENSOR_TYPES
from model.protocol import ModelRefused

if TYPE_CHECKING:
    import gguf

BLOCKS: Final = {name: (n_weights, n_bytes) for name, n_weights, n_bytes in TENSOR_TYPES.values()}
CODES: Final = {name: code for code, (name, _, _) in TENSOR_TYPES.items()}
# Where the half floats of a block stand: random bytes there would be infinite now and then.
HALF_OFFSETS: Final = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q4_K": (0, 2), "Q5_K": (0, 2),
    "Q6_K": (208,),
}  # fmt: skip
SMALL_HALF: Final = b"\x00\x18"  # 0.00195
# What llama-quantize makes of a file's type: the layers, and the matrix that gives the logits.
MIXES: Final = {
    "F16": ("F16", "F16"), "Q8_0": ("Q8_0", "Q8_0"), "Q6_K": ("Q6_K", "Q6_K"), "Q5_0": ("Q5_0", "Q6_K"),
    "Q5_K_M": ("Q5_K", "Q6_K"), "Q4_K_M": ("Q4_K", "Q6_K"), "Q4_K_S": ("Q4_K", "Q6_K"),
    "Q4_0": ("Q4_0", "Q6_K"), "Q4_K": ("Q4_K", "Q4_K"),
}  # fmt: skip
RICHER: Final = frozenset({"Q4_K_M", "Q5_K_M"})  # half of whose attn_v and ffn_down are Q6_K
NARROW: Final = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}  # for rows that are no whole blocks of 256
POOL_BYTES: Final = 1 << 20
ALIGNMENT: Final = 32


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a plan; `shape` as GGUF writes it, the row's length first. `n_expert` > 0: experts."""

    name: str
    shape: tuple[int, ...]
    type_name: str

    @property
    def n_weights(self) -> int:
        n = 1
        for size in self.shape:
            n *= size
        return n

    @property
    def n_bytes(self) -> int:
        block, block_bytes = BLOCKS[self.type_name]
        return self.n_weights // block * block_bytes

    @property
    def is_matrix(self) -> bool:
        return len(self.shape) > 1


def plan_tensors(shape: Shape, quant: str) -> tuple[Tensor, ...]:
    """Every tensor of a file of this shape and type. Raises ModelRefused for a type that is not known."""
    if quant not in MIXES:
        raise ModelRefused(f"There is no shape of the type {quant}: use one of {', '.join(MIXES)}.")
    return tuple(_plan(shape, quant))


def _plan(shape: Shape, quant: str) -> Iterator[Tensor]:
    body, head = MIXES[quant]
    n_embd = shape.n_embd
    yield _matrix("token_embd.weight", n_embd, shape.n_vocab, head if shape.is_tied else body)
    if not shape.is_tied:
        yield _matrix("output.weight", n_embd, shape.n_vocab, head)
    yield from _norm(shape, "output_norm", n_embd)
    for layer in range(shape.n_layer):
        rich = "Q6_K" if quant in RICHER and is_rich(layer, shape.n_layer) else body
        for tensor in (*_plan_attention(shape, body, rich), *_plan_feed_forward(shape, body, rich)):
            yield Tensor(f"blk.{layer}.{tensor.name}", tensor.shape, tensor.type_name)


def is_rich(layer: int, n_layer: int) -> bool:
    """The layers that llama-quantize gives more bits: both ends, and every third between."""
    edge = n_layer // 8
    return layer < edge or layer >= 7 * n_layer // 8 or (layer - edge) % 3 == 2


def _plan_attention(shape: Shape, body: str, rich: str) -> Iterator[Tensor]:
    n_embd, n_q, n_kv = shape.n_embd, shape.n_head * shape.head_dim, shape.n_head_kv * shape.head_dim
    yield from _norm(shape, "attn_norm", n_embd)
    yield from _linear(shape, "attn_q", n_embd, n_q, body)
    yield from _linear(shape, "attn_k", n_embd, n_kv, body)
    yield from _linear(shape, "attn_v", n_embd, n_kv, rich)
    yield from _linear(shape, "attn_output", n_q, n_embd, body)
    if shape.n_expert:
        yield from (Tensor(f"attn_{part}_norm.weight", (shape.head_dim,), "F32") for part in "qk")


def _plan_feed_forward(shape: Shape, body: str, rich: str) -> Iterator[Tensor]:
    n_embd, n_ff = shape.n_embd, shape.n_ff
    yield from _norm(shape, "ffn_norm", n_embd)
    if shape.n_expert:
        yield Tensor("ffn_gate_inp.weight", (n_embd, shape.n_expert), "F32")
        for name, n_in, n_out in (("gate", n_embd, n_ff), ("up", n_embd, n_ff), ("down", n_ff, n_embd)):
            wanted = _fit(rich if name == "down" else body, n_in)
            yield Tensor(f"ffn_{name}_exps.weight", (n_in, n_out, shape.n_expert), wanted)
        return
    if shape.is_gated:
        yield from _linear(shape, "ffn_gate", n_embd, n_ff, body)
    yield from _linear(shape, "ffn_up", n_embd, n_ff, body)
    yield from _linear(shape, "ffn_down", n_ff, n_embd, rich)


def _norm(shape: Shape, name: str, size: int) -> Iterator[Tensor]:
    yield Tensor(f"{name}.weight", (size,), "F32")
    if not shape.is_gated:  # starcoder2 has a bias everywhere
        yield Tensor(f"{name}.bias", (size,), "F32")


def _linear(shape: Shape, name: str, n_in: int, n_out: int, type_name: str) -> Iterator[Tensor]:
    yield _matrix(f"{name}.weight", n_in, n_out, type_name)
    if not shape.is_gated:
        yield Tensor(f"{name}.bias", (n_out,), "F32")


def _matrix(name: str, n_in: int, n_out: int, type_name: str) -> Tensor:
    return Tensor(name, (n_in, n_out), _fit(type_name, n_in))


def _fit(type_name: str, n_in: int) -> str:
    """Rows must be whole blocks."""
    while n_in % BLOCKS[type_name][0]:
        type_name = NARROW.get(type_name, "F16")
    return type_name


def count_file_bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.n_bytes for tensor in tensors)


def write_random(
    target: Path,
    shape: Shape,
    quant: str,
    n_ctx: int,
    advance: store.Advance,
    vocabulary: Path | None = None,
) -> None:
    """Writes the file; checks first that the disk has room. `advance` counts bytes. `vocabulary`: a trusted
    model file whose tokens it is to have, filled up to the shape's number, so that text can be tokenised."""
    tensors = plan_tensors(shape, quant)
    store.check_free(target.parent, count_file_bytes(tensors))
    try:
        writer = _write_head(target, shape, n_ctx, tensors, vocabulary)
        file: BinaryIO = writer.fout[0]
        pools = {name: build_pool(name) for name in {tensor.type_name for tensor in tensors}}
        for tensor in tensors:
            _pad(file)
            _write_tensor(file, tensor, pools[tensor.type_name], advance)
        _pad(file)
        writer.close()
    except OSError as error:
        store.refuse_write(target, error)


def _write_head(
    target: Path, shape: Shape, n_ctx: int, tensors: tuple[Tensor, ...], vocabulary: Path | None
) -> gguf.GGUFWriter:
    import gguf

    name = "qwen3moe" if shape.n_expert else "llama" if shape.is_gated else "starcoder2"
    writer = gguf.GGUFWriter(target, name)
    writer.add_name("random weights")
    _add_sizes(writer, shape, n_ctx)
    if vocabulary is None:
        _add_vocabulary(writer, shape.n_vocab)
    else:
        _borrow_vocabulary(writer, shape.n_vocab, vocabulary)
    for tensor in tensors:
        kind = gguf.GGMLQuantizationType(CODES[tensor.type_name])
        writer.add_tensor_info(tensor.name, tensor.shape[::-1], None, tensor.n_bytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    return writer


def _add_sizes(writer: gguf.GGUFWriter, shape: Shape, n_ctx: int) -> None:
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_layer_norm_eps(1e-5)
    if shape.n_expert:
        writer.add_expert_count(shape.n_expert)
        writer.add_expert_used_count(shape.n_expert_used)
        writer.add_expert_feed_forward_length(shape.n_ff)


def _add_vocabulary(writer: gguf.GGUFWriter, n_vocab: int) -> None:
    """Bytes, and words without meaning: nobody tokenises with it."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))][:n_vocab]
    kinds = [2, 3, 3, *[6] * 256][:n_vocab]
    n_words = n_vocab - len(pieces)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*pieces, *(f"w{number}" for number in range(n_words))])
    writer.add_token_scores([0.0] * n_vocab)
    writer.add_token_types([*kinds, *[1] * n_words])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_vocab_size(n_vocab)


def _borrow_vocabulary(writer: gguf.GGUFWriter, n_vocab: int, source: Path) -> None:
    """Another model's tokenizer, with unused words behind its tokens."""
    import gguf

    fields = gguf.GGUFReader(source).fields
    known = {name: field.contents() for name, field in fields.items() if name.startswith("tokenizer.")}
    n_words = n_vocab - len(known["tokenizer.ggml.tokens"])
    if n_words < 0:
        raise ModelRefused(f"The shape has {n_vocab} tokens, fewer than {source.name}: choose another shape.")
    fillers: dict[str, list[object]] = {
        "tokens": [f"unused{n}" for n in range(n_words)],
        "scores": [-1e6] * n_words,
        "token_type": [5] * n_words,  # unused
    }
    for name, value in known.items():
        if isinstance(value, list):
            writer.add_array(name, [*value, *fillers.get(name.rpartition(".")[2], [])])
        elif isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        else:
            writer.add_string(name, value)
    writer.add_vocab_size(n_vocab)


def build_pool(type_name: str) -> bytes:
    """About a megabyte of valid blocks, always the same. Its length is odd in blocks, so that rows differ."""
    drawn = random.Random(type_name)
    n_bytes = BLOCKS[type_name][1]
    n_blocks = POOL_BYTES // n_bytes | 1
    pool = bytearray(drawn.randbytes(n_blocks * n_bytes))
    if type_name in ("F32", "F16"):  # small numbers of either sign: the exponent's byte is chosen
        exponent = 0x3C if type_name == "F32" else 0x18
        high = bytes((value & 0x80) | exponent | (value & 1) for value in range(256))
        pool[n_bytes - 1 :: n_bytes] = pool[n_bytes - 1 :: n_bytes].translate(high)
    for offset in HALF_OFFSETS.get(type_name, ()):
        for index, value in enumerate(SMALL_HALF):
            pool[offset + index :: n_bytes] = bytes([value]) * n_blocks
    return bytes(pool)


def _write_tensor(file: BinaryIO, tensor: Tensor, pool: bytes, advance: Callable[[int], None]) -> None:
    n_left = tensor.n_bytes
    while n_left:
        piece = pool[: min(n_left, len(pool))]
        file.write(piece)
        advance(len(piece))
        n_left -= len(piece)


def _pad(file: BinaryIO) -> None:
    file.write(b"\0" * (-file.tell() % ALIGNMENT))
