"""The engine host as a process: what it refuses and with which words, where it listens, when it leaves."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from model.attach import HostDied, HostSpec, attach, find_meeting
from model.meeting import read_identity, release
from model.protocol import ModelRefused
from tests.model.conftest import FIM_TOKENS
from tests.model.factory import write_gguf
from tests.model.hosting import BUILTIN, eventually, is_running, running_host


def find_message(root: Path, model: Path, engine: str = "auto") -> str:
    """What a session hears that asks for a host of this file."""
    spec = HostSpec(model, engine, idle_exit_s=0.0)
    meeting = find_meeting(spec, read_identity(model), root)
    lease = meeting.take_lease()
    try:
        with pytest.raises(ModelRefused) as caught:
            attach(meeting, spec, threading.Event())
    finally:
        release(lease)
    eventually(lambda: not meeting.is_host_alive(), "the refused host's process ends")
    return str(caught.value)


def _truncate(path: Path) -> None:
    os.truncate(write_gguf(path), 150_000)


def _claim_many_tensors(path: Path) -> None:
    data = bytearray(write_gguf(path).read_bytes())
    data[8:16] = (2**63).to_bytes(8, "little")
    path.write_bytes(data)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "truncated": (_truncate, "auto", "is cut short or damaged: its tensors need"),
    "lying": (_claim_many_tensors, "auto", "is damaged: it claims 9223372036854775808 tensors"),
    "text": (lambda path: path.write_text("# a Python file\n"), "auto", "is not a GGUF file. Choose a file"),
    "empty": (lambda path: path.write_bytes(b""), "auto", "is not a GGUF file"),
    "old": (
        lambda path: path.write_bytes(b"tjgg\x03\0\0\0" + bytes(64)),
        "auto",
        "format GGJT, which GGUF replaced",
    ),
    "folder": (lambda path: path.mkdir(), "auto", "is a folder or a device: name the .gguf file"),
    "pipe": (lambda path: os.mkfifo(path), "auto", "is a folder or a device"),
    "bpe": (
        lambda path: write_gguf(path, vocabulary="gpt2"),
        "ctransformers",
        'vocabularies other than SentencePiece (llama), this is gpt2. Set model.engine to "llama_cpp"',
    ),
    "architecture": (
        lambda path: write_gguf(path, architecture="qwen2"),
        "ctransformers",
        "runs GGUF files of the architecture llama only, this is qwen2. Set model.engine to",
    ),
    "unknown architecture": (
        lambda path: write_gguf(path, architecture="hal9000"),
        "auto",
        "does not know the architecture 'hal9000'; ctransformers runs GGUF files of",
    ),
    "embedding model": (
        lambda path: write_gguf(path, architecture="bert"),
        "auto",
        "bert models embed or see",
    ),
    "missing tensor": (
        lambda path: write_gguf(path, leave_out=("blk.0.attn_q.weight",)),
        "llama_cpp",
        "llama_cpp could not load",
    ),
    "engine": (
        lambda path: write_gguf(path),
        "warp",
        "There is no engine 'warp': set model.engine to one of auto, llama_cpp",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_a_sentence(runtime_root: Path, tmp_path: Path, name: str) -> None:
    write, engine, words = BAD_FILES[name]
    model = tmp_path / "some.gguf"
    write(model)
    message = find_message(runtime_root, model, engine)
    assert words in message
    assert "\n" not in message
    assert message.endswith(".")
    assert "some.gguf" in message or name == "engine"


def test_a_missing_file_is_refused(runtime_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"gone.gguf does not exist: check the setting model.name"):
        read_identity(tmp_path / "gone.gguf")


def test_an_unreadable_file_is_refused(
    runtime_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root reads everything, so the file is one that nobody can read: a link to itself."""
    (tmp_path / "loop.gguf").symlink_to(tmp_path / "loop.gguf")
    with pytest.raises(ModelRefused, match=r"loop.gguf cannot be read"):
        read_identity(tmp_path / "loop.gguf")


