"""A real Neovim, driven as a person does (keys into a terminal, the screen out of it) and watched over RPC.

Runs in the tests' process. The same Neovim also runs without a terminal (`Face.HEADLESS`): then keys arrive
over RPC and there is no screen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import pynvim

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "editors" / "neovim"
HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgewise-editors" / "neovim"
NVIM = CACHE / "new" / "sysroot" / "usr" / "bin" / "nvim"
OLD_NVIM = CACHE / "old" / "sysroot" / "usr" / "bin" / "nvim"
PROGRAM = os.environ.get("EDGEWISE_TEST_PROGRAM") or str(Path(sys.executable).with_name("edgewise"))

TIMEOUT_S = float(os.environ.get("EDGEWISE_TEST_TIMEOUT_S", "90"))
TICK_S = 0.02
COLUMNS, ROWS = 100, 30
TMUX_KEYS = {"<Esc>": "Escape", "<CR>": "Enter", "<Tab>": "Tab", "<BS>": "BSpace", "<lt>": "<"}

T = TypeVar("T")


class Face(Enum):
    """How the Neovim shows itself."""

    TERMINAL = "terminal"
    HEADLESS = "headless"


class TimedOut(AssertionError):
    """What was waited for did not come; says what was there instead."""


class Blocked(AssertionError):
    """Neovim waits for a key before anything else can be done: no edgewise may do that."""


def until(is_there: Callable[[], T], what: str, timeout_s: float = TIMEOUT_S) -> T:
    """Asks again and again until the answer is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := is_there()):
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(TICK_S)
    return found


@dataclass
class Editor:
    """One Neovim with the plugin."""

    folder: Path
    environment: Mapping[str, str]
    face: Face = Face.TERMINAL
    options: Mapping[str, Any] = field(default_factory=dict)
    init: str = ""
    init_file: Path = HERE / "init.lua"
    wrapper: Sequence[str] = ()
    nvim: Any = None

    # --- life -----------------------------------------------------------------------------------------------

    def start(self, *arguments: str, cwd: Path | None = None) -> Editor:
        self.folder.mkdir(exist_ok=True)
        where = str(cwd or self.folder)
        command = ["env", "-i", "-C", where, *self._variables, *self.wrapper, str(NVIM), "-i", "NONE", "-n",
                   "-u", str(self.init_file)]  # fmt: skip
        if self.face is Face.TERMINAL:
            screen = ["-x", str(COLUMNS), "-y", str(ROWS)]
            self._tmux("new-session", "-d", "-s", "t", *screen,
                       *command, "--listen", str(self.socket), *arguments)  # fmt: skip
            self.nvim = until(self._attach, "Neovim")
        else:
            self.nvim = pynvim.attach("child", argv=[*command, "--embed", "--headless", *arguments])
        until(lambda: self.lua("return vim.v.vim_did_enter == 1"), "the end of Neovim's start")
        return self

    def _attach(self) -> Any:
        try:
            return pynvim.attach("socket", path=str(self.socket))
        except OSError:
            return None

    @property
    def socket(self) -> Path:
        return self.folder / "nvim.sock"

    @property
    def _variables(self) -> list[str]:
        values = {
            "TERM": "tmux-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            **self.environment,
            "EDGEWISE_TEST_PLUGIN": str(PLUGIN),
            "EDGEWISE_TEST_OPTIONS": json.dumps(self.options),
            "EDGEWISE_TEST_INIT": self.init,
        }
        return [f"{name}={value}" for name, value in values.items()]

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self.folder / "tmux.sock"), "-f", "/dev/null", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout

    def close(self) -> None:
        """Ends it as a person does; the terminal is taken away in any case."""
        try:
            if self.nvim is not None:
                self.nvim.command("qa!")
        except (OSError, EOFError, pynvim.NvimError):
            pass  # the connection ends with Neovim
        finally:
            if self.face is Face.TERMINAL:
                self._take_terminal_away()

    def _take_terminal_away(self) -> None:
        with suppress(TimedOut):
            until(lambda: not self.socket.exists(), "Neovim's end", 20)
        with suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")

    # --- hands ----------------------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """Ordinary characters, one after the other."""
        if self.face is Face.TERMINAL:
            self._tmux("send-keys", "-t", "t", "-l", "--", text)
        else:
            self.nvim.input(text.replace("<", "<lt>"))

    def press(self, *keys: str) -> None:
        """Keys by Neovim's names for them: <Esc>, <Tab>, <M-f>, <C-n>."""
        for key in keys:
            if self.face is Face.TERMINAL:
                self._tmux("send-keys", "-t", "t", TMUX_KEYS.get(key, key.strip("<>")))
            else:
                self.nvim.input(key)

    def command(self, line: str) -> None:
        """An Ex command typed by hand from normal mode."""
        self.type(f":{line}")
        self.press("<CR>")

    # --- eyes -----------------------------------------------------------------------------------------------

    def lua(self, code: str, *arguments: Any) -> Any:
        """Runs Lua in it. That it must not be waiting for a key is what every test checks with this."""
        if self.nvim.api.get_mode()["blocking"]:
            raise Blocked(self.screen() if self.face is Face.TERMINAL else "Neovim waits for a key")
        return self.nvim.exec_lua(code, *arguments)

    def screen(self, has_colours: bool = False) -> str:
        """What the terminal shows now."""
        return self._tmux("capture-pane", "-p", "-t", "t", *(["-e"] if has_colours else []))

    def ghost(self) -> str:
        return self.lua("return require('edgewise.ghost').text(0)") or ""

    def line(self) -> str:
        return self.lua("return vim.api.nvim_get_current_line()")

    def file(self) -> str:
        """The name of the current buffer."""
        return self.lua("return vim.api.nvim_buf_get_name(0)")

    def cursor(self) -> list[int]:
        return self.lua("return vim.api.nvim_win_get_cursor(0)")

    def text(self) -> str:
        return self.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')")

    def status(self) -> dict[str, Any]:
        return self.lua("return require('edgewise').status()")

    def ask(self, command: str) -> Any:
        """What the server answers to a command without arguments."""
        code = """return require('edgewise.request').client():request_sync('workspace/executeCommand',
            { command = ... }, 20000).result"""
        return self.lua(code, command)

    def mode(self) -> str:
        return self.nvim.api.get_mode()["mode"]

    def messages(self) -> list[str]:
        """What was notified, one entry each."""
        return self.lua("return _G.notified")

    def wait(self, is_there: Callable[[], T], what: str, timeout_s: float = TIMEOUT_S) -> T:
        """`until`, with the state of this editor in the error."""
        try:
            return until(is_there, what, timeout_s)
        except TimedOut as error:
            raise TimedOut(f"{error}\n{self._report()}") from None

    def _report(self) -> str:
        shown = self.screen() if self.face is Face.TERMINAL else ""
        return (
            f"status {self.status()}\nmode {self.mode()}\nnotified {self.messages()}\n{self.text()}\n{shown}"
        )

    # --- what tests do often --------------------------------------------------------------------------------

    def wait_ready(self) -> None:
        self.wait(lambda: self.status()["state"] == "ready", "the status `ready`")

    def wait_ghost(self, is_it: Callable[[str], Any] = bool) -> str:
        return self.wait(lambda: (text := self.ghost()) and is_it(text) and text, "ghost text")

    def go_to_end(self) -> None:
        """Insert mode behind the last character of the file."""
        self.press("<Esc>")
        self.type("GA")
        self.wait(lambda: self.mode() == "i", "insert mode")


