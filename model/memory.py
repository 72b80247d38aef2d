"""How much memory a model takes, and whether this machine carries it.

    needed = weights + KV cache of n_ctx tokens + work space
    KV cache = 2 (keys, values) x 2 bytes x layers x KV heads x head size x n_ctx

Runs in the model commands. Must not know engines or where models are stored.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

import psutil

from model.catalog import CatalogEntry, Shape
from model.gguf import GgufHeader

FORMULA: Final = (
    "memory = weights + KV cache (2 x 2 bytes x layers x KV heads x head size x context) + 128 MB"
)
WORK_BYTES: Final = 128 << 20  # the engine's buffers and the process itself
USUAL_N_CTX: Final = 4096
RESERVED_SHARE: Final = 0.2  # of the memory, for the system and the editor
# Bits of a weight with its share of the block's scale, for files whose size was not looked up.
BITS: Final = {"Q8_0": 8.5, "Q4_K_M": 4.9, "Q4_0": 4.6, "F16": 16.0}


class Room(StrEnum):
    """Whether the memory of this machine carries a model."""

    YES = "yes"
    TIGHT = "when other programs are closed"
    NO = "no"
    UNKNOWN = "unknown"


def read_shape(header: GgufHeader) -> Shape:
    """What a header says of the sizes that memory follows from."""
    n_head = header.number("{arch}.attention.head_count", 1)
    return Shape(
        n_layer=header.number("{arch}.block_count"),
        n_embd=header.number("{arch}.embedding_length"),
        n_head=n_head,
        n_head_kv=header.number("{arch}.attention.head_count_kv", n_head),
        n_ff=header.number("{arch}.feed_forward_length"),
        n_vocab=len(header.tokens),
        n_head_dim=header.number("{arch}.attention.key_length"),
        n_expert=header.number("{arch}.expert_count"),
        n_expert_used=header.number("{arch}.expert_used_count"),
    )


def choose_n_ctx(n_ctx_train: int) -> int:
    """The context that the estimate is made for."""
    return min(n_ctx_train, USUAL_N_CTX) if n_ctx_train > 0 else USUAL_N_CTX


def estimate_bytes(weights_bytes: int, shape: Shape | None, n_ctx: int) -> int:
    """Memory that a host with one slot takes; 0 when the weights are not known."""
    if not weights_bytes:
        return 0
    return weights_bytes + (shape.count_kv_bytes(n_ctx) if shape else 0) + WORK_BYTES


def guess_file_bytes(entry: CatalogEntry) -> int:
    """The size of a catalogue model's file: as looked up, else from its weights and their type."""
    return entry.about_bytes or int(entry.parameters * BITS.get(entry.quant, 0.0) / 8)


def judge_room(needed_bytes: int) -> Room:
    if not needed_bytes:
        return Room.UNKNOWN
    if needed_bytes > count_machine_bytes() * (1 - RESERVED_SHARE):
        return Room.NO
    return Room.YES if needed_bytes <= psutil.virtual_memory().available else Room.TIGHT


def count_machine_bytes() -> int:
    """The machine's memory, or the control group's share of it."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return total
