"""What a program in the sandbox can and cannot do."""

from __future__ import annotations

import pytest

from model.lab.sandbox import does_pass


def test_a_right_program_passes() -> None:
    assert does_pass("import math\nassert math.sqrt(4) == 2\n")


@pytest.mark.parametrize(
    "program",
    [
        "assert 1 == 2",
        "def f(:",
        "raise SystemExit(3)",
        "import socket\nsocket.socket()",
        "import socket\nsocket.create_connection(('127.0.0.1', 80))",
        "import subprocess\nsubprocess.run(['true'])",
        "import os\nos.system('true')\nimport os\nos.fork()",
        "open('x', 'w')",
        "x = bytearray(3 << 30)",
    ],
)
def test_a_wrong_or_wild_program_does_not(program: str) -> None:
    assert not does_pass(program)


def test_an_endless_program_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.lab.sandbox.CPU_SECONDS", 1)
    assert not does_pass("while True: pass")
