"""What a model takes, and whether this machine carries it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import memory
from model.catalog import Shape
from model.gguf import read_header
from model.memory import Room


def test_kv_cache_by_hand() -> None:
    shape = Shape(n_layer=28, n_embd=1536, n_head=12, n_head_kv=2, n_ff=8960, n_vocab=151936)
    assert shape.count_kv_bytes(1) == 2 * 2 * 28 * 2 * 128  # keys and values, 2 bytes each
    needed = memory.estimate_bytes(1_000, shape, 4096)
    assert needed == 1_000 + 4096 * 28_672 + memory.WORK_BYTES
    assert memory.estimate_bytes(0, shape, 4096) == 0


def test_the_shape_of_a_file(sentencepiece_file: Path) -> None:
    shape = memory.read_shape(read_header(sentencepiece_file))
    assert (shape.n_layer, shape.n_embd, shape.n_head, shape.head_dim, shape.n_ff) == (2, 64, 4, 16, 128)


@pytest.mark.parametrize(("needed", "room"), [(0, Room.UNKNOWN), (1, Room.YES), (1 << 60, Room.NO)])
def test_room(needed: int, room: Room) -> None:
    assert memory.judge_room(needed) is room


def test_the_context_of_the_estimate() -> None:
    assert [memory.choose_n_ctx(n) for n in (0, -5, 2048, 262_144)] == [4096, 4096, 2048, 4096]
