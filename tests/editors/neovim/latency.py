"""`python -m tests.editors.neovim.latency`: from the key press to ghost text on the screen of a real Neovim.

Prints one table. One character is typed at each of many places of a file; it goes in over RPC right behind
the `A` that starts insert mode, and ghost text counts as visible at the first frame that a second screen
gets with it. Neovim waits 200 ms before it asks; `server` is what the server says that the request took it;
the rest is Neovim's drawing and the way between the processes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import make_home
from tests.editors.neovim.conftest import path_without_edgewise
from tests.editors.neovim.driver import PROGRAM, Editor, Frames, TimedOut, until

NEOVIM_WAITS_MS = 200
N_PLACES = 40
WAIT_S = 5.0

LINES = (
    "    with open(path) as file:",
    "        return file.read()",
    "    if path is None:",
    "    for name in names:",
    "    return os.path.join(folder, name)",
)


@dataclass(frozen=True)
class Sample:
    visible_ms: float
    server_ms: float


def build_file() -> str:
    """Many small functions, each with the start of one line to be finished."""
    parts = ["import os\n"]
    for number in range(N_PLACES):
        parts.append(f"\n\ndef read_{number}(path, names, folder):\n")
        parts += [f"{line}\n" for line in LINES[: number % 3]]
        parts.append(LINES[number % len(LINES)][:8] + "\n")
    return "".join(parts)


def places(text: str) -> Iterator[tuple[int, str]]:
    """(row from 1, the next character) of each unfinished line."""
    for row, line in enumerate(text.splitlines(), 1):
        if len(line) == 8 and line.strip():
            whole = next((known for known in LINES if known.startswith(line)), None)
            if whole is not None:
                yield row, whole[8]


def measure(editor: Editor, watched: Frames, row: int, character: str) -> Sample | None:
    """None: nothing was suggested there."""
    editor.nvim.input(f"<Esc>{row}G")
    until(lambda: editor.mode() == "n" and editor.cursor()[0] == row, "the place")
    until(lambda: editor.status()["state"] == "ready", "quiet")
    typed = editor.line() + character
    n_before = len(watched.cursor_lines)
    started = time.perf_counter()
    editor.nvim.input(f"A{character}")
    try:
        until(lambda: any(len(line) > len(typed) and line.startswith(typed)
                          for line in watched.cursor_lines[n_before:]), "ghost text", WAIT_S)  # fmt: skip
    except TimedOut:
        return None
    visible_ms = (time.perf_counter() - started) * 1000
    return Sample(visible_ms, server_ms(editor))


def server_ms(editor: Editor) -> float:
    return next(
        float(trace["total_ms"])
        for trace in reversed(editor.ask("edgewise.status")["traces"])
        if trace["method"] == "textDocument/inlineCompletion"
    )


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def show(samples: list[Sample]) -> None:
    visible = [sample.visible_ms for sample in samples]
    server = [sample.server_ms for sample in samples]
    rest = [sample.visible_ms - sample.server_ms - NEOVIM_WAITS_MS for sample in samples]
    print(f"key press to visible ghost text in Neovim, {len(samples)} of {N_PLACES} places with a suggestion")
    print(f"{'':40}{'p50 ms':>8}{'p95 ms':>8}")
    rows = (("visible", visible), ("server's own figure", server), ("Neovim's wait before it asks", None),
            ("the rest: drawing, pipes, this plugin", rest))  # fmt: skip
    for name, values in rows:
        figures = [percentile(values, p) for p in (50, 95)] if values else [NEOVIM_WAITS_MS] * 2
        print(f"{name:40}{figures[0]:8.0f}{figures[1]:8.0f}")
    more = [sample.visible_ms - sample.server_ms for sample in samples]
    print(
        f"{'more than the server':40}{percentile(more, 50):8.0f}{percentile(more, 95):8.0f}   (at most 250)"
    )


def main() -> None:
    with make_home() as home, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "places.py"
        path.write_text(text := build_file())
        environment = {**home.environment, "PATH": f"{Path(PROGRAM).parent}:{path_without_edgewise()}"}
        editor = Editor(home.folder / "e", environment).start(str(path), cwd=Path(folder))
        try:
            editor.wait_ready()
            with Frames(editor) as watched:
                found = [measure(editor, watched, row, character) for row, character in places(text)]
        finally:
            editor.close()
        show([sample for sample in found if sample])


if __name__ == "__main__":
    main()
