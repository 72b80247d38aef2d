"""The supervisor with real engine hosts: who starts them, who shares them, what happens when they die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from model.attach import HostSpec, find_meeting
from model.meeting import Meeting, read_identity
from model.protocol import Endpoint, HostState, HostStatus, HostUnavailable, ModelRefused
from model.supervisor import Supervisor
from tests.model.factory import write_gguf
from tests.model.hosting import eventually, is_running

READY, STARTING, RESTARTING = HostState.READY, HostState.STARTING, HostState.RESTARTING
FAILED, STOPPED = HostState.FAILED, HostState.STOPPED


class Session:
    """A supervisor, what it told, and the folder where it meets its host."""

    def __init__(
        self, spec: HostSpec, root: Path, react: Callable[[HostStatus], None] = lambda status: None
    ) -> None:
        self.spec, self.root, self.told = spec, root, []
        self._react = react
        self.supervisor = Supervisor(spec, self._on_status, runtime_root=root, backoff_s=(0.0, 0.0, 0.0, 0.0))

    def _on_status(self, status: HostStatus) -> None:
        self.told.append(status)
        self._react(status)

    @property
    def states(self) -> list[HostState]:
        return [status.state for status in self.told]

    @property
    def meeting(self) -> Meeting:
        return find_meeting(self.spec, read_identity(self.spec.model), self.root)

    @property
    def pid(self) -> int:
        ready = self.meeting.read_ready()
        assert ready
        return ready[1]

    async def reaches(self, state: HostState) -> HostStatus:
        await wait_until(lambda: self.supervisor.status.state is state)
        return self.supervisor.status


async def wait_until(is_true: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, is_true, "the state that the test waits for")


async def connect_until(one: Session, is_wanted: Callable[[Endpoint], bool]) -> None:
    """Asks again and again, as a client does: the model file is looked at once a second at most."""
    loop = asyncio.get_running_loop()
    ask = one.supervisor.connect
    await wait_until(lambda: is_wanted(asyncio.run_coroutine_threadsafe(ask(), loop).result()))


@asynccontextmanager
async def session(
    root: Path, model: Path, *, engine: str = "llama_cpp", react=lambda status: None
) -> AsyncIterator[Session]:
    opened = Session(HostSpec(model, engine, idle_exit_s=0.0), root, react)
    try:
        yield opened
    finally:
        ready = opened.meeting.read_ready() if opened.spec.model.exists() else None
        await opened.supervisor.aclose()
        if ready:
            await wait_until(lambda: not is_running(ready[1]) or opened.meeting.has_leases())


async def test_a_ready_host_is_told_once(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        one.supervisor.start()
        endpoint = await one.supervisor.connect()
        assert await one.supervisor.connect() is endpoint
        assert one.states == [STARTING, READY]
        assert one.told[-1].info == endpoint.info
        assert endpoint.info.engine == "llama_cpp"
        assert endpoint.info.control_ids["<|fim_middle|>"] == 5
    assert one.states == [STARTING, READY, STOPPED]


async def test_a_killed_host_is_replaced(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        first = await one.supervisor.connect()
        first_pid = one.pid
        os.kill(first_pid, signal.SIGKILL)
        await wait_until(lambda: RESTARTING in one.states)
        second = await one.supervisor.connect()
        assert second is not first
        assert one.pid != first_pid
        assert one.states == [STARTING, READY, RESTARTING, READY]
        assert not is_running(first_pid)


async def test_a_request_that_fails_first_finds_the_new_host(
    runtime_root: Path, sentencepiece_file: Path
) -> None:
    """The client may notice before the kernel's notice has arrived: `connect` must not hand out the dead
    host again.
    """
    async with session(runtime_root, sentencepiece_file) as one:
        first = await one.supervisor.connect()
        os.kill(one.pid, signal.SIGKILL)
        one.supervisor.report_failure(first)
        assert await one.supervisor.connect() is not first


async def test_a_false_alarm_keeps_the_host(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        first = await one.supervisor.connect()
        one.supervisor.report_failure(first)
        assert await one.supervisor.connect() is first
        assert one.states == [STARTING, READY]


async def test_a_silent_host_is_ended_and_replaced(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        first = await one.supervisor.connect()
        silent = one.pid
        os.kill(silent, signal.SIGSTOP)
        try:
            await wait_until(lambda: psutil.Process(silent).status() == psutil.STATUS_STOPPED)
            one.supervisor.report_failure(first)
            assert await one.supervisor.connect() is not first
            assert not is_running(silent)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(silent, signal.SIGCONT)


async def test_five_deaths_are_said_once(runtime_root: Path, sentencepiece_file: Path) -> None:
    def kill(status: HostStatus) -> None:
        if status.state is READY:
            os.kill(one.pid, signal.SIGKILL)

    async with session(runtime_root, sentencepiece_file, react=kill) as one:
        one.supervisor.start()
        status = await one.reaches(FAILED)
        assert one.states.count(READY) == 5
        assert one.states.count(FAILED) == 1
        assert str(one.meeting.log_path) in status.message
        for _ in range(2):
            with pytest.raises(HostUnavailable, match="ended 5 times in ten minutes"):
                await one.supervisor.connect()
        assert one.states.count(FAILED) == 1


async def test_two_sessions_share_one_host(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with (
        session(runtime_root, sentencepiece_file) as one,
        session(runtime_root, sentencepiece_file) as two,
    ):
        left, right = await asyncio.gather(one.supervisor.connect(), two.supervisor.connect())
        assert left == right
        pid = one.pid
        await one.supervisor.aclose()
        assert await two.supervisor.connect() == right
        assert is_running(pid)
    assert not is_running(pid)


SESSION_SCRIPT = """
import asyncio, sys
from pathlib import Path
from model.supervisor import HostSpec, Supervisor

