"""`edgewise model pull` against a hub that fails in every way.

Nothing is half-installed, a sentence says what to do, and the next pull goes on from where it was.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli import run
from model import pull, store
from tests.model import hub as hubs
from tests.model.factory import write_gguf
from tests.model.hosting import eventually
from tests.model.hub import Hub, running_hub

FILE = "coder-q8_0.gguf"
SOURCE = f"acme/coder:{FILE}"
QUICK = ("--retries", "0", "--timeout", "20")


@pytest.fixture(scope="module")
def weights(sentencepiece_file: Path) -> bytes:
    return sentencepiece_file.read_bytes()


@pytest.fixture
def hub(weights: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub({FILE: weights, "README.md": b"# Coder"}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "models"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


@pytest.fixture
def complain(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a pull that fails; gives its one sentence."""

    def complain(*arguments: str) -> str:
        code = run(["model", "pull", *arguments])
        out, err = capsys.readouterr()
        assert (code, out) == (1, ""), err
        assert not store.list_installed()
        last = err.splitlines()[-1]
        assert last.startswith("edgewise: ") and last.endswith((".", "?"))
        return last.removeprefix("edgewise: ")

    return complain


def partial_bytes() -> int:
    return sum(path.stat().st_size for path in store.staging_folder().glob("*.part"))


def assert_installed(weights: bytes) -> store.InstalledModel:
    (model,) = store.list_installed()
    assert model.path.read_bytes() == weights
    assert partial_bytes() == 0
    return model


def test_a_file_is_fetched_checked_and_installed(
    hub: Hub, weights: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["model", "pull", SOURCE, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["name"], answer["engine"]) == ("coder-q8_0", "llama_cpp")
    manifest = assert_installed(weights).manifest
    assert manifest and (manifest.source, manifest.licence) == (SOURCE, "mit")
    assert manifest.size_bytes == len(weights)
    assert run(["model", "verify", "coder-q8_0"]) == 0


def test_only_the_two_needed_requests_are_made_and_no_telemetry(hub: Hub) -> None:
    assert run(["model", "pull", SOURCE]) == 0
    paths = [path for _, path, _ in hub.requests]
    assert paths == ["/api/models/acme/coder?blobs=true", f"/acme/coder/resolve/{hubs.REVISION}/{FILE}"]
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_the_token_is_sent_to_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert run(["model", "pull", SOURCE]) == 0
    assert {headers.get("authorization") for _, _, headers in hub.requests} == {"Bearer hf_secret"}


def test_the_token_does_not_follow_to_another_host(
    hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with running_hub({FILE: weights}) as storage:
        hub.answers.append(hubs.redirect_to(f"{storage.url}/acme/coder/resolve/{hubs.REVISION}/{FILE}"))
        assert run(["model", "pull", SOURCE]) == 0
    assert_installed(weights)
    assert "authorization" not in storage.requests[0][2]


@pytest.mark.parametrize(
    ("answer", "n_kept", "sentence"),
    [
        (hubs.cut_after(40_000), 40_000, r"cut off after 0\.0 of .* MB \(.+\): check the network and pull"),
        (hubs.promise_less, 1000, r"the hub sent less than it promised\): .* it goes on from there"),
    ],
)  # fmt: skip
def test_a_cut_line_keeps_what_came_and_the_next_pull_goes_on(
    hub: Hub, weights: bytes, complain: Callable[..., str], answer: hubs.Answer, n_kept: int, sentence: str
) -> None:
    hub.answers.append(answer)
    assert re.search(sentence, complain(SOURCE, *QUICK))
    assert partial_bytes() == n_kept
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges == ["bytes=0-", f"bytes={n_kept}-"]
    assert_installed(weights)


def test_a_hub_that_stalls_is_given_up_and_gone_on_with(
    hub: Hub, weights: bytes, complain: Callable[..., str]
) -> None:
    hub.answers.append(hubs.stall_after(30_000))
    assert "nothing came for 0.3 s" in complain(SOURCE, "--retries", "0", "--timeout", "0.3")
    assert partial_bytes() == 30_000
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges == ["bytes=0-", "bytes=30000-"]
    assert_installed(weights)


def test_one_pull_goes_on_by_itself_after_cut_lines(hub: Hub, weights: bytes) -> None:
    hub.answers.extend([hubs.cut_after(10_000), hubs.cut_after(0), hubs.cut_after(20_000)])
    assert run(["model", "pull", SOURCE, "--retries", "2"]) == 0
    assert hub.ranges == ["bytes=0-", "bytes=10000-", "bytes=10000-", "bytes=30000-"]
    assert_installed(weights)


def test_wrong_bytes_are_thrown_away(hub: Hub, weights: bytes, complain: Callable[..., str]) -> None:
    hub.answers.append(hubs.send_wrong_bytes)
    assert "other bytes than the hub states (its SHA-256 differs)" in complain(SOURCE, *QUICK)
    assert partial_bytes() == 0
    assert run(["model", "pull", SOURCE]) == 0
    assert_installed(weights)


def test_wrong_bytes_after_a_cut_are_thrown_away(
    hub: Hub, weights: bytes, complain: Callable[..., str]
) -> None:
    hub.answers.extend([hubs.cut_after(5000), hubs.send_wrong_bytes])
    complain(SOURCE, *QUICK)
    assert "SHA-256" in complain(SOURCE, *QUICK)
    assert run(["model", "pull", SOURCE]) == 0
    assert_installed(weights)


def test_never_more_is_written_than_was_promised(hub: Hub, weights: bytes) -> None:
    hub.answers.append(hubs.send_more)
    assert run(["model", "pull", SOURCE]) == 0
    assert_installed(weights)


def test_a_hub_that_cannot_resume_sends_it_all(
    hub: Hub, weights: bytes, complain: Callable[..., str]
) -> None:
    hub.answers.extend([hubs.cut_after(20_000), hubs.ignore_range])
    complain(SOURCE, *QUICK)
    assert run(["model", "pull", SOURCE]) == 0
    assert_installed(weights)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, r"refuses acme/coder \(401\): it does not exist, or needs .* a token in HF_TOKEN"),
        (403, r"refuses acme/coder \(403\)"),
        (404, r"has no acme/coder \(404\): check the spelling"),
        (429, r"limits requests \(429\) and did not give acme/coder: wait a few minutes and pull again"),
        (500, r"The hub failed \(500\) and did not give acme/coder: pull again later"),
    ],
)
def test_a_hub_that_refuses_to_describe(
    hub: Hub, complain: Callable[..., str], status: int, sentence: str
) -> None:
    hub.info_status = status
    assert re.search(sentence, complain(SOURCE, *QUICK))
    assert partial_bytes() == 0


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, r"refuses .*q8_0.gguf \(401\)"),
        (404, r"no .*q8_0.gguf \(404\)"),
        (429, r"wait 7 s and pull again"),
        (500, r"failed \(500\)"),
    ],
)
def test_a_hub_that_refuses_in_the_middle_costs_nothing(
    hub: Hub, weights: bytes, complain: Callable[..., str], status: int, sentence: str
) -> None:
    hub.answers.extend([hubs.cut_after(20_000), hubs.refuse_with(status, Retry_After="7")])
    complain(SOURCE, *QUICK)
    assert re.search(sentence, complain(SOURCE, *QUICK))
    assert partial_bytes() == 20_000
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges[-1] == "bytes=20000-"
    assert_installed(weights)


