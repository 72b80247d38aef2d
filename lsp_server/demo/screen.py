"""What the demo shows: code with ghost text where it would stand, latencies, an explanation.

Runs in the demo's process. Must not know the server or where the numbers come from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

N_LINES_BEFORE = 4
N_LINES_AFTER = 2
GHOST_STYLE = "dim italic"
_CURSOR = "▏"


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment in the editor: the text, the cursor in it, what was typed, and the ghost text there.

    `author` is what the file really says from where the typing began.
    """

    title: str
    path: str
    text: str
    offset: int
    typed: str
    ghost: str
    author: str
    latency_ms: float

    @property
    def is_wanted(self) -> bool:
        """Whether the ghost text is what the author wrote, up to the end of a line."""
        rest = self.author[len(self.typed) :]
        return (
            bool(self.ghost.strip())
            and rest.startswith(self.ghost)
            and rest[len(self.ghost) :][:1] in ("", "\n")
        )


@dataclass(frozen=True, slots=True)
class Typing:
    """What typing at one place gave: one latency for each keystroke."""

    title: str
    typed: str
    latencies_ms: tuple[float, ...]
    n_shown: int


def draw_frame(frame: Frame, is_plain: bool) -> RenderableType:
    """An editor's window around the cursor. Without colours the ghost text stands between ‹ and ›."""
    start, end, first_line = _window(frame.text, frame.offset)
    code = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(
        frame.text[start:end]
    )
    cursor = frame.offset - start
    ghost = f"‹{frame.ghost}›" if is_plain and frame.ghost else frame.ghost
    shown = Text.assemble(
        code[:cursor],
        (_CURSOR, "bold cyan"),
        (ghost, GHOST_STYLE),
        code[cursor : end - start],
        no_wrap=True,
        overflow="ellipsis",
    )
    numbered = _number_lines(shown, first_line)
    answer = f"{frame.latency_ms:.0f} ms" if frame.ghost else "nothing suggested here"
    if is_plain:
        return Group(Text(f"\n{frame.path}: {frame.title} ({answer})"), numbered)
    return Panel(
        numbered,
        title=f"{frame.path}: {frame.title}",
        title_align="left",
        subtitle=answer,
        subtitle_align="right",
        border_style="cyan" if frame.ghost else "dim",
    )


def _window(text: str, offset: int) -> tuple[int, int, int]:
    """Offsets of the lines around the cursor, and the number of the first."""
    line = text.count("\n", 0, offset)
    starts = [0]
    for part in text.split("\n"):
        starts.append(starts[-1] + len(part) + 1)
    first = max(line - N_LINES_BEFORE, 0)
    last = min(line + N_LINES_AFTER, len(starts) - 2)
    return starts[first], min(starts[last + 1] - 1, len(text)), first + 1


def _number_lines(code: Text, first: int) -> Text:
    lines = code.split("\n", allow_blank=True)
    numbered = [Text.assemble((f"{first + index:4} ", "dim"), line) for index, line in enumerate(lines)]
    return Text("\n", no_wrap=True, overflow="ellipsis").join(numbered)


def draw_comparison(frame: Frame) -> Text:
    """What really stands in the file, for an honest comparison."""
    if frame.is_wanted:
        n_saved = len(frame.ghost)
        return Text(
            f"  ✓ what the file itself says; Tab saves {n_saved} of {len(frame.author)} keys", style="green"
        )
    first, *others = frame.author.strip().split("\n")
    more = f"  (+{len(others)} more lines)" if others else ""
    return Text.assemble(("  the file itself says: ", "dim"), first, (more, "dim"))


def draw_latencies(typings: Sequence[Typing]) -> Table:
    table = Table(title="Keystroke to answer, each request", title_justify="left", header_style="bold")
    table.add_column("place")
    table.add_column("typed", no_wrap=True)
    table.add_column("ms of each keystroke")
    table.add_column("shown", justify="right")
    table.add_column("p50", justify="right")
    table.add_column("p95", justify="right")
    for typing in typings:
        table.add_row(*_latency_row(typing))
    every = tuple(ms for typing in typings for ms in typing.latencies_ms)
    table.add_section()
    n_shown = sum(typing.n_shown for typing in typings)
    table.add_row("all", "", f"{len(every)} requests", str(n_shown), *_quantiles(every), style="bold")
    return table


def _latency_row(typing: Typing) -> tuple[str, ...]:
    each = " ".join(f"{ms:.0f}" for ms in typing.latencies_ms)
    shown = f"{typing.n_shown}/{len(typing.latencies_ms)}"
    return typing.title, repr(typing.typed)[1:-1], each, shown, *_quantiles(typing.latencies_ms)


def _quantiles(values: Sequence[float]) -> tuple[str, str]:
    return f"{percentile(values, 50):.0f}", f"{percentile(values, 95):.0f}"


def percentile(values: Sequence[float], percent: int) -> float:
    """By nearest rank, so that it is a value that was really measured. 0 of nothing."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else 0.0


def draw_explanation(markdown: str, is_plain: bool) -> RenderableType:
    if is_plain:
        return Text(markdown)
    return Panel(Markdown(markdown), title="edgewise explain", title_align="left", border_style="green")


HOOKUP = """
In your editor: let its LSP client start `edgewise serve`. Neovim 0.12:

  vim.lsp.config('edgewise', { cmd = { 'edgewise', 'serve' } })
  vim.lsp.enable('edgewise')
  vim.lsp.inline_completion.enable(true)

The key that accepts, and other editors: “Your editor” in README.md.
Trouble? Run `edgewise doctor`."""


def draw_hookup() -> Text:
    return Text(HOOKUP)
