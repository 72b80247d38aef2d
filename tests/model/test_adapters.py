"""Adapters: kept for one model file, checked before an engine sees them, loaded by the real host."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gguf
import numpy
import pytest

from model import adapters, store
from model.adapters import AdapterNote, find_adapter, install, list_adapters, remove, resolve_adapter
from model.gguf import read_header
from model.protocol import ModelRefused
from tests.model.factory import write_gguf
from tests.model.hosting import running_host


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models" / "adapters"


def write_adapter(path: Path, *, scale: float = 1.0, architecture: str = "llama", n_out: int = 64) -> Path:
    """One that changes the second layer's attention output."""
    random = numpy.random.default_rng(5)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 4.0)
    for name, shape in (("lora_a", (4, 64)), ("lora_b", (n_out, 4))):
        values = (scale * random.normal(0, 1, shape)).astype(numpy.float32)
        writer.add_tensor(f"blk.1.attn_output.weight.{name}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def note_of(model: Path) -> AdapterNote:
    sha256 = store.hash_file(model, lambda _: None)
    return AdapterNote("builtin", sha256, model.stat().st_size, "/code", 9, 100, 3.0, 5.0, "2026-11-23")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "trained.gguf")


def test_an_adapter_is_found_for_its_own_model_only(
    trained: Path, sentencepiece_file: Path, tmp_path: Path
) -> None:
    assert find_adapter(sentencepiece_file) is None
    installed = install(trained, sentencepiece_file, note_of(sentencepiece_file))
    assert find_adapter(sentencepiece_file) == installed == list_adapters()[0]
    assert resolve_adapter(sentencepiece_file, "auto") == str(installed.path)
    assert resolve_adapter(sentencepiece_file, "none") == ""
    other = tmp_path / "other.gguf"
    raw = bytearray(sentencepiece_file.read_bytes())
    raw[-1] ^= 1
    other.write_bytes(raw)
    assert find_adapter(other) is None
    assert resolve_adapter(other, "auto") == ""


def test_a_new_one_takes_the_place_of_the_old_under_another_name(
    trained: Path, sentencepiece_file: Path, tmp_path: Path, folder: Path
) -> None:
    note = note_of(sentencepiece_file)
    first = install(trained, sentencepiece_file, note)
    newer = write_adapter(tmp_path / "newer.gguf", scale=0.5)
    second = install(newer, sentencepiece_file, replace(note, exact_after=6.0))
    assert first.path != second.path
    assert list_adapters() == [second]
    again = install(newer, sentencepiece_file, replace(note, exact_after=7.0))
    assert list_adapters() == [again]
    assert sorted(path.suffix for path in folder.iterdir()) == [".gguf", ".json"]


def test_removing_leaves_nothing(trained: Path, sentencepiece_file: Path, folder: Path) -> None:
    remove(install(trained, sentencepiece_file, note_of(sentencepiece_file)))
    assert list(folder.iterdir()) == []


def test_a_note_that_is_damaged_hides_its_adapter(trained: Path, sentencepiece_file: Path) -> None:
    installed = install(trained, sentencepiece_file, note_of(sentencepiece_file))
    installed.path.with_suffix(".json").write_text(json.dumps({"model": 1}), encoding="utf-8")
    assert find_adapter(sentencepiece_file) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "qwen2"}, r"belongs to a qwen2 model, not to sentencepiece\.gguf"),
        ({"n_out": 96}, r"does not fit sentencepiece\.gguf: its matrices have other sizes"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, sentencepiece_file: Path, changes: dict[str, object], sentence: str
) -> None:
    path = write_adapter(tmp_path / "wrong.gguf", **changes)  # type: ignore[arg-type]
    with pytest.raises(ModelRefused, match=sentence):
        resolve_adapter(sentencepiece_file, str(path))


def test_a_model_is_no_adapter(tmp_path: Path, sentencepiece_file: Path) -> None:
    model = write_gguf(tmp_path / "model.gguf")
    with pytest.raises(ModelRefused, match=r"is no LoRA adapter: make one with .* or set model\.adapter"):
        resolve_adapter(sentencepiece_file, str(model))


def test_a_damaged_adapter_is_refused(tmp_path: Path, trained: Path, sentencepiece_file: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(trained.read_bytes()[:300])
    with pytest.raises(ModelRefused, match=r"cut\.gguf"):
        resolve_adapter(sentencepiece_file, str(cut))


def test_half_of_a_pair_does_not_fit(trained: Path, sentencepiece_file: Path) -> None:
    header = read_header(trained)
    half = replace(header, tensors=dict(list(header.tensors.items())[:1]))
    with pytest.raises(ModelRefused, match="does not fit"):
        adapters.check_fit(half, read_header(sentencepiece_file))


def test_the_host_answers_differently_with_it(
    trained: Path, sentencepiece_file: Path, runtime_root: Path
) -> None:
    answers = []
    for adapter in ("", str(trained)):
        with running_host(runtime_root, sentencepiece_file, "llama_cpp", adapter=adapter) as host:
            answers.append(host.complete([300, 310, 320], n_predict=12, ignore_eos=True)["content"])
    assert answers[0] != answers[1]
