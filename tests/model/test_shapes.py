"""Files with random weights: their sizes are those of the published models, and the real engine runs them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from model import catalog, store
from model.catalog import Shape
from model.gguf import read_header
from model.memory import read_shape
from model.protocol import ModelRefused
from model.shapes import BLOCKS, MIXES, build_pool, count_file_bytes, plan_tensors, write_random
from tests.model.hosting import running_host

DENSE = Shape(2, 256, 4, 2, 512, 1000, is_tied=True)
EXPERTS = Shape(2, 256, 4, 2, 256, 1000, n_expert=4, n_expert_used=2)
UNGATED = Shape(2, 256, 4, 2, 512, 1000, is_gated=False)


@pytest.mark.parametrize(
    "entry",
    [entry for entry in catalog.entries().values() if entry.shape and entry.about_bytes],
    ids=lambda entry: entry.name,
)
def test_a_plan_has_the_size_of_the_published_file(entry: catalog.CatalogEntry) -> None:
    assert entry.shape
    planned = count_file_bytes(plan_tensors(entry.shape, entry.quant))
    assert planned == pytest.approx(entry.about_bytes, rel=0.04)


@pytest.mark.parametrize("shape", [DENSE, EXPERTS, UNGATED], ids=["dense", "experts", "ungated"])
@pytest.mark.parametrize("quant", ["Q8_0", "Q4_0", "Q4_K_M", "F16"])
def test_the_engine_runs_it(tmp_path: Path, runtime_root: Path, shape: Shape, quant: str) -> None:
    path, seen = tmp_path / "random.gguf", []
    write_random(path, shape, quant, 512, seen.append)
    header = read_header(path)
    planned = plan_tensors(shape, quant)
    assert {name: info.type_name for name, info in header.tensors.items()} == {
        tensor.name: tensor.type_name for tensor in planned
    }
    assert sum(seen) == count_file_bytes(planned)
    assert read_shape(header).count_kv_bytes(512) == shape.count_kv_bytes(512)
    with running_host(runtime_root, path, "llama_cpp", n_slots=1) as host:
        answer = host.complete([300, 400, 500], n_predict=3, ignore_eos=True)
    assert answer["timings"]["predicted_n"] == 3


def test_it_may_have_the_tokens_of_another_model(tmp_path: Path, runtime_root: Path) -> None:
    path, shape = tmp_path / "random.gguf", Shape(2, 256, 4, 2, 512, 13_000)
    builtin = store.resolve_model(catalog.BUILTIN)
    write_random(path, shape, "Q8_0", 512, lambda _: None, vocabulary=builtin)
    header, borrowed = read_header(path), read_header(builtin)
    assert len(header.tokens) == 13_000
    assert list(header.tokens)[: len(borrowed.tokens)] == list(borrowed.tokens)
    assert header.special_tokens() == borrowed.special_tokens()
    with running_host(runtime_root, path, "llama_cpp", n_slots=1) as host:
        assert host.complete([300, 400], n_predict=3, ignore_eos=True)["timings"]["predicted_n"] == 3
    with pytest.raises(ModelRefused, match="choose another shape"):
        write_random(path, DENSE, "Q8_0", 512, lambda _: None, vocabulary=builtin)


def test_matrices_have_the_customary_types() -> None:
    planned = plan_tensors(Shape(8, 512, 8, 2, 1024, 2000, is_tied=True), "Q4_K_M")
    kinds = Counter((re.sub(r"blk\.\d+\.", "", tensor.name), tensor.type_name) for tensor in planned)
    assert kinds["token_embd.weight", "Q6_K"] == 1
    assert kinds["attn_q.weight", "Q4_K"] == 8
    assert (kinds["ffn_down.weight", "Q4_K"], kinds["ffn_down.weight", "Q6_K"]) == (4, 4)


def test_rows_that_are_no_whole_blocks_take_a_neighbouring_type() -> None:
    types = {
        tensor.name: tensor.type_name for tensor in plan_tensors(Shape(1, 96, 2, 2, 256, 1000), "Q4_K_M")
    }
    assert types["blk.0.attn_q.weight"] == "Q5_0"
    assert types["output.weight"] == "Q8_0"


@pytest.mark.parametrize("type_name", sorted({name for mix in MIXES.values() for name in mix} | {"F32"}))
def test_a_pool_holds_whole_blocks_and_finite_numbers(type_name: str) -> None:
    import gguf
    import numpy

    pool = build_pool(type_name)
    n_weights, n_bytes = BLOCKS[type_name]
    assert len(pool) % n_bytes == 0
    raw = numpy.frombuffer(pool, numpy.uint8).reshape(1, -1)
    raw = raw.view("<f2") if type_name == "F16" else raw.view("<f4") if type_name == "F32" else raw
    floats = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType[type_name])
    assert floats.size == len(pool) // n_bytes * n_weights
    assert numpy.isfinite(floats).all()
    assert 0 < numpy.abs(floats).max() < 100


def test_too_little_room_is_seen_before_a_byte_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SPARE_BYTES", 1 << 60)
    with pytest.raises(store.StoreFailed, match="There is not enough room"):
        write_random(tmp_path / "random.gguf", DENSE, "Q8_0", 512, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ModelRefused, match="no shape of the type Q9: use one of F16"):
        plan_tensors(DENSE, "Q9")
