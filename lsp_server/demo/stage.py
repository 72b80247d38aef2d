"""Where the demo is shown: a terminal with movement, a pipe with plain text, the picture of the README.

Runs in the demo's process. Must not know the server; it is told what happened.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from lsp_server.demo.screen import (
    Frame,
    Typing,
    draw_comparison,
    draw_explanation,
    draw_frame,
    draw_hookup,
    draw_latencies,
)

PICTURE_COLUMNS = 100
# rich's template loads a font from a web server; the picture must not.
_SVG_FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


class Stage:
    """Prints to one console and remembers what belongs into the picture."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_plain = not console.is_terminal
        self._picture: list[RenderableType] = []
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[message]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=self._is_plain,
        )
        self._tasks: dict[str, TaskID] = {}

    def show_start(self, workspace: Path, n_places: int) -> None:
        places = f"{n_places} places to type at"
        line = Text(f"edgewise demo: {workspace}, {places}", style="bold")
        self._print(line, picture=Text(f"edgewise demo: this project, {places}", style="bold"))

    @contextmanager
    def progress(self) -> Iterator[None]:
        with self._bars:
            yield

    def show_progress(self, token: str, value: Mapping[str, Any]) -> None:
        """One `$/progress` of the server. A bar without a percentage only moves."""
        message = value.get("message") or ""
        if value["kind"] == "begin":
            self._tasks[token] = self._bars.add_task(value["title"], total=None, message=message)
        elif (task := self._tasks.get(token)) is None:
            return
        elif value["kind"] == "end":
            self._bars.update(task, total=100, completed=100, message=message)
        elif (percentage := value.get("percentage")) is None:
            self._bars.update(task, message=message)
        else:
            self._bars.update(task, total=100, completed=percentage, message=message)

    def show_ready(self, status: Mapping[str, Any]) -> None:
        index = status["index"]
        read = f"read {index['files']} files with {index['symbols']} symbols"
        self._print(Text(f"{read}; model {status['model']} on {status['engine']}, offline"))

    @contextmanager
    def window(self) -> Iterator[Callable[[Frame], None]]:
        """An editor's window that changes while it is typed into; nothing moves in a pipe."""
        if self._is_plain:
            yield lambda frame: None
            return
        with Live(console=self._console, transient=True, auto_refresh=False) as live:
            yield lambda frame: live.update(draw_frame(frame, is_plain=False), refresh=True)

    def show_place(self, frame: Frame) -> None:
        self._print(draw_frame(frame, self._is_plain), picture=draw_frame(frame, is_plain=False))
        self._print(draw_comparison(frame))

    def show_latencies(self, typings: Sequence[Typing]) -> None:
        self._print(Text(""), draw_latencies(typings))

    def show_explanation(self, markdown: str) -> None:
        self._console.print(draw_explanation(markdown, self._is_plain))

    def show_end(self) -> None:
        self._console.print(draw_hookup())

    def save_picture(self, path: Path) -> None:
        """The same output as an SVG, for the README."""
        console = Console(
            record=True, file=io.StringIO(), width=PICTURE_COLUMNS, force_terminal=True, highlight=False
        )
        for item in self._picture:
            console.print(item)
        console.save_svg(str(path), title="edgewise demo", code_format=_SVG_FORMAT, unique_id="edgewise")

    def _print(self, *items: RenderableType, picture: RenderableType | None = None) -> None:
        for item in items:
            self._console.print(item)
            self._picture.append(picture or item)