class Frames:
    """Every frame that Neovim hands to a screen, from an attached second one. Use as a context."""

    def __init__(self, editor: Editor) -> None:
        self._address = str(editor.socket)
        self._grid = [[" "] * COLUMNS for _ in range(ROWS)]
        self._nvim: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._is_attached = threading.Event()
        self.frames: list[list[str]] = []
        self.cursor_lines: list[str] = []  # of each frame, the line of the cursor
        self._cursor_row = 0

    def __enter__(self) -> Frames:
        self._thread.start()
        assert self._is_attached.wait(TIMEOUT_S)
        until(lambda: self.frames, "the first frame")
        return self

    def __exit__(self, *_: object) -> None:
        self._nvim.async_call(self._nvim.stop_loop)
        self._thread.join(TIMEOUT_S)
        self._nvim.close()

    def _run(self) -> None:
        self._nvim = pynvim.attach("socket", path=self._address)
        self._nvim.ui_attach(COLUMNS, ROWS, rgb=True, ext_linegrid=True)
        self._is_attached.set()
        self._nvim.run_loop(lambda *_: None, self._on_message)

    def _on_message(self, name: str, events: list[Any]) -> None:
        for kind, *calls in events if name == "redraw" else []:
            for call in calls:
                self._draw(kind, call)

    def _draw(self, kind: str, call: list[Any]) -> None:
        if kind == "grid_line":
            _, row, column, cells, *_ = call
            for text, *more in cells:
                n = more[1] if len(more) > 1 else 1
                self._grid[row][column : column + n] = [text] * n
                column += n
        elif kind == "grid_scroll":
            self._scroll(*call[1:6])
        elif kind == "grid_clear":
            self._grid = [[" "] * COLUMNS for _ in range(ROWS)]
        elif kind == "grid_cursor_goto":
            self._cursor_row = call[1]
        elif kind == "flush":
            frame = ["".join(row).rstrip() for row in self._grid]
            self.cursor_lines.append(frame[self._cursor_row])
            self.frames.append(frame)

    def _scroll(self, top: int, bottom: int, left: int, right: int, n_rows: int) -> None:
        rows = range(top, bottom - n_rows) if n_rows > 0 else range(bottom - 1, top - n_rows - 1, -1)
        for row in rows:
            self._grid[row][left:right] = self._grid[row + n_rows][left:right]
