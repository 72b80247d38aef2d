"""Finds the running engine host of a model, or starts one. Blocking: call it in a thread.

Runs in the editor session. Must not know states, retries or the event loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from filelock import FileLock, Timeout

from model.meeting import FileIdentity, Meeting, open_meeting
from model.patience import Patience
from model.protocol import Endpoint, ModelRefused

POLL_S: Final = 0.02
LOAD_LIMIT_S: Final = 300.0
LOAD_TICK_S: Final = 1.0
MAX_LOG_BYTES: Final = 1 << 20
EXIT_REFUSED: Final = 3
EXIT_NOT_NEEDED: Final = 4
# glibc gives each thread a heap of its own by default, and the host's HTTP threads are many.
ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True, slots=True)
class HostSpec:
    """Which host a session wants. Equal specs of the same file share one host."""

    model: Path
    engine: str = "auto"
    n_ctx: int = 0
    n_slots: int = 4
    n_threads: int = 0
    idle_exit_s: float = 60.0
    unload_after_s: float = 0.0  # without a request; 0: never
    max_memory_mb: int = 0
    economy: str = "auto"
    cache_dir: str = ""  # where the host remembers what it measured
    adapter: str = ""  # the path of a LoRA adapter (`model.adapters`)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A ready host."""

    endpoint: Endpoint
    pid: int


class HostDied(Exception):
    """The process ended before it was ready; the text says how."""


class Stopped(Exception):
    """The caller no longer wants a host."""


def find_meeting(spec: HostSpec, identity: FileIdentity, root: Path | None) -> Meeting:
    options: tuple[str | int, ...] = (spec.engine, spec.n_ctx, spec.n_slots, spec.n_threads)
    options += tuple(option for option in _further(spec) if option)
    return open_meeting(identity, *options, root=root)


def _further(spec: HostSpec) -> tuple[str, ...]:
    """Options that most hosts do without."""
    cap = f"cap={spec.max_memory_mb}" if spec.max_memory_mb else ""
    economy = f"economy={spec.economy}" if spec.economy != "auto" else ""
    return (spec.adapter, cap, economy, spec.cache_dir)


def attach(meeting: Meeting, spec: HostSpec, stop: threading.Event) -> Attachment:
    """The ready host of this meeting. The caller holds a lease, so that the host stays."""
    while not stop.is_set():
        found = _find_ready(meeting)
        if found:
            return found
        lock = _try_lock(meeting.spawn_lock)
        if lock:
            try:
                return _find_or_spawn(meeting, spec, stop)
            finally:
                lock.release()
        stop.wait(POLL_S)
    raise Stopped


def _find_ready(meeting: Meeting) -> Attachment | None:
    ready = meeting.read_ready()
    return Attachment(*ready) if ready and meeting.is_host_alive() else None


def _try_lock(lock: FileLock) -> FileLock | None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def _find_or_spawn(meeting: Meeting, spec: HostSpec, stop: threading.Event) -> Attachment:
    """A host that is alive without being ready is loading or leaving: wait for either."""
    while meeting.is_host_alive() and not stop.is_set():
        found = _find_ready(meeting)
        if found:
            return found
        stop.wait(POLL_S)
    if stop.is_set():
        raise Stopped
    return _await_ready(_spawn(meeting, spec), meeting, stop)


def _spawn(meeting: Meeting, spec: HostSpec) -> subprocess.Popen[bytes]:
    """A process of its own: it outlives this session when others use it. -P and the folder: no import from
    a workspace.
    """
    meeting.refused_path.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-P", "-m", "model.host"),
        *(
            "--model",
            str(spec.model.absolute()),
            "--runtime-dir",
            str(meeting.folder),
            "--engine",
            spec.engine,
        ),
        *("--n-ctx", str(spec.n_ctx), "--n-slots", str(spec.n_slots), "--n-threads", str(spec.n_threads)),
        *("--idle-exit-s", str(spec.idle_exit_s)),
        *(("--adapter", spec.adapter) if spec.adapter else ()),
        *(("--max-memory-mb", str(spec.max_memory_mb)) if spec.max_memory_mb else ()),
        *(("--cache-dir", spec.cache_dir) if spec.cache_dir else ()),
        *("--economy", spec.economy),
    ]
    with _open_log(meeting.log_path) as log:
        process = subprocess.Popen(
            command,
            cwd=meeting.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    # Collects the exit code whenever it comes: no zombie.
    threading.Thread(target=process.wait, name="host-reaper", daemon=True).start()
    return process


def _open_log(path: Path) -> BinaryIO:
    """Appends; begins anew when it has grown large."""
    is_large = path.exists() and path.stat().st_size > MAX_LOG_BYTES
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if is_large else 0)
    return os.fdopen(os.open(path, flags, 0o600), "ab")


def _await_ready(process: subprocess.Popen[bytes], meeting: Meeting, stop: threading.Event) -> Attachment:
    patience = Patience(LOAD_LIMIT_S, LOAD_TICK_S)
    while not stop.wait(POLL_S):
        ready = meeting.read_ready()
        if ready and ready[1] == process.pid:
            return Attachment(*ready)
        if process.poll() is not None:
            return _explain_end(process.returncode, meeting, stop)
        if patience.is_over():
            process.kill()
            raise HostDied(f"did not load the model within {LOAD_LIMIT_S:.0f} s")
    raise Stopped


def _explain_end(code: int, meeting: Meeting, stop: threading.Event) -> Attachment:
    if code == EXIT_REFUSED and (message := meeting.read_refusal()):
        raise ModelRefused(message)
    raise HostDied(describe_exit(code))


def describe_exit(code: int) -> str:
    """Signals by name: a person can look up SIGSEGV or SIGKILL."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
