"""Runs a GGUF for evaluation through the engine that users get: `llama_cpp` on a private unix socket,
greedy, prompts as token ids.

A screenful of blocking client, because a measurement wants one request after the other. Knows nothing of
cases or scores.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.engines import EngineOptions, choose_engine
from model.gguf import read_header

FOLDER = "edgewise-lab-"  # then the process id, so that another run can tell whose folder it is


def sweep_folders(temporary: Path) -> None:
    """Removes the folders of evaluations that were killed: a killed process removes nothing itself."""
    for folder in temporary.glob(f"{FOLDER}*"):
        number = folder.name.removeprefix(FOLDER).partition("-")[0]
        if number.isdigit() and not is_running(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def is_running(process_id: int) -> bool:
    """Whether there is such a process, of whomever."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@dataclass(frozen=True)
class Answer:
    """What came back for one prompt."""

    text: str
    ids: tuple[int, ...]
    prompt_ms: float
    decode_ms: float


class UnixConnection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=3600)  # a stopped process has lost no time
        self._path = path

    def connect(self) -> None:
        """To the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """One model in this process."""

    def __init__(
        self, path: Path, n_threads: int = 2, n_ctx: int = 2048, engine: str = "llama_cpp", adapter: str = ""
    ) -> None:
        sweep_folders(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-")
        self._socket = str(Path(self._folder.name) / "engine.sock")
        options = EngineOptions(
            self._socket, api_key="", n_ctx=n_ctx, n_slots=1, n_threads=n_threads, adapter=adapter
        )
        header = read_header(path)
        self._running = choose_engine(engine, header).start(header, options)

    def post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """One request on its own connection."""
        connection = UnixConnection(self._socket)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer}")
        return answer

    def complete(self, ids: list[int], n_predict: int, stop: tuple[str, ...] = ()) -> Answer:
        """The greedy continuation."""
        body = {"prompt": ids, "n_predict": n_predict, "temperature": 0, "top_k": 1, "stop": stop}
        answer = self.post("/completion", body | {"return_tokens": True, "cache_prompt": True})
        timings = answer.get("timings", {})
        ids_out = tuple(answer.get("tokens", ()))
        return Answer(
            answer["content"], ids_out, timings.get("prompt_ms", 0.0), timings.get("predicted_ms", 0.0)
        )

    def tokenise(self, text: str) -> list[int]:
        """The engine's own tokenisation of file text."""
        body = {"content": text, "add_special": False, "parse_special": False}
        return list(self.post("/tokenize", body)["tokens"])
