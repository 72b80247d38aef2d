"""Makes a model file smaller: the same model with its matrices in a type of fewer bits.

Runs in the process of `edgewise model quantize`. Rows are worked on by the block, so that memory stays small
whatever the model's size; metadata is copied byte for byte. The quantizers are those of the gguf package, and
for the K types llama.cpp's own (`engines.kquants`). Must not know how engines run or the terminal.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from model import store
from model.engines import kquants
from model.ggml import TENSOR_TYPES, ValueKind
from model.gguf import DEFAULT_ALIGNMENT, GgufHeader, TensorInfo, read_header
from model.protocol import ModelRefused
from model.shapes import MIXES, NARROW, RICHER, is_rich

if TYPE_CHECKING:
    import gguf
    from numpy.typing import NDArray

TYPES: Final = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "F16")
K_TYPES: Final = ("Q6_K", "Q5_K_M", "Q4_K_M", "Q4_K_S")
FULL_TYPES: Final = ("F32", "F16", "BF16", "Q8_0")  # of which another quantization loses little
KEPT_AT_Q8_0: Final = ("token_embd.weight", "output.weight")  # few weights, felt in every token
FILE_TYPES: Final = {
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q8_0": 7,
    "Q5_0": 8,
    "Q5_1": 9,
    "Q4_K_S": 14,
    "Q4_K_M": 15,
    "Q5_K_M": 17,
    "Q6_K": 18,
}  # general.file_type
CODES: Final = {name: code for code, (name, _, _) in TENSOR_TYPES.items()}
BLOCKS: Final = {name: (n_weights, n_bytes) for name, n_weights, n_bytes in TENSOR_TYPES.values()}
CHUNK_WEIGHTS: Final = 1 << 21
REPLACED_KEYS: Final = ("general.file_type", "general.quantization_version")


@dataclass(frozen=True, slots=True)
class Piece:
    """One tensor: what it was and what it becomes."""

    name: str
    before: TensorInfo
    type_name: str
    offset: int

    @property
    def size_bytes(self) -> int:
        return count_bytes(self.before.shape, self.type_name)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written."""

    header: GgufHeader
    type_name: str
    alignment: int
    pieces: tuple[Piece, ...]

    @property
    def size_bytes(self) -> int:
        """Of the weights; the rest of the file is as it was."""
        return sum(_round_up(piece.size_bytes, self.alignment) for piece in self.pieces)


def count_bytes(shape: tuple[int, ...], type_name: str) -> int:
    n_weights = 1
    for size in shape:
        n_weights *= size
    block, block_bytes = BLOCKS[type_name]
    return n_weights // block * block_bytes


def build_plan(path: Path, type_name: str, *, is_again_allowed: bool = False) -> Plan:
    """Raises ModelRefused for a file that cannot be quantized, or should not without being told to."""
    header = read_header(path)
    wanted = type_name.upper()
    _check_type(type_name, wanted)
    _check_source(header, wanted, is_again_allowed)
    alignment = header.number("general.alignment", DEFAULT_ALIGNMENT)
    pieces, offset = [], 0
    for name, info in header.tensors.items():
        piece = Piece(name, info, choose_type(name, info, wanted, header), offset)
        pieces.append(piece)
        offset += _round_up(piece.size_bytes, alignment)
    return Plan(header, wanted, alignment, tuple(pieces))


def _check_type(named: str, wanted: str) -> None:
    if wanted in K_TYPES and not kquants.is_available():
        raise ModelRefused(
            f"The installed xllamacpp carries no quantizer for {wanted}: use one of {', '.join(TYPES)}, or "
            f"run llama.cpp's llama-quantize and import its file."
        )
    if wanted not in (*TYPES, *K_TYPES):
        raise ModelRefused(
            f"There is no quantizer for {named} here: use one of {', '.join((*TYPES, *K_TYPES))}; for "
            f"another type run llama.cpp's llama-quantize and import its file."
        )


def _check_source(header: GgufHeader, wanted: str, is_again_allowed: bool) -> None:
    matrices = {info.type_name for info in header.tensors.values() if len(info.shape) > 1}
    if not matrices:
        raise ModelRefused(
            f"The model file {header.path} holds no matrices to quantize: choose another file."
        )
    if matrices <= {wanted, "F32"} and wanted in matrices:
        raise ModelRefused(f"The model file {header.path} is {wanted} already: choose another type or file.")
    lossy = sorted(matrices - set(FULL_TYPES))
    if lossy and not is_again_allowed:
        raise ModelRefused(
            f"The model file {header.path} is quantized already ({', '.join(lossy)}), and again loses more: "
            f"take its F16 or Q8_0 file, or say --again."
        )


def choose_type(name: str, info: TensorInfo, wanted: str, header: GgufHeader) -> str:
    """Customary: vectors stay in floats, vocabulary matrices at 8 bits; rows must be whole blocks."""
    is_matrix = len(info.shape) > 1 and name.endswith(".weight")
    if not is_matrix or "ffn_gate_inp" in name or info.type_name.startswith("I"):
        return info.type_name
    if wanted in K_TYPES:
        return _choose_k_type(name, info.shape[0], wanted, header)
    best = "Q8_0" if name in KEPT_AT_Q8_0 and wanted != "F16" else wanted
    return best if info.shape[0] % BLOCKS[best][0] == 0 else "F16"


