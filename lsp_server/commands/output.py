"""What commands write: JSON for programs, plain or coloured text for people.

Runs in the command-line process. Must not know any command.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def use_utf8() -> None:
    """Output is UTF-8 wherever it goes; what UTF-8 cannot hold (a lone surrogate) is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def write_json(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def write_text(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
    sys.stdout.flush()


def write_note(text: str) -> None:
    """For the person at the terminal; a program that reads stdout does not see it."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def is_terminal() -> bool:
    return sys.stdout.isatty()


def build_console() -> Console:
    """Colours only on a terminal; a pipe gets plain text that no width cuts short."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            """rich would end the process with code 1; a reader that leaves is no failure."""
            raise BrokenPipeError

    width = None if is_terminal() else 120
    return Output(highlight=False, soft_wrap=not is_terminal(), width=width)
