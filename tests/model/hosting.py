"""Real engine hosts for tests: start one, ask it over its socket, wait for a condition."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from model.attach import HostSpec, attach, find_meeting
from model.meeting import Meeting, read_identity, release
from model.protocol import Endpoint

BUILTIN = Path(__file__).parents[2] / "model" / "builtin" / "edgewise-builtin.Q8_0.gguf"
Json = dict[str, Any]


def eventually(is_true: Callable[[], Any], what: str, timeout_s: float = 30.0) -> Any:
    """Looks until the condition holds, and gives its value; fails with the words when it never does."""
    deadline = time.monotonic() + timeout_s
    while not (value := is_true()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)
    return value


def is_running(pid: int) -> bool:
    """A zombie counts as running: nobody may leave one."""
    return psutil.pid_exists(pid)


@dataclass(frozen=True)
class Host:
    """A ready host and where it lives."""

    endpoint: Endpoint
    pid: int
    meeting: Meeting

    def get(self, path: str) -> Json:
        return self._answer("GET", path, None)[1]

    def post(self, path: str, body: Json) -> Json:
        status, answer = self._answer("POST", path, body)
        assert status == 200, answer
        return answer

    def refuse(self, path: str, body: Json | str) -> tuple[int, Json]:
        """The answer to a request that should not succeed."""
        return self._answer("POST", path, body)

    def tokenize(self, text: str, *, parse_special: bool = False) -> list[int]:
        return self.post("/tokenize", {"content": text, "parse_special": parse_special})["tokens"]

    def complete(self, prompt: list[int] | str, **options: Any) -> Json:
        return self.post("/completion", {"prompt": prompt, "temperature": 0.0, "n_predict": 16, **options})

    @contextmanager
    def stream(self, prompt: list[int] | str, **options: Any) -> Iterator[Iterator[Json]]:
        """Events as they come. Leaving the block closes the connection."""
        connection = open_connection(self.endpoint)
        body = {"prompt": prompt, "temperature": 0.0, "stream": True, **options}
        connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
        try:
            yield _events(connection.getresponse())
        finally:
            connection.close()

    def _answer(self, method: str, path: str, body: Json | str | None) -> tuple[int, Json]:
        connection = open_connection(self.endpoint)
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer


class _Connection(http.client.HTTPConnection):
    def __init__(self, socket_path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self._socket_path)


def open_connection(endpoint: Endpoint) -> http.client.HTTPConnection:
    return _Connection(endpoint.socket_path)


def _events(response: http.client.HTTPResponse) -> Iterator[Json]:
    for line in response:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


@contextmanager
def running_host(root: Path, model: Path, engine: str = "auto", **options: Any) -> Iterator[Host]:
    """A host of this process's own; it ends when the block does, and the test waits for that."""
    spec = HostSpec(model, engine, **{"idle_exit_s": 0.0, **options})
    meeting = find_meeting(spec, read_identity(model), root)
    lease = meeting.take_lease()
    found = attach(meeting, spec, threading.Event())
    try:
        yield Host(found.endpoint, found.pid, meeting)
    finally:
        release(lease)
        eventually(lambda: not is_running(found.pid), f"the host {found.pid} of {os.getpid()} ends")
