"""Ctrl-C anywhere, a kill, a full disk: nothing is half-installed, and the same command then goes on.

A clean run tells which functions of ours a command calls; each of the next runs is interrupted in another of
them, from the first of the command to the last.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

from lsp_server.cli import run
from model import calibrate, store
from tests.model import hub as hubs
from tests.model.factory import write_gguf
from tests.model.hosting import eventually
from tests.model.hub import Hub, running_hub

FILE = "coder-q8_0.gguf"
SOURCE = f"acme/coder:{FILE}"
OURS = str(Path(store.__file__).parent)


@pytest.fixture(scope="module")
def weights(sentencepiece_file: Path) -> bytes:
    return sentencepiece_file.read_bytes()


@pytest.fixture
def hub(weights: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub({FILE: weights}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield hub


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def run_interrupted(arguments: list[str], where: CodeType | None) -> tuple[int, list[CodeType]]:
    """The exit code of a command that gets Ctrl-C where it first calls this function of ours, and all that it
    called, in the order of their first calls.
    """
    called: dict[CodeType, None] = {}

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS):
            called[code] = None
            if code is where:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(watch)
    try:
        return run(["model", *arguments]), list(called)
    finally:
        sys.setprofile(None)


def interrupt_everywhere(
    arguments: list[str],
    clean_up: Callable[[], None],
    check: Callable[[], None],
    settle: Callable[[], None] = lambda: None,
) -> None:
    """Runs the command whole, twice, so that caches are filled; then with an interrupt in every function that
    it calls, and after each interrupt again to its end.
    """
    for _ in range(2):
        clean_up()
        code, called = run_interrupted(arguments, None)
        assert code == 0
        check()
    assert len(called) > 20
    for where in called:
        clean_up()
        assert run_interrupted(arguments, where)[0] == 130, where.co_qualname
        assert_nothing_half_done()
        settle()
        assert run(["model", *arguments]) == 0, where.co_qualname
        check()


def assert_nothing_half_done() -> None:
    """What is installed is whole; only what a pull goes on from is kept besides."""
    for model in store.list_installed():
        assert model.manifest is None or store.hash_file(model.path, lambda _: None) == model.manifest.sha256
    left = [path for path in store.models_folder().rglob("*") if path.is_file()]
    assert all(path.suffix in (".gguf", ".json", ".part", ".lock") for path in left), left


def remove_all() -> None:
    for model in store.list_installed():
        store.remove(model)


def test_a_pull_that_is_interrupted_anywhere_goes_on(hub: Hub, weights: bytes) -> None:
    def check() -> None:
        (model,) = store.list_installed()
        assert model.manifest and model.manifest.source == SOURCE
        assert model.path.read_bytes() == weights
        assert not list(store.staging_folder().glob("*.part"))

    interrupt_everywhere(["pull", SOURCE], remove_all, check)


def test_an_import_that_is_interrupted_anywhere_can_be_repeated(sentencepiece_file: Path) -> None:
    def check() -> None:
        (model,) = store.list_installed()
        assert model.manifest and model.path.read_bytes() == sentencepiece_file.read_bytes()

    interrupt_everywhere(["import", str(sentencepiece_file), "--as", "mine"], remove_all, check)
    assert sentencepiece_file.exists()


@pytest.mark.parametrize("target", ["", "small.gguf"], ids=["installed", "to a file"])
def test_quantizing_that_is_interrupted_anywhere_can_be_repeated(home: Path, target: str) -> None:
    source = write_gguf(home / "full.gguf", architecture="qwen2", vocabulary="gpt2", quant="F16")
    written = home / target if target else store.models_folder() / "full.Q4_0.gguf"
    sizes: set[int] = set()

    def clean_up() -> None:
        remove_all()
        written.unlink(missing_ok=True)

    def check() -> None:
        sizes.add(written.stat().st_size)
        assert len(sizes) == 1
        if target:
            written.unlink()  # another run would refuse to write over it
        assert not [path.name for path in home.iterdir() if path.name.startswith(".")]

    def settle() -> None:
        if target and written.exists():  # interrupted after it was written, and whole
            check()

    output = ["--output", str(written)] if target else []
    interrupt_everywhere(["quantize", str(source), "--to", "Q4_0", *output], clean_up, check, settle)


def start(*arguments: str, limit_bytes: int = 0) -> subprocess.Popen[str]:
    """A process of its own, as a user's; with a limit it cannot write larger files, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    program = "from lsp_server.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "model", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
        preexec_fn=limit if limit_bytes else None,
    )  # fmt: skip


def partial_bytes() -> int:
    return sum(path.stat().st_size for path in store.staging_folder().glob("*.part"))


