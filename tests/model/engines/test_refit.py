"""Other threads and batches for a host that runs: the KV cache goes over, and nothing is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from model.engines import EngineOptions
from model.engines.llama_cpp import LlamaCpp, LlamaServer
from model.fit import Tuning
from model.gguf import read_header
from model.wire import Wire
from tests.model.hosting import BUILTIN, eventually

IDS = list(range(500, 620))
OTHER = Tuning(n_threads=1, n_prompt_threads=2, n_batch=32)


@pytest.fixture
def options(runtime_root: Path) -> EngineOptions:
    runtime_root.mkdir()
    (runtime_root / "kv").mkdir()
    kv_folder = str(runtime_root / "kv")
    return EngineOptions(
        str(runtime_root / "e.sock"), "", n_ctx=512, n_slots=2, n_threads=1, kv_folder=kv_folder
    )


def start(options: EngineOptions) -> LlamaServer:
    return LlamaCpp().start(read_header(BUILTIN), options)


def ask(options: EngineOptions, slot: int) -> dict[str, int]:
    body = {"prompt": IDS, "id_slot": slot, "n_predict": 1, "cache_prompt": True}
    return Wire(options.socket_path).post("/completion", body)["timings"]


def test_the_kv_cache_goes_over(options: EngineOptions) -> None:
    server = start(options)
    assert ask(options, 1)["cache_n"] == 0
    assert server.refit(OTHER)
    assert ask(options, 1)["cache_n"] == len(IDS) - 1
    assert not list(Path(options.kv_folder).iterdir())
    assert sorted(path.name for path in Path(options.socket_path).parent.iterdir()) == ["e.sock", "kv"]


def test_a_busy_host_is_left_alone(options: EngineOptions) -> None:
    server = start(options)
    wire = Wire(options.socket_path)
    body = {"prompt": IDS, "id_slot": 0, "n_predict": 300, "ignore_eos": True}
    busy = threading.Thread(target=wire.post, args=("/completion", body))
    busy.start()
    eventually(server.count_active, "the request is being answered")
    is_refitted = server.refit(OTHER)
    busy.join()
    assert not is_refitted
