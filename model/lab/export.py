"""Writes a checkpoint as GGUF, in F32, F16 or a quantized type: llama architecture, SentencePiece vocabulary,
what both engines load.

The loader of 2023 that ctransformers carries wants `output.weight` even when the embedding is tied, and a
vocabulary of the `llama` kind; norms stay F32. Rotary pairs: the net rotates halves (i, i + d/2), GGUF's
llama rotates neighbours (2i, 2i + 1), so the rows of q and k are interleaved here. Metadata keys: the GGUF
specification and `gguf`'s own constants.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.lab import tokenizer as tokens
from model.lab.net import Net, Shape
from model.lab.tokenizer import Tokenizer

TYPES = {
    "F32": gguf.GGMLQuantizationType.F32,
    "F16": gguf.GGMLQuantizationType.F16,
    "Q8_0": gguf.GGMLQuantizationType.Q8_0,
    "Q4_0": gguf.GGMLQuantizationType.Q4_0,
}
FILE_TYPES = {
    "F32": gguf.LlamaFileType.ALL_F32,
    "F16": gguf.LlamaFileType.MOSTLY_F16,
    "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "Q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
}
BLOCK_NAMES = {
    "attention_norm": "attn_norm",
    "attention.q": "attn_q",
    "attention.k": "attn_k",
    "attention.v": "attn_v",
    "attention.o": "attn_output",
    "ffn_norm": "ffn_norm",
    "ffn.gate": "ffn_gate",
    "ffn.up": "ffn_up",
    "ffn.down": "ffn_down",
}


def read_stored(path: Path, device: str = "cpu") -> dict[str, Any]:
    """What a checkpoint of `train.py` or `prune.py` holds; of a GGUF, weights and shape."""
    if path.suffix == ".gguf":
        net = read_gguf_net(path)
        return {"net": net.state_dict(), "shape": dataclasses.asdict(net.shape)}
    stored: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return stored


def load_net(path: Path) -> Net:
    """The net of a checkpoint or of a GGUF written here."""
    stored = read_stored(path)
    net = Net(Shape(**stored["shape"]))
    net.load_state_dict(stored["net"])
    return net.eval()


def interleave_rotary(weight: Tensor, n_heads: int) -> Tensor:
    """Rows of each head from `[halves, pairs]` to `[pairs, halves]`."""
    rows, columns = weight.shape
    return weight.view(n_heads, 2, rows // n_heads // 2, columns).transpose(1, 2).reshape(rows, columns)


def name_tensors(net: Net) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """GGUF names and values."""
    embedding = net.embedding.weight.detach()
    named = [
        ("token_embd.weight", embedding),
        ("output.weight", embedding),
        ("output_norm.weight", net.norm.weight.detach()),
    ]
    for index, block in enumerate(net.blocks):
        for ours, theirs in BLOCK_NAMES.items():
            weight = block.get_parameter(ours + ".weight").detach()
            if ours in ("attention.q", "attention.k"):
                weight = interleave_rotary(weight, net.shape.n_heads)
            named.append((f"blk.{index}.{theirs}.weight", weight))
    return [(name, np.ascontiguousarray(weight.float().numpy())) for name, weight in named]


def deinterleave_rotary(weight: Tensor, n_heads: int) -> Tensor:
    """The way back."""
    rows, columns = weight.shape
    return weight.view(n_heads, rows // n_heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)


SHAPE_KEYS = {
    "n_vocab": "vocab_size",
    "d_model": "embedding_length",
    "n_layers": "block_count",
    "n_heads": "attention.head_count",
    "d_ffn": "feed_forward_length",
    "n_ctx": "context_length",
    "rope_base": "rope.freq_base",
    "norm_eps": "attention.layer_norm_rms_epsilon",
}


def read_gguf_net(path: Path) -> Net:
    """The net with the weights of a GGUF written here, dequantised."""
    reader = gguf.GGUFReader(path)
    shape = Shape(**{ours: reader.fields["llama." + key].contents() for ours, key in SHAPE_KEYS.items()})
    values = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}
    net = Net(shape)
    for name, parameter in net.named_parameters():
        weight = torch.from_numpy(values[gguf_name(name)].copy())
        is_rotary = name.endswith(("attention.q.weight", "attention.k.weight"))
        parameter.data.copy_(deinterleave_rotary(weight, shape.n_heads) if is_rotary else weight)
    return net.eval()


def gguf_name(name: str) -> str:
    """The GGUF name of one of the net's parameters."""
    if name.startswith("blocks."):
        _, index, rest = name.split(".", 2)
        return f"blk.{index}.{BLOCK_NAMES[rest.removesuffix('.weight')]}.weight"
    return {"embedding.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}[name]


def add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Pieces, scores and kinds, and what each control token is for."""
    processor = tokenizer.processor
    pieces, scores, kinds = [], [], []
    for i in range(tokenizer.n_pieces):
        pieces.append(processor.id_to_piece(i).encode())
        scores.append(float(processor.get_score(i)))
        kind = gguf.TokenType.NORMAL
        if processor.is_unknown(i):
            kind = gguf.TokenType.UNKNOWN
        elif processor.is_control(i):
            kind = gguf.TokenType.CONTROL
        elif processor.is_byte(i):
            kind = gguf.TokenType.BYTE
        kinds.append(kind)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    add_special_tokens(writer, tokenizer)


def add_special_tokens(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Old loaders assume BOS is 1, so BOS is named too, though never added."""
    writer.add_bos_token_id(tokenizer.end)
    writer.add_eos_token_id(tokenizer.end)
    writer.add_eot_token_id(tokenizer.end)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(tokenizer.pad)
    for key, name in (
        ("pre", tokens.PREFIX),
        ("suf", tokens.SUFFIX),
        ("mid", tokens.MIDDLE),
        ("rep", tokens.REPO),
        ("sep", tokens.FILE),
    ):
        writer.add_uint32(f"tokenizer.ggml.fim_{key}_token_id", tokenizer.control[name])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """The llama hyperparameters."""
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.d_model)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.d_ffn)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_heads)
    writer.add_rope_dimension_count(shape.d_head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_vocab_size(shape.n_vocab)


def write_gguf(
    net: Net,
    tokenizer: Tokenizer,
    out: Path,
    type_name: str = "Q8_0",
    version: str = "0.1",
    family: str = "edgewise",
) -> None:
    """Written beside, then renamed."""
    beside = out.with_name(out.name + ".part")
    writer = gguf.GGUFWriter(beside, "llama")
    writer.add_name(family)
    writer.add_version(version)
    writer.add_license("Apache-2.0")
    writer.add_description(
        "Code completion (fill in the middle) for edgewise; trained on permissively licensed source"
    )
    writer.add_file_type(FILE_TYPES[type_name])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_shape(writer, net.shape)
    add_vocabulary(writer, tokenizer)
    for name, values in name_tensors(net):
        kind = TYPES[type_name] if values.ndim == 2 else TYPES["F32"]
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    beside.replace(out)


def write_manifest(out: Path, version: str, family: str, license_name: str = "Apache-2.0") -> None:
    """`model.toml`: what the file is and its SHA-256."""
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    lines = {
        "name": "edgewise",
        "version": version,
        "file": out.name,
        "family": family,
        "licence": license_name,
        "sha256": digest,
    }
    text = (
        "".join(f'{key} = "{value}"\n' for key, value in lines.items())
        + f"size_bytes = {out.stat().st_size}\nn_ctx = 2048\n"
    )
    beside = out.with_name("model.toml.part")
    beside.write_text("# Written by model.lab.export; see card.md.\n" + text)
    beside.replace(out.with_name("model.toml"))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help=".gguf")
    parser.add_argument("--type", choices=TYPES, default="Q8_0")
    parser.add_argument("--version", default="0.1")
    parser.add_argument("--family", default="edgewise", help="the row of model/families.py that suits it")
    parser.add_argument("--manifest", action="store_true", help="write model.toml beside it")
    args = parser.parse_args()
    write_gguf(
        load_net(args.checkpoint), Tokenizer(args.tokenizer), args.out, args.type, args.version, args.family
    )
    if args.manifest:
        write_manifest(args.out, args.version, args.family)
    print(args.out, args.out.stat().st_size)


if __name__ == "__main__":
    main()
