"""A program in a terminal of its own (tmux), driven by keys and read by its screen. Knows no editor."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.editors.neovim.driver import TIMEOUT_S, TimedOut, until

COLUMNS, ROWS = 110, 40


class Terminal:
    """Use as a context: the program ends with it."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], command: Sequence[str], cwd: Path
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._socket = folder / "tmux.sock"
        values = {"TERM": "tmux-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **environment}
        variables = [f"{name}={value}" for name, value in values.items()]
        self._command = ["env", "-i", "-C", str(cwd), *variables, *command]

    def __enter__(self) -> Terminal:
        self._tmux("new-session", "-d", "-s", "t", "-x", str(COLUMNS), "-y", str(ROWS), *self._command)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(subprocess.CalledProcessError):  # gone with its program
            self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-t", "t", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """By tmux's names for them: Escape, Enter, C-c, M-x."""
        self._tmux("send-keys", "-t", "t", *keys)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "t")

    def wait_screen(self, *words: str, timeout_s: float = TIMEOUT_S) -> str:
        """Until it shows all of them."""
        try:
            until(lambda: all(word in self.screen() for word in words), f"{words}", timeout_s)
        except TimedOut as error:
            raise TimedOut(f"{error}\n{self.screen()}") from None
        return self.screen()
