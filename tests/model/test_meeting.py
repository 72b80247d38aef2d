"""The folder where hosts and sessions meet: who may own it, how long its path may be, what leases say."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from model.meeting import (
    MAX_SOCKET_PATH,
    ROOT_VARIABLE,
    Meeting,
    choose_root,
    make_private_folder,
    open_meeting,
    read_identity,
    release,
)
from model.protocol import ModelRefused


def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    folder = make_private_folder(tmp_path / "run")
    assert make_private_folder(folder) == folder
    folder.chmod(0o750)
    with pytest.raises(ModelRefused, match=r"open to other users \(mode 750\): remove it"):
        make_private_folder(folder)


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelRefused, match="it is a link or a file"):
        make_private_folder(tmp_path / "run")


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(ModelRefused, match="cannot be made"):
        make_private_folder(tmp_path / "run")


def test_a_folder_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ModelRefused, match="other users may replace it"):
        make_private_folder(tmp_path / "open" / "run")
    (tmp_path / "open").chmod(0o1777)
    (tmp_path / "open" / "run").chmod(0o700)
    assert make_private_folder(tmp_path / "open" / "run")


def test_another_users_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_private_folder(tmp_path / "run")
    if os.geteuid() == 0:
        os.chown(folder, 65533, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 65533)
    with pytest.raises(ModelRefused, match="it belongs to another user"):
        make_private_folder(folder)


def test_a_long_path_gives_way_to_a_short_one(tmp_path: Path) -> None:
    wanted = tmp_path / ("long" * 30)
    root = choose_root(wanted)
    assert root.parent == Path(tempfile.gettempdir())
    assert root != choose_root(tmp_path / ("other" * 30))
    assert len(str(root / ("x" * 16) / "engine.sock")) <= MAX_SOCKET_PATH


def test_the_environment_names_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, "/run/mine")
    assert choose_root() == Path("/run/mine")
    monkeypatch.delenv(ROOT_VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert choose_root() == Path("/run/user/7/edgewise")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert choose_root().name.startswith("edgewise")


def test_each_file_and_option_has_its_own_folder(tmp_path: Path, runtime_root: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"1")
    first = open_meeting(read_identity(model), "auto", 512, root=runtime_root)
    assert open_meeting(read_identity(model), "auto", 512, root=runtime_root) == first
    assert open_meeting(read_identity(model), "auto", 1024, root=runtime_root) != first
    model.write_bytes(b"12")
    assert open_meeting(read_identity(model), "auto", 512, root=runtime_root) != first


def test_leases_are_let_go_of(tmp_path: Path) -> None:
    meeting = Meeting(make_private_folder(tmp_path / "run"))
    assert not meeting.has_leases()
    first, second = meeting.take_lease(), meeting.take_lease()
    release(first)
    assert meeting.has_leases()
    release(second)
    assert not meeting.has_leases()
    assert list((meeting.folder / "leases").iterdir()) == []


def test_a_lease_that_was_cleared_away_before_it_was_locked_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the clock jumps ahead: the new lease seems to be old."""
    meeting = Meeting(make_private_folder(tmp_path / "run"))
    acquire, cleared = FileLock.acquire, []

    def acquire_too_late(lock: FileLock, *arguments: Any, **options: Any) -> Any:
        proxy = acquire(lock, *arguments, **options)
        if not cleared:
            cleared.append(Path(lock.lock_file))
            cleared[0].unlink()
        return proxy

    monkeypatch.setattr(FileLock, "acquire", acquire_too_late)
    lease = meeting.take_lease()
    assert Path(lease.lock_file) != cleared[0]
    assert meeting.has_leases()
    release(lease)


@pytest.mark.parametrize("jump_s", [-6 * 3600.0, 6 * 3600.0])
def test_a_jump_of_the_clock_ends_no_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    meeting = Meeting(make_private_folder(tmp_path / "run"))
    lease, there = meeting.take_lease(), time.time()
    monkeypatch.setattr("model.meeting.time.time", lambda: there + jump_s)
    assert meeting.has_leases()
    release(lease)
    assert not meeting.has_leases()


LEASE_SCRIPT = """
import sys, time
from pathlib import Path
from model.meeting import Meeting
lease = Meeting(Path(sys.argv[1])).take_lease()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_kernel_frees_the_lease_of_a_killed_process(tmp_path: Path) -> None:
    meeting = Meeting(make_private_folder(tmp_path / "run"))
    command = [sys.executable, "-c", LEASE_SCRIPT, str(meeting.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert meeting.has_leases()
        process.kill()
        process.wait()
        assert not meeting.has_leases()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": 1}', '{"pid": "x", "protocol": 1, "info": {}}'])
def test_a_damaged_host_json_is_no_host(tmp_path: Path, text: str) -> None:
    meeting = Meeting(make_private_folder(tmp_path / "run"))
    assert meeting.read_ready() is None
    meeting.ready_path.write_text(text)
    assert meeting.read_ready() is None
