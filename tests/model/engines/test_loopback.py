"""Where there are no unix sockets the engines listen on a loopback port, and only for who knows the key."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path

import pytest

SERVE = """
import sys
from pathlib import Path
from model.engines import EngineOptions, choose_engine
from model.gguf import read_header
header = read_header(Path(sys.argv[1]))
options = EngineOptions(socket_path="", api_key="the key", n_ctx=256, n_slots=1, n_threads=1)
engine = choose_engine(sys.argv[2], header).start(header, options)
print(engine.base_url, engine.count_active(), flush=True)
sys.stdin.read()
"""


def ask(base_url: str, key: str) -> int:
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=30)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    connection.request("POST", "/tokenize", json.dumps({"content": "x"}), headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("engine", ["llama_cpp", "ctransformers"])
def test_only_with_the_key(sentencepiece_file: Path, engine: str) -> None:
    command = [sys.executable, "-c", SERVE, str(sentencepiece_file), engine]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        base_url, n_active = next(line for line in lines if line.startswith("http://127.0.0.1:")).split()
        assert n_active == "0"
        assert ask(base_url, "the key") == 200
        assert ask(base_url, "another key") == 401
        assert ask(base_url, "") == 401
        process.kill()