async def main():
    spec = HostSpec(Path(sys.argv[1]), "llama_cpp", idle_exit_s=0.0)
    supervisor = Supervisor(spec, lambda status: None, runtime_root=Path(sys.argv[2]))
    await supervisor.connect()
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_the_host_of_a_killed_session_ends(runtime_root: Path, sentencepiece_file: Path) -> None:
    command = [sys.executable, "-c", SESSION_SCRIPT, str(sentencepiece_file), str(runtime_root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        spec = HostSpec(sentencepiece_file, "llama_cpp")
        meeting = find_meeting(spec, read_identity(sentencepiece_file), runtime_root)
        ready = meeting.read_ready()
        assert ready
        assert os.getsid(ready[1]) != os.getsid(process.pid)
        process.kill()
    eventually(lambda: not meeting.is_host_alive(), "the host ends")
    eventually(
        lambda: not is_running(ready[1]) or psutil.Process(ready[1]).status() == psutil.STATUS_ZOMBIE,
        "it is gone",
    )
    assert not meeting.ready_path.exists()
    assert not meeting.socket_path.exists()


def test_start_before_there_is_a_loop(runtime_root: Path, sentencepiece_file: Path) -> None:
    one = Session(HostSpec(sentencepiece_file, "llama_cpp", idle_exit_s=1.0), runtime_root)
    one.supervisor.start()
    eventually(one.meeting.read_ready, "a host that is ready before anybody awaits it")
    pid = one.pid

    async def connect() -> None:
        await one.supervisor.connect()
        await one.supervisor.aclose()

    asyncio.run(connect())
    assert one.states == [STARTING, READY, STOPPED]
    eventually(lambda: not is_running(pid), "the host ends")


async def test_the_session_that_attached_last_says_how_long_the_host_waits(
    runtime_root: Path, sentencepiece_file: Path
) -> None:
    """A head start begins a host before the editor's settings are known."""
    early = Session(HostSpec(sentencepiece_file, "llama_cpp", idle_exit_s=600.0), runtime_root)
    await early.supervisor.connect()
    async with session(runtime_root, sentencepiece_file) as late:
        await late.supervisor.connect()
        pid = late.pid
        assert early.pid == pid
        await early.supervisor.aclose()
        assert is_running(pid)
    await wait_until(lambda: not is_running(pid))


async def test_a_dead_hosts_leavings_are_cleared(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        await one.supervisor.connect()
        old = one.pid
        os.kill(old, signal.SIGKILL)
        await one.supervisor.aclose()
    assert one.meeting.ready_path.exists()
    assert one.meeting.socket_path.exists()
    async with session(runtime_root, sentencepiece_file) as two:
        await two.supervisor.connect()
        assert two.pid != old


async def test_a_host_without_its_host_json_ends(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        first = await one.supervisor.connect()
        pid = one.pid
        one.meeting.ready_path.unlink()
        await wait_until(lambda: RESTARTING in one.states and not is_running(pid))
        assert await one.supervisor.connect() is not first


async def test_a_replaced_model_is_loaded(runtime_root: Path, tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "m.gguf", metadata={"general.name": "old"})
    async with session(runtime_root, model) as one:
        first = await one.supervisor.connect()
        write_gguf(tmp_path / "new.gguf", metadata={"general.name": "new"}).replace(model)

        await connect_until(one, lambda endpoint: endpoint.info.name == "new")
        assert first.info.name == "old"
        assert any("was replaced" in status.message for status in one.told)
        assert one.states == [STARTING, READY, STARTING, READY]


async def test_a_removed_model_is_told_and_may_come_back(runtime_root: Path, tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "m.gguf")
    async with session(runtime_root, model) as one:
        await one.supervisor.connect()
        aside = model.rename(tmp_path / "aside.gguf")
        with pytest.raises(ModelRefused, match=r"m.gguf does not exist"):
            await connect_until(one, lambda endpoint: False)
        assert one.states == [STARTING, READY, FAILED]
        aside.rename(model)
        await one.supervisor.connect()
        assert one.states[-1] is READY


async def test_a_bad_file_is_told_once(runtime_root: Path, tmp_path: Path) -> None:
    model = tmp_path / "bad.gguf"
    model.write_bytes(b"GGUF\x03\0\0\0")
    async with session(runtime_root, model) as one:
        for _ in range(3):
            with pytest.raises(ModelRefused, match=r"bad.gguf is cut short"):
                await one.supervisor.connect()
        assert one.states == [STARTING, FAILED]
        assert one.told[-1].message.endswith("Get the file again.")


async def test_closing_while_the_host_loads(runtime_root: Path, sentencepiece_file: Path) -> None:
    one = Session(HostSpec(sentencepiece_file, "llama_cpp", idle_exit_s=0.0), runtime_root)
    waiting = asyncio.create_task(one.supervisor.connect())
    await wait_until(lambda: STARTING in one.states)
    await one.supervisor.aclose()
    with pytest.raises(HostUnavailable):
        await waiting
    await wait_until(lambda: not one.meeting.is_host_alive())
    assert not [thread for thread in threading.enumerate() if thread.name == "early-host"]


async def test_a_workspace_cannot_replace_the_host(
    runtime_root: Path, sentencepiece_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor's working folder may be a stranger's repository, with a package named `model` in it."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "__init__.py").write_text("raise SystemExit('imported from the workspace')")
    monkeypatch.chdir(tmp_path)
    async with session(runtime_root, sentencepiece_file) as one:
        await one.supervisor.connect()
        assert "imported from the workspace" not in one.meeting.log_path.read_text()


async def test_an_idle_session_lets_go_of_its_host_and_the_next_request_brings_it_back(
    runtime_root: Path, sentencepiece_file: Path
) -> None:
    spec = HostSpec(sentencepiece_file, "llama_cpp", idle_exit_s=0.0, unload_after_s=0.3)
    one = Session(spec, runtime_root)
    first = await one.supervisor.connect()
    pid = one.pid
    await wait_until(lambda: not is_running(pid))
    assert one.states == [STARTING, READY, STOPPED]
    assert "unloaded until the next key" in one.told[-1].message
    second = await one.supervisor.connect()
    assert second is not first
    assert one.states[:5] == [STARTING, READY, STOPPED, STARTING, READY]
    pid = one.pid
    await one.supervisor.aclose()
    await wait_until(lambda: not is_running(pid))


async def test_a_suspected_host_that_computes_is_kept(runtime_root: Path, sentencepiece_file: Path) -> None:
    async with session(runtime_root, sentencepiece_file) as one:
        first = await one.supervisor.connect()
        for _ in range(5):
            one.supervisor.report_failure(first)
            assert await one.supervisor.connect() is first
