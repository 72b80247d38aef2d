"""A hub on the loopback, with real sockets: what a pull uses of its API, and every way to fail in it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

REVISION = "1234567890abcdef1234567890abcdef12345678"
Answer = Callable[["Handler", bytes], None]


@dataclass
class Hub:
    """`answers` are used up one for each request of a file; when there are none left, the hub behaves."""

    files: dict[str, bytes]
    url: str = ""
    repository: str = "acme/coder"
    info_status: int = 200
    is_mute: bool = False  # takes a question for a description and never answers
    info_changes: dict[str, Any] = field(default_factory=dict)
    answers: deque[Answer] = field(default_factory=deque)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    @property
    def ranges(self) -> list[str]:
        """The Range header of every request of a file."""
        return [headers.get("range", "") for _, path, headers in self.requests if "/resolve/" in path]

    def describe(self) -> dict[str, Any]:
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130},
            }
            for name, data in self.files.items()
        ]
        info = {
            "id": self.repository,
            "sha": REVISION,
            "private": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
        }
        return {**info, "siblings": siblings, "cardData": {"license": "mit"}, **self.info_changes}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.hub.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if path.startswith("/api/models/"):
            self.send_info()
        else:
            self.send_file(path)

    do_HEAD = do_GET
    do_POST = do_GET

    def send_info(self) -> None:
        if self.hub.is_mute:
            self.hub.reached.set()
            self.hub.released.wait(30)
            self.hang_up()
            return
        body = json.dumps(self.hub.describe()).encode()
        self.send_status(self.hub.info_status, body if self.hub.info_status == 200 else b"")

    def send_file(self, path: str) -> None:
        name = path.split(f"/resolve/{REVISION}/", 1)[-1]
        data = self.hub.files.get(name)
        if data is None:
            return self.send_status(404)
        answer = self.hub.answers.popleft() if self.hub.answers else behave
        return answer(self, data)

    def send_status(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def start_range(self, total: int, length: int | None = None) -> int:
        """The head of a 206 for what was asked; gives where it starts."""
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start if length is None else length))
        self.end_headers()
        return start

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def behave(handler: Handler, data: bytes) -> None:
    start = handler.start_range(len(data))
    handler.wfile.write(data[start:])


def cut_after(n_bytes: int) -> Answer:
    def answer(handler: Handler, data: bytes) -> None:
        start = handler.start_range(len(data))
        handler.wfile.write(data[start : start + n_bytes])
        handler.hang_up()

    return answer


def stall_after(n_bytes: int) -> Answer:
    """Sends nothing more until the test lets go of it."""

    def answer(handler: Handler, data: bytes) -> None:
        start = handler.start_range(len(data))
        handler.wfile.write(data[start : start + n_bytes])
        handler.wfile.flush()
        handler.hub.reached.set()
        handler.hub.released.wait(30)
        handler.hang_up()

    return answer


def hold_at(n_bytes: int) -> Answer:
    """Waits in the middle until the test lets go, then behaves."""

    def answer(handler: Handler, data: bytes) -> None:
        start = handler.start_range(len(data))
        handler.wfile.write(data[start : start + n_bytes])
        handler.wfile.flush()
        handler.hub.reached.set()
        handler.hub.released.wait(30)
        handler.wfile.write(data[start + n_bytes :])

    return answer


def send_wrong_bytes(handler: Handler, data: bytes) -> None:
    start = handler.start_range(len(data))
    handler.wfile.write(bytes(byte ^ 255 for byte in data[start:]))


def promise_less(handler: Handler, data: bytes) -> None:
    """A short answer that looks complete."""
    start = handler.start_range(len(data), length=1000)
    handler.wfile.write(data[start : start + 1000])


def send_more(handler: Handler, data: bytes) -> None:
    start = handler.start_range(len(data), length=len(data) + 5000)
    handler.wfile.write(data[start:] + b"x" * (5000 + start))


def ignore_range(handler: Handler, data: bytes) -> None:
    handler.send_status(200, data)


def redirect_to(url: str) -> Answer:
    def answer(handler: Handler, _: bytes) -> None:
        handler.send_status(302, Location=url)

    return answer


def refuse_with(status: int, **headers: str) -> Answer:
    def answer(handler: Handler, _: bytes) -> None:
        handler.send_status(status, b"no", **headers)

    return answer


@contextmanager
def running_hub(files: dict[str, bytes]) -> Iterator[Hub]:
    hub = Hub(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
