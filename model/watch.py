"""Tells when an engine host is gone: the kernel's notice of its exit where there is one, and a probe on
suspicion. Who slept through the wait itself, as on a suspended laptop, accuses nobody.

Runs in the editor session. Must not know states, retries or what a host serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import psutil

from model.attach import Attachment
from model.meeting import Meeting
from model.patience import TICK_S, Patience
from model.protocol import Endpoint

POLL_S: Final = 1.0
PROBE_TIMEOUT_S: Final = 5.0
STALL_TIMEOUT_S: Final = 0.8  # long enough for a host that only waits for a core
STALLED: Final = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP, psutil.STATUS_ZOMBIE)


class ExitWatch:
    """Calls `on_exit` once when the process has ended. Costs nothing while it lives (Linux), else a look
    every second.
    """

    def __init__(self, meeting: Meeting, pid: int, on_exit: Callable[[], None]) -> None:
        self._meeting, self._pid, self._on_exit = meeting, pid, on_exit
        self._descriptor = -1
        self._poll: asyncio.Task[None] | None = None
        self.is_gone = False

    async def __aenter__(self) -> Self:
        try:
            self._descriptor = os.pidfd_open(self._pid)
        except ProcessLookupError:
            self._tell()
        except (AttributeError, OSError):
            self._poll = asyncio.create_task(self._look())
        else:
            asyncio.get_running_loop().add_reader(self._descriptor, self._tell)
            # The number may be another process's by now.
            if not await asyncio.to_thread(self._meeting.is_host_alive):
                self._tell()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._poll:
            self._poll.cancel()
        self._close()

    async def _look(self) -> None:
        while await asyncio.to_thread(self._meeting.is_host_alive):  # noqa: ASYNC110  (no event tells of its end)
            await asyncio.sleep(POLL_S)
        self._tell()

    def _tell(self) -> None:
        self._close()
        if not self.is_gone:
            self.is_gone = True
            self._on_exit()

    def _close(self) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def is_answering(attachment: Attachment) -> bool:
    """One request for `/health`. Blocking. A stalled process is given up soon, one that computes is given
    time."""
    used_s = _read_cpu_s(attachment.pid)
    if _probe(attachment.endpoint, STALL_TIMEOUT_S):
        return True
    if _is_stalled(attachment.pid) or _read_cpu_s(attachment.pid) <= used_s:
        return False
    return _probe(attachment.endpoint, PROBE_TIMEOUT_S)


def _probe(endpoint: Endpoint, timeout_s: float) -> bool:
    try:
        with _open_socket(endpoint, timeout_s) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return _hears(connection, Patience(timeout_s))
    except OSError:
        return False


def _hears(connection: socket.socket, patience: Patience) -> bool:
    connection.settimeout(TICK_S)
    while not patience.is_over():
        with contextlib.suppress(TimeoutError):
            return connection.recv(16).startswith(b"HTTP/1.")
    return False


def _is_stalled(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in STALLED
    except psutil.Error:
        return True


def _read_cpu_s(pid: int) -> float:
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(used.user + used.system)


def _open_socket(endpoint: Endpoint, timeout_s: float) -> socket.socket:
    if endpoint.socket_path:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout_s)
        try:
            connection.connect(endpoint.socket_path)
        except OSError:
            connection.close()
            raise
        return connection
    name, _, port = endpoint.base_url.removeprefix("http://").rstrip("/").partition(":")
    return socket.create_connection((name, int(port or 80)), timeout_s)


def end_silent_host(meeting: Meeting, attachment: Attachment) -> None:
    """Kills a host that lives but answers nobody: its sessions will start another. Blocking."""
    ready = meeting.read_ready()
    if ready and ready[1] == attachment.pid and meeting.is_host_alive():
        with contextlib.suppress(psutil.Error):
            psutil.Process(attachment.pid).kill()