def test_a_length_that_is_a_lie_installs_nothing(hub: Hub, complain: Callable[..., str]) -> None:
    description = hub.describe()["siblings"]
    description[0]["size"] += 999
    hub.info_changes["siblings"] = description
    assert "cut off" in complain(SOURCE, *QUICK)
    description[0]["size"] -= 5000
    assert "SHA-256" in complain(SOURCE, *QUICK)
    assert partial_bytes() == 0


def test_what_cannot_be_checked_is_refused(hub: Hub, complain: Callable[..., str]) -> None:
    description = hub.describe()["siblings"]
    del description[0]["lfs"]
    hub.info_changes["siblings"] = description
    assert "states no size and SHA-256" in complain(SOURCE)


def test_a_file_that_is_no_model_is_refused(hub: Hub, complain: Callable[..., str]) -> None:
    hub.files[FILE] = b"GGUF but hardly more" * 50
    assert re.search(r"acme/coder:coder-q8_0\.gguf is GGUF of version", complain(SOURCE))
    assert partial_bytes() == 0


def test_a_model_that_no_engine_runs_is_said_to_be_one(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.files[FILE] = write_gguf(tmp_path / "bert.gguf", architecture="bert").read_bytes()
    assert run(["model", "pull", SOURCE]) == 0
    shown = capsys.readouterr().out
    assert "No engine here runs it: llama_cpp finds no text to write in it: bert models embed" in shown


def test_an_unknown_file_names_the_nearest(hub: Hub, complain: Callable[..., str]) -> None:
    assert "has no file coder-q8.gguf: did you mean coder-q8_0.gguf?" in complain("acme/coder:coder-q8.gguf")


def test_an_unknown_name_names_the_nearest(complain: Callable[..., str]) -> None:
    assert "did you mean starcoder2-3b?" in complain("starcoder-3b")


def test_a_hub_that_is_not_there(
    complain: Callable[..., str], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert re.search(r"connection to http://127\.0\.0\.1:9 failed .*HF_ENDPOINT", complain(SOURCE))


@pytest.mark.parametrize(
    "changes",
    [
        {"siblings": "none"},
        {"siblings": [{"size": 1}]},
        {"siblings": [{"rfilename": FILE, "size": "large"}]},
        {"siblings": [{"rfilename": FILE, "size": 1, "lfs": 7}]},
        {"siblings": 7},
        {"cardData": [1]},
    ],
)
def test_something_else_than_a_hub(hub: Hub, complain: Callable[..., str], changes: dict[str, Any]) -> None:
    hub.info_changes.update(changes)
    assert "does not answer like a hub: check HF_ENDPOINT" in complain(SOURCE)


def test_the_best_type_that_fits_is_chosen_and_said(
    hub: Hub, weights: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("coder-q2_k.gguf", "coder-f16.gguf", "coder-q8_0-00001-of-00002.gguf", "mmproj-q8_0.gguf"):
        hub.files[name] = b"something else"
    assert run(["model", "pull", "acme/coder"]) == 0
    assert f"Chose {FILE} (0 MB) of 3 GGUF files" in capsys.readouterr().err
    assert_installed(weights)


def test_a_repository_of_split_files_is_refused(hub: Hub, complain: Callable[..., str]) -> None:
    hub.files = {"coder-00001-of-00002.gguf": b"1", "coder-00002-of-00002.gguf": b"2"}
    assert "has only GGUF files in several parts" in complain("acme/coder")


def test_another_model_of_the_same_name_is_not_overwritten(
    hub: Hub, weights: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["model", "pull", SOURCE]) == 0
    hub.files[FILE] = weights + bytes(32)
    assert run(["model", "pull", SOURCE]) == 1
    assert "run `edgewise model remove coder-q8_0` first" in capsys.readouterr().err
    assert_installed(weights)


def test_a_second_pull_of_the_same_file_waits_for_the_first(hub: Hub, weights: bytes) -> None:
    hub.answers.append(hubs.hold_at(10_000))
    first = threading.Thread(target=fetch, args=([],), daemon=True)
    first.start()
    assert hub.reached.wait(20)
    said: list[str] = []
    second = threading.Thread(target=fetch, args=(said,), daemon=True)
    second.start()
    eventually(lambda: said, "the second pull says that it waits")
    assert said == [f"Another pull is fetching {SOURCE}: waiting for it."]
    hub.released.set()
    first.join(20)
    second.join(20)
    assert said[1:] == ["coder-q8_0 is installed already."]
    assert hub.ranges == ["bytes=0-"]
    assert_installed(weights)


class Listener:
    """Collects what a pull says."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def say(self, sentence: str) -> None:
        self._said.append(sentence)

    @contextmanager
    def track(self, *_: object) -> Iterator[store.Advance]:
        yield lambda _: None


def fetch(said: list[str]) -> None:
    pull.pull(pull.parse_source(SOURCE), pull.Patience(), Listener(said))


def start_pull(*arguments: str, limit_bytes: int = 0, **environment: str) -> subprocess.Popen[str]:
    """A process of its own, as a user's; with a limit it cannot write larger files, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    program = "from lsp_server.cli import main; main()"
    command = [sys.executable, "-c", program, "model", "pull", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment}, preexec_fn=limit if limit_bytes else None,
    )  # fmt: skip


def test_ctrl_c_keeps_what_came(hub: Hub, weights: bytes) -> None:
    hub.answers.append(hubs.stall_after(20_000))
    process = start_pull(SOURCE, "--timeout", "60")
    assert hub.reached.wait(30)
    eventually(lambda: partial_bytes() == 20_000, "what came is on the disk")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "edgewise: Stopped: what was fetched is kept, the next pull goes on from there.\n"
    assert not store.list_installed()
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges == ["bytes=0-", "bytes=20000-"]
    assert_installed(weights)


def test_a_full_disk_keeps_what_came(hub: Hub, weights: bytes) -> None:
    process = start_pull(SOURCE, limit_bytes=50_000)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert re.search(r"edgewise: .*\.part cannot be written \(File too large\): make room on the disk", err)
    assert (partial_bytes(), store.list_installed()) == (50_000, [])
    assert run(["model", "pull", SOURCE]) == 0
    assert hub.ranges == ["bytes=0-", "bytes=50000-"]
    assert_installed(weights)


def test_too_little_room_is_seen_before_a_byte_comes(hub: Hub, complain: Callable[..., str]) -> None:
    description = hub.describe()["siblings"]
    description[0]["size"] = 1 << 50
    hub.info_changes["siblings"] = description
    assert "There is not enough room in" in complain(SOURCE)
    assert hub.ranges == []


def test_a_proxy_is_honoured(hub: Hub, weights: bytes) -> None:
    """The proxy is the hub itself: it is asked for a host that does not exist."""
    process = start_pull(SOURCE, HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=hub.url, NO_PROXY="")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert all(path.startswith("http://hub.invalid/") for _, path, _ in hub.requests)
    assert_installed(weights)
