"""A smaller model: right types, right bytes, the same metadata, and a real host runs it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import gguf
import numpy
import pytest

from model import quantize, store
from model.engines import kquants
from model.gguf import read_header
from model.protocol import ModelRefused
from tests.model.factory import write_gguf
from tests.model.hosting import BUILTIN, running_host

QUANTIZED = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0")


@pytest.fixture(scope="module")
def full_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "full.gguf"
    return write_gguf(path, architecture="qwen2", vocabulary="gpt2", quant="F16")


def shrink(path: Path, type_name: str, target: Path, *, is_again_allowed: bool = False) -> Path:
    plan = quantize.build_plan(path, type_name, is_again_allowed=is_again_allowed)
    quantize.write_quantized(plan, target, lambda _: None)
    return target


def read_weights(path: Path) -> dict[str, numpy.ndarray]:
    tensors = gguf.GGUFReader(path).tensors
    return {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in tensors}


@pytest.mark.parametrize("type_name", QUANTIZED)
def test_types_and_weights(full_file: Path, tmp_path: Path, type_name: str) -> None:
    header = read_header(shrink(full_file, type_name.lower(), tmp_path / "small.gguf"))
    types = {name: info.type_name for name, info in header.tensors.items()}
    assert types["token_embd.weight"] == types["output.weight"] == "Q8_0"
    assert types["blk.0.ffn_up.weight"] == type_name
    assert {types[name] for name in types if name.endswith(("norm.weight", "bias"))} == {"F32"}
    before, after = read_weights(full_file), read_weights(tmp_path / "small.gguf")
    steps = 127 if type_name == "Q8_0" else 2 ** (int(type_name[1]) - 1)
    for name, weights in before.items():
        assert numpy.abs(weights - after[name]).max() <= numpy.abs(weights).max() / steps * 1.1


@pytest.mark.parametrize(("type_name", "body"), [("Q6_K", 6), ("Q5_K_M", 5), ("Q4_K_M", 4), ("Q4_K_S", 4)])
def test_k_types(tmp_path: Path, runtime_root: Path, type_name: str, body: int) -> None:
    small = shrink(BUILTIN, type_name, tmp_path / "small.gguf")
    header = read_header(small)
    assert header.metadata["general.file_type"] == quantize.FILE_TYPES[type_name]
    types = {name: info.type_name for name, info in header.tensors.items()}
    assert types["output.weight"] == "Q6_K"
    assert types["blk.0.attn_q.weight"] == f"Q{body}_K"
    assert types["blk.5.attn_v.weight"] == ("Q6_K" if type_name.endswith("M") else f"Q{body}_K")
    assert types["blk.0.ffn_down.weight"] in ("Q5_0", "Q5_1", "Q8_0")  # 704 is no multiple of 256
    before, after = read_weights(BUILTIN), read_weights(small)
    for name, weights in before.items():
        assert numpy.abs(weights - after[name]).max() <= numpy.abs(weights).max() / 2 ** (body - 1) * 1.5
        assert numpy.sqrt(((weights - after[name]) ** 2).mean()) <= weights.std() / 2 ** (body - 1)
    with running_host(runtime_root, small, "llama_cpp") as host:
        assert host.complete("import os\n\ndef main():\n    ", n_predict=8)["content"].strip()


def test_k_types_without_their_library(
    full_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kquants, "is_available", lambda: False)
    with pytest.raises(ModelRefused, match=r"xllamacpp carries no quantizer for Q4_K_M: use one of Q8_0"):
        quantize.build_plan(full_file, "q4_k_m")


def test_metadata_stays_to_the_byte_but_for_the_type(full_file: Path, tmp_path: Path) -> None:
    before, after = read_header(full_file), read_header(shrink(full_file, "Q4_0", tmp_path / "small.gguf"))
    assert dict(after.metadata) == {
        **before.metadata,
        "general.file_type": 2,
        "general.quantization_version": 2,
    }
    assert (after.tokens, after.token_kinds, after.arrays) == (
        before.tokens,
        before.token_kinds,
        before.arrays,
    )
    assert after.size_bytes < 0.5 * before.size_bytes


def test_tokens_that_are_no_utf8_survive(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "odd.gguf", quant="F16")
    source.write_bytes(source.read_bytes().replace(b"function", b"func\xff\xfe\xfdn", 1))
    after = read_header(shrink(source, "Q8_0", tmp_path / "small.gguf"))
    assert "func\udcff\udcfe\udcfdn" in after.tokens


@pytest.mark.parametrize("source_type", ["F32", "BF16", "Q8_0"])
def test_other_sources(tmp_path: Path, source_type: str) -> None:
    source = write_gguf(tmp_path / "source.gguf", quant=source_type)
    header = read_header(shrink(source, "Q4_0", tmp_path / "small.gguf"))
    assert header.tensors["blk.0.attn_q.weight"].type_name == "Q4_0"
    before, after = read_weights(source), read_weights(tmp_path / "small.gguf")
    assert numpy.abs(before["blk.0.attn_q.weight"] - after["blk.0.attn_q.weight"]).max() < 0.3


def test_rows_that_are_no_whole_blocks_stay_in_half_floats(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "narrow.gguf", n_embd=48, quant="F32")
    types = {
        name: info.type_name
        for name, info in read_header(shrink(source, "Q4_0", tmp_path / "s.gguf")).tensors.items()
    }
    assert types["blk.0.attn_q.weight"] == "F16"
    assert types["blk.0.ffn_down.weight"] == "Q4_0"


def test_small_pieces_give_the_same_file(
    full_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shrink(full_file, "Q5_1", tmp_path / "whole.gguf").read_bytes()
    monkeypatch.setattr(quantize, "CHUNK_WEIGHTS", 100)
    assert shrink(full_file, "Q5_1", tmp_path / "pieces.gguf").read_bytes() == whole


@pytest.mark.parametrize("engine", ["llama_cpp", "ctransformers"])
def test_a_host_runs_the_shrunk_built_in_model(tmp_path: Path, runtime_root: Path, engine: str) -> None:
    small = shrink(BUILTIN, "Q4_0", tmp_path / "small.gguf")
    with running_host(runtime_root, small, engine) as host:
        text = host.complete("import os\nimport sys\n\ndef main():\n    ", n_predict=8)["content"]
    assert text.strip()


def test_what_is_refused(full_file: Path, tmp_path: Path) -> None:
    small = shrink(full_file, "Q4_0", tmp_path / "small.gguf")
    with pytest.raises(
        ModelRefused, match=r"quantized already \(Q4_0\), and again loses more: .* say --again"
    ):
        quantize.build_plan(small, "Q5_0")
    with pytest.raises(
        ModelRefused, match=r"no quantizer for IQ4_XS here: use one of Q8_0, .* llama-quantize"
    ):
        quantize.build_plan(full_file, "IQ4_XS")
    eight = shrink(full_file, "Q8_0", tmp_path / "eight.gguf")
    with pytest.raises(ModelRefused, match="is Q8_0 already: choose another type"):
        quantize.build_plan(eight, "q8_0")
    again = shrink(small, "Q5_0", tmp_path / "again.gguf", is_again_allowed=True)
    assert read_header(again).tensors["blk.0.ffn_up.weight"].type_name == "Q5_0"


@pytest.mark.parametrize("n_kept", [10, 5000, 60_000])
def test_a_file_that_is_cut_short(full_file: Path, tmp_path: Path, n_kept: int) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(full_file.read_bytes()[:n_kept])
    with pytest.raises(ModelRefused, match=r"broken\.gguf is (cut short|not a GGUF|damaged)"):
        quantize.build_plan(broken, "Q4_0")


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "nan.gguf", quant="F32")
    reader = gguf.GGUFReader(source)
    tensor = next(tensor for tensor in reader.tensors if tensor.name == "blk.0.ffn_up.weight")
    with source.open("r+b") as file:
        file.seek(tensor.data_offset)
        file.write(b"\xff" * 4)
    with pytest.raises(
        ModelRefused, match=r"nan\.gguf cannot be quantized \(it holds weights that are no finite"
    ):
        shrink(source, "Q4_0", tmp_path / "small.gguf")


def test_too_little_room(full_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SPARE_BYTES", 1 << 60)
    with pytest.raises(store.StoreFailed, match="There is not enough room"):
        shrink(full_file, "Q4_0", tmp_path / "small.gguf")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(full_file: Path, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    program = "from lsp_server.cli import main; main()"
    command = [sys.executable, "-c", program, "model", "quantize", str(full_file), "--to", "Q4_0"]
    environment = {**os.environ, "EDGEWISE_MODELS_DIR": str(tmp_path)}
    done = subprocess.run(
        command, env=environment, preexec_fn=limit, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "cannot be written (File too large): make room on the disk" in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == [".partial"]