def test_ctrl_c_while_the_hub_says_nothing(hub: Hub) -> None:
    hub.is_mute = True
    process = start("pull", SOURCE, "--timeout", "60")
    assert hub.reached.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "edgewise: Stopped: what was fetched is kept, the next pull goes on from there.\n"
    assert not store.list_installed()


def test_a_hub_that_never_describes_is_given_up(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.is_mute = True
    assert run(["model", "pull", SOURCE, "--retries", "0", "--timeout", "0.3"]) == 1
    assert "did not answer in time: check the network" in capsys.readouterr().err


def test_a_killed_pull_is_gone_on_with_by_another_process(hub: Hub, weights: bytes) -> None:
    hub.answers.append(hubs.stall_after(20_000))
    process = start("pull", SOURCE, "--timeout", "60")
    assert hub.reached.wait(30)
    eventually(lambda: partial_bytes() == 20_000, "what came is on the disk")
    process.kill()
    process.communicate(timeout=30)
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges == ["bytes=0-", "bytes=20000-"]
    (model,) = store.list_installed()
    assert model.path.read_bytes() == weights


def test_two_processes_pull_one_file_once(hub: Hub, weights: bytes) -> None:
    hub.answers.append(hubs.hold_at(10_000))
    first = start("pull", SOURCE)
    assert hub.reached.wait(30)
    second = start("pull", SOURCE)
    assert second.stderr is not None
    assert second.stderr.readline() == f"Another pull is fetching {SOURCE}: waiting for it.\n"
    hub.released.set()
    for process in (first, second):
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert hub.ranges == ["bytes=0-"]
    (model,) = store.list_installed()
    assert model.path.read_bytes() == weights


def test_ctrl_c_while_waiting_for_another_pull(hub: Hub) -> None:
    hub.answers.append(hubs.hold_at(10_000))
    first = threading.Thread(target=run, args=(["model", "pull", SOURCE],), daemon=True)
    first.start()
    assert hub.reached.wait(30)
    second = start("pull", SOURCE)
    assert second.stderr is not None and second.stderr.readline().startswith("Another pull")
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=30)[1].startswith("edgewise: Stopped: ")
    assert second.returncode == 130
    hub.released.set()
    first.join(30)
    assert len(store.list_installed()) == 1


def test_a_limited_hub_costs_nothing_that_came(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers.append(hubs.cut_after(20_000))
    assert run(["model", "pull", SOURCE, "--retries", "0"]) == 1
    hub.info_status = 429
    assert run(["model", "pull", SOURCE, "--retries", "0"]) == 1
    assert "limits requests (429)" in capsys.readouterr().err
    hub.info_status = 200
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges == ["bytes=0-", "bytes=20000-"]


@pytest.mark.parametrize("command", ["quantize", "bench"])
def test_a_full_disk_leaves_nothing(command: str, home: Path) -> None:
    source = write_gguf(home / "full.gguf", architecture="qwen2", vocabulary="gpt2", quant="F16")
    arguments = {
        "quantize": [str(source), "--to", "Q8_0", "--output", str(home / "small.gguf")],
        "bench": ["--shape", "n_layer=2,n_embd=64,n_head=2,n_head_kv=1,n_ff=128,n_vocab=1000"],
    }[command]
    process = start(command, *arguments, limit_bytes=30_000)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert re.fullmatch(r"edgewise: .* cannot be written \(File too large\): make room on the disk.*\n", err)
    left = [path.name for path in home.rglob("*") if path.is_file()]
    assert left == ["full.gguf"]


def test_what_a_killed_bench_left_is_removed_by_the_next(home: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(timeout=30)
    left = home / "cache" / f"shape-{gone.pid}-abc" / "random.gguf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"weights")
    other = home / "cache" / f"shape-{os.getpid()}-abc"
    other.mkdir()
    with calibrate.temporary_file():
        assert not left.parent.exists()
        assert other.exists()


def test_a_bench_that_is_terminated_leaves_no_weights(home: Path) -> None:
    workspace = home / "workspace"
    workspace.mkdir()
    body = "".join(f"    total += values[{n}] * {n}\n" for n in range(6))
    (workspace / "sums.py").write_text(f"def weigh(values):\n    total = 0\n{body}    return total\n")
    shape = "n_layer=2,n_embd=64,n_head=2,n_head_kv=1,n_ff=128,n_vocab=32768"
    asked = ["bench", "--shape", shape, "--dir", str(workspace), "--only", "engine", "--overhead", "0"]
    program = [sys.executable, "-c", "from lsp_server.cli import main; main()", *asked]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stderr is not None
        while "typing" not in process.stderr.readline():
            assert process.poll() is None
        assert list((home / "cache").glob("shape-*"))
        process.terminate()
        assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert not list((home / "cache").glob("shape-*"))