def test_a_native_crash_is_a_death_with_the_signals_name(
    runtime_root: Path, sentencepiece_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is killed while it starts: the session hears how it ended."""
    spec = HostSpec(sentencepiece_file, "llama_cpp")
    meeting = find_meeting(spec, read_identity(sentencepiece_file), runtime_root)
    monkeypatch.setattr("model.attach.LOAD_LIMIT_S", -1.0)
    with pytest.raises(HostDied, match="did not load the model within"):
        attach(meeting, spec, threading.Event())
    eventually(lambda: not meeting.is_host_alive(), "the killed host ends")


@pytest.mark.parametrize("engine", ["llama_cpp", "ctransformers"])
def test_only_this_user_reaches_the_host(runtime_root: Path, sentencepiece_file: Path, engine: str) -> None:
    with running_host(runtime_root, sentencepiece_file, engine) as host:
        for path in (host.meeting.folder, host.meeting.folder.parent):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for path in (host.meeting.socket_path, host.meeting.ready_path, host.meeting.log_path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        pid = host.pid
    assert not is_running(pid)
    assert not host.meeting.ready_path.exists()
    assert not host.meeting.socket_path.exists()


@pytest.mark.parametrize("engine", ["llama_cpp", "ctransformers"])
def test_prompts_are_not_logged(runtime_root: Path, sentencepiece_file: Path, engine: str) -> None:
    with running_host(runtime_root, sentencepiece_file, engine) as host:
        host.complete("def very_secret_name(", n_predict=4)
        host.tokenize("another_secret_name")
        host.refuse("/completion", '{"prompt": "broken_secret_name')
        host.refuse("/completion", {"prompt": "long_secret_name " * 2000})
        log = host.meeting.log_path.read_text()
    assert "secret" not in log
    assert f"on {engine}" in log


def test_auto_takes_llama_cpp(runtime_root: Path, bpe_file: Path) -> None:
    with running_host(runtime_root, bpe_file) as host:
        info = host.endpoint.info
        assert (info.engine, info.architecture, info.vocabulary) == ("llama_cpp", "qwen2", "gpt2")
        assert (info.n_slots, info.n_ctx) == (4, 2048)
        assert set(FIM_TOKENS) <= set(info.control_ids)


def test_the_context_of_each_slot_is_as_asked(runtime_root: Path, sentencepiece_file: Path) -> None:
    with running_host(runtime_root, sentencepiece_file, n_ctx=512, n_slots=2) as host:
        assert (host.endpoint.info.n_ctx, host.endpoint.info.n_slots) == (512, 2)
        slots = host.get("/slots")
        assert [slot["n_ctx"] for slot in slots] == [512, 512]


def test_the_built_in_model_is_recognised(runtime_root: Path) -> None:
    with running_host(runtime_root, BUILTIN) as host:
        assert host.endpoint.info.family == "edgewise-prefix"
        assert host.endpoint.info.n_ctx == 2048


@pytest.fixture
def wide_file(tmp_path: Path) -> Path:
    """Its KV cache takes 32 kB a token: 4 slots of 4096 would be 512 MB."""
    return write_gguf(tmp_path / "wide.gguf", n_layer=8, n_embd=1024, n_ctx=4096)


def test_a_memory_cap_shrinks_the_context(runtime_root: Path, wide_file: Path) -> None:
    """8 bits a number first, then fewer slots and a shorter context."""
    cap_mb = (wide_file.stat().st_size >> 20) + 128 + 100
    with running_host(runtime_root, wide_file, max_memory_mb=cap_mb, n_threads=1) as host:
        info = host.endpoint.info
        assert (info.n_ctx, info.n_slots) == (2048, 2)
        assert "q8_0" in host.meeting.log_path.read_text()
        host.complete([300] * 500, n_predict=2)
        assert psutil.Process(host.pid).memory_info().rss < cap_mb << 20


def test_a_cap_that_is_too_low_is_refused_with_a_sentence(runtime_root: Path, wide_file: Path) -> None:
    spec = HostSpec(wide_file, max_memory_mb=60)
    with pytest.raises(ModelRefused, match=r"wide.gguf needs \d+ MB at least.*allows 60: set it higher"):
        attach(find_meeting(spec, read_identity(wide_file), runtime_root), spec, threading.Event())