def _choose_k_type(name: str, n_columns: int, wanted: str, header: GgufHeader) -> str:
    """As llama-quantize mixes them: more bits for the logits, and in an M type for half of the values."""
    body, head = MIXES[wanted]
    is_tied = "output.weight" not in header.tensors
    best = head if name == "output.weight" or (name == "token_embd.weight" and is_tied) else body
    place = re.match(r"blk\.(\d+)\.(attn_v|ffn_down)", name)
    n_layers = header.number(f"{header.architecture}.block_count", 1)
    if place and wanted in RICHER and is_rich(int(place[1]), n_layers):
        best = "Q6_K"
    while n_columns % BLOCKS[best][0]:
        best = NARROW.get(best, "F16")
    return best


def _round_up(n_bytes: int, alignment: int) -> int:
    return -(-n_bytes // alignment) * alignment


def write_quantized(plan: Plan, target: Path, advance: store.Advance) -> None:
    """Writes the file and reads its header back. `advance` counts bytes of the source."""
    import gguf

    store.check_free(target.parent, plan.size_bytes + plan.header.size_bytes // 50)
    try:
        reader = gguf.GGUFReader(plan.header.path)
        with target.open("wb") as file:
            _write_head(file, plan, reader)
            data = {tensor.name: tensor.data for tensor in reader.tensors}
            for piece in plan.pieces:
                _write_piece(file, piece, data[piece.name], plan.alignment)
                advance(piece.before.size_bytes)
    except OSError as error:
        store.refuse_write(target, error)
    except (ValueError, KeyError, IndexError, NotImplementedError, UnicodeDecodeError) as error:
        raise ModelRefused(
            f"The model file {plan.header.path} cannot be quantized ({error}): get it from another source."
        ) from error
    read_header(target)


def _write_head(file: BinaryIO, plan: Plan, reader: gguf.GGUFReader) -> None:
    kept = list(_raw_metadata(reader))
    added = [_pack_number("general.file_type", FILE_TYPES[plan.type_name])]
    added.append(_pack_number("general.quantization_version", 2))
    file.write(struct.pack("<4sIQQ", b"GGUF", 3, len(plan.pieces), len(kept) + len(added)))
    for raw in (*kept, *added):
        file.write(raw)
    for piece in plan.pieces:
        shape = piece.before.shape
        file.write(_pack_text(piece.name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape))
        file.write(struct.pack("<IQ", CODES[piece.type_name], piece.offset))
    _pad(file, plan.alignment)


def _raw_metadata(reader: gguf.GGUFReader) -> Iterator[bytes]:
    """Every key with its value as it stands in the file, but those that say of which type the file is."""
    fields: Mapping[str, Any] = reader.fields
    keys = [field for name, field in fields.items() if not name.startswith("GGUF.")]
    ends = [*(field.offset for field in keys[1:]), reader.tensors[0].field.offset]
    for field, end in zip(keys, ends, strict=True):
        if field.name not in REPLACED_KEYS:
            yield reader.data[field.offset : end].tobytes()


def _pack_text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw


def _pack_number(key: str, value: int) -> bytes:
    return _pack_text(key) + struct.pack("<II", ValueKind.UINT32, value)


def _pad(file: BinaryIO, alignment: int) -> None:
    file.write(b"\0" * (-file.tell() % alignment))


def _write_piece(file: BinaryIO, piece: Piece, data: NDArray[Any], alignment: int) -> None:
    """Row block by row block: at most some megabytes of floats at a time."""
    if piece.type_name == piece.before.type_name:
        file.write(data.reshape(-1).view("u1").data)
    else:
        rows = data.reshape(-1, data.shape[-1])
        step = max(1, CHUNK_WEIGHTS // piece.before.shape[0])
        for start in range(0, rows.shape[0], step):
            file.write(_convert(rows[start : start + step], piece.before.type_name, piece.type_name))
    _pad(file, alignment)


def _convert(rows: NDArray[Any], before: str, after: str) -> bytes:
    import gguf
    import numpy

    kinds = gguf.GGMLQuantizationType
    floats = gguf.quants.dequantize(rows, kinds[before])
    # A half float that is infinite or no number would spoil its whole block without a word.
    if not numpy.isfinite(floats).all():
        raise ValueError("it holds weights that are no finite numbers")
    if after.endswith("_K"):
        block, block_bytes = BLOCKS[after]
        raw_floats, row_bytes = (
            floats.astype(numpy.float32).tobytes(),
            floats.shape[-1] // block * block_bytes,
        )
        return kquants.quantize_rows(raw_floats, len(floats), CODES[after], row_bytes)
    raw: bytes = gguf.quants.quantize(floats.astype(numpy.float32), kinds[after]).tobytes()
    return raw
