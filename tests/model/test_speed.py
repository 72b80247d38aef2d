"""Measuring a real host: the figures hang together, and nothing is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil
import pytest

from model.attach import HostSpec, attach, find_meeting
from model.fit import Fit, speed_for_batch
from model.gguf import read_header
from model.meeting import read_identity, release
from model.protocol import HostUnavailable, ModelRefused
from model.speed import Workload, choose_ids, connect, measure, measure_file, remember_fit
from model.wire import Wire
from tests.model.hosting import BUILTIN, eventually, running_host


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("engine", ["llama_cpp", "ctransformers"])
def test_a_file_is_measured_and_its_host_is_gone(sentencepiece_file: Path, engine: str) -> None:
    before = _children()
    speed = measure_file(sentencepiece_file, HostSpec(sentencepiece_file, engine), n_prompt=64, n_generated=8)
    assert speed.prompt_per_s > 0
    assert speed.generated_per_s > 0
    assert speed.first_ms > 0
    assert speed.resident_mb > 10
    assert speed.n_generated == 8
    assert _children() <= before


def test_a_prompt_longer_than_the_context_is_cut(sentencepiece_file: Path) -> None:
    spec = HostSpec(sentencepiece_file, "llama_cpp", n_ctx=256, n_slots=1)
    assert measure_file(sentencepiece_file, spec, n_prompt=5000, n_generated=8).n_prompt <= 256 - 8


def test_no_prompt_token_is_cached(runtime_root: Path) -> None:
    ids = choose_ids(read_header(BUILTIN))
    with running_host(runtime_root, BUILTIN) as host:
        wire = connect(host.endpoint)
        first = measure(wire, Workload(ids, 40, 4, slot=0), host.pid)
        second = measure(wire, Workload(ids, 40, 4, slot=0, seed=1), host.pid)
    assert (first.n_prompt, second.n_prompt) == (40, 40)


def test_a_host_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HostUnavailable, match="did not answer while it was measured"):
        measure(Wire(str(tmp_path / "no.sock")), Workload(range(10, 20)))


def test_a_bad_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelRefused, match=r"no\.gguf"):
        measure_file(tmp_path / "no.gguf")


def test_a_host_has_the_batch_of_the_speed_that_it_remembers(runtime_root: Path, tmp_path: Path) -> None:
    """How measurements get a host with the batch that they ask for."""
    spec = HostSpec(BUILTIN, "llama_cpp", n_slots=1, n_threads=1, cache_dir=str(tmp_path))
    remember_fit(spec, Fit(1, speed_for_batch(32, BUILTIN.stat().st_size), 1.0))
    meeting = find_meeting(spec, read_identity(BUILTIN), runtime_root)
    lease = meeting.take_lease()
    try:
        process = psutil.Process(attach(meeting, spec, threading.Event()).pid)
        eventually(lambda: meeting.read_pace().n_batch == 32, "the host says its batch")
        process.terminate()
        psutil.wait_procs([process])
    finally:
        release(lease)
