"""The benchmark's figures as a table, as JSON and as a page that needs nothing else.

Pure but for the console. Must not know how anything was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from rich.table import Table

from lsp_server.bench.ledger import Figures
from lsp_server.bench.overhead import Overhead
from lsp_server.plots import page

_COLUMNS = (
    "", "key to answer\nms, p50/95/99", "asked to\nanswer, ms", "answered in\ntime/150 ms",
    "in 10 ms\nafter pause", "tokens a\nkey, p50/95", "tokens\nin all",
    "prompt\nreused", "chars\naccepted", "CPU ms\na char",
)  # fmt: skip
NONE = "–"
# Ten columns: wider than other pages, in smaller type, and on a narrow screen it scrolls by itself.
_STYLE = (
    "<style>body { max-width: 1080px } td, th { font-size: 13px; padding: .15rem .4rem; white-space: pre }"
    " .wide { overflow-x: auto } svg { max-width: 760px }</style>"
)
BAR_WIDTH, ROW = 420, 22


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run found."""

    model: str
    engine: str
    family: str
    seed: int
    n_keys: int
    typing_s: float
    contenders: tuple[Figures, ...]
    overhead: Overhead | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def rows(contenders: Sequence[Figures]) -> list[tuple[str, ...]]:
    return [_row(figures) for figures in contenders]


def _row(f: Figures) -> tuple[str, ...]:
    return (
        f.name,
        _join(f.key_ms.p50, f.key_ms.p95, f.key_ms.p99),
        _join(f.ask_ms.p50, f.ask_ms.p95),
        f"{_percent(f.answered_share)}/{_percent(f.within_bar_share)}",
        _percent(f.paused_at_once),
        _join(f.evaluated.p50, f.evaluated.p95),
        str(f.n_evaluated),
        _percent(f.reused_share, 1),
        str(f.n_accepted),
        _number(f.cpu_ms_per_accepted, 1),
    )


def _join(*numbers: float | None) -> str:
    return "/".join(_number(number) for number in numbers)


def _number(number: float | None, n_digits: int = 0) -> str:
    return NONE if number is None else f"{number:.{n_digits}f}"


def _percent(share: float | None, n_digits: int = 0) -> str:
    return NONE if share is None else f"{share:.{n_digits}%}"


def summary(report: Report) -> list[str]:
    """What the table does not hold, in sentences."""
    lines = [
        f"{report.n_keys} keys in {report.typing_s:.0f} s, the same for each; "
        f"{report.model} ({report.family}) on {report.engine}; seed {report.seed}."
    ]
    ours = report.contenders[0] if report.contenders else None
    if ours is not None and ours.session_mb:
        lines.append(f"Memory: session {ours.session_mb:.0f} MB, engine host {ours.host_mb:.0f} MB.")
    if (found := report.overhead) is not None:
        lines.append(
            f"Added by the server to the engine: {_number(found.added_p50_ms, 1)} ms p50 "
            f"({_number(found.through_server_p50_ms, 1)} and {_number(found.engine_p50_ms, 1)} ms, "
            f"{found.n_asked} prompts)."
        )
        lines.append(f"Process start to the first answer: {_number(found.start_p50_ms)} ms.")
        lines.append(
            f"Decoding: {found.decode_per_s:.0f} tokens/s, {found.decode_share:.1%} of what the engine alone "
            f"does ({found.bare_decode_per_s:.0f})."
        )
    return lines


def draw(report: Report) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for row in rows(report.contenders):
        table.add_row(*row)
    return table


def render(report: Report) -> str:
    """One HTML file: the table, and bars for the figures that people compare."""
    head = "".join(f"<th>{escape(name)}</th>" for name in _COLUMNS)  # their line breaks are kept
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows(report.contenders)
    )
    sentences = "".join(f"<p>{escape(line)}</p>" for line in summary(report))
    drawings = "".join(
        f"<h2>{escape(title)}</h2>{_bars(figures)}" for title, figures in _drawings(report.contenders).items()
    )
    table = f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
    return page("edgewise bench", f"{_STYLE}{sentences}{table}{drawings}")


def _drawings(contenders: Sequence[Figures]) -> Mapping[str, list[tuple[str, float | None]]]:
    return {
        "Requests answered before the next key, %: the times below are of these alone": [
            (f.name, None if f.answered_share is None else 100 * f.answered_share) for f in contenders
        ],
        "Key to answer, p50, ms": [(f.name, f.key_ms.p50) for f in contenders],
        "Key to answer, p95, ms": [(f.name, f.key_ms.p95) for f in contenders],
        "Tokens evaluated in all": [(f.name, float(f.n_evaluated)) for f in contenders],
        "CPU milliseconds for each accepted character": [(f.name, f.cpu_ms_per_accepted) for f in contenders],
    }


def _bars(figures: Sequence[tuple[str, float | None]]) -> str:
    """One line for each contender; what is not known has no bar."""
    most = max((value or 0.0 for _, value in figures), default=0.0) or 1.0
    lines = "".join(
        f'<text x="0" y="{ROW * row + 15}">{escape(name)}</text>'
        f'<rect class="bar" x="200" y="{ROW * row + 3}" height="15" '
        f'width="{(value or 0.0) / most * BAR_WIDTH:.1f}"/>'
        f'<text class="soft" x="{206 + (value or 0.0) / most * BAR_WIDTH:.1f}" y="{ROW * row + 15}">'
        f"{_number(value, 1).removesuffix('.0')}</text>"
        for row, (name, value) in enumerate(figures)
    )
    return f'<svg viewBox="0 0 720 {ROW * max(len(figures), 1)}" role="img">{lines}</svg>'
