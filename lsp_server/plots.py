"""The statistics as one HTML page: a table and three drawings, in a file that needs nothing else.

Runs in the command-line process. Pure: records in, HTML out; no script, no network. Must not know where
records are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from lsp_server.stats import Summary, requests_of, rows, summarise, verdicts_of
from lsp_server.trace import TraceRecord

WIDTH, HEIGHT, MARGIN = 720, 220, 36
BUCKETS_MS = (5, 10, 25, 50, 100, 200, 400, 800, 1600)
N_DRAWN = 300

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --bar: #2f6fde; --soft: #8a94a3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #15181c; --bar: #6ea0ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 760px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .15rem .5rem; text-align: right; font-variant-numeric: tabular-nums; }
td:first-child, th:first-child { text-align: left; white-space: pre; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font-size: 11px; }
.bar { fill: var(--bar); } .axis { stroke: var(--soft); } .soft { fill: var(--soft); }
"""


def render(records: Sequence[TraceRecord]) -> str:
    requests = requests_of(records)
    summary = summarise(records)
    sections = (
        ("Time from request to answer", _histogram([record.total_ms for record in requests])),
        ("The last requests, oldest first: milliseconds each", _sequence(requests[-N_DRAWN:])),
        ("How requests ended", _bars(list(summary.outcomes.items()))),
        ("What became of the suggestions", _bars(verdicts_of(summary))),
    )
    drawings = "".join(f"<h2>{escape(title)}</h2>{drawing}" for title, drawing in sections)
    return page("edgewise stats", _table(summary) + drawings)


def page(title: str, body: str) -> str:
    """A document around HTML that is escaped already. It may load nothing."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        f"'unsafe-inline'\"><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def _table(summary: Summary) -> str:
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(first)}</td><td>{escape(second)}</td></tr>"
        for name, first, second in rows(summary)
    )
    return f"<table><tr><th></th><th>p50 or count</th><th>p95</th></tr>{lines}</table>"


def _histogram(numbers: Iterable[float]) -> str:
    counts = [0] * (len(BUCKETS_MS) + 1)
    for number in numbers:
        counts[sum(number > limit for limit in BUCKETS_MS)] += 1
    names = [*(f"≤ {limit} ms" for limit in BUCKETS_MS), f"> {BUCKETS_MS[-1]} ms"]
    return _bars(list(zip(names, counts, strict=True)))


def _bars(counts: Sequence[tuple[str, int]]) -> str:
    """One line for each name."""
    most = max((n for _, n in counts), default=0) or 1
    lines = "".join(
        f'<text x="0" y="{20 * row + 14}">{escape(name)}</text>'
        f'<rect class="bar" x="150" y="{20 * row + 3}" height="14" width="{n / most * (WIDTH - 220):.1f}"/>'
        f'<text class="soft" x="{155 + n / most * (WIDTH - 220):.1f}" y="{20 * row + 14}">{n}</text>'
        for row, (name, n) in enumerate(counts)
    )
    return f'<svg viewBox="0 0 {WIDTH} {20 * max(len(counts), 1)}" role="img">{lines}</svg>'


def _sequence(requests: Sequence[TraceRecord]) -> str:
    """A thin bar for each request."""
    most = max((record.total_ms for record in requests), default=0.0) or 1.0
    step = (WIDTH - MARGIN) / max(len(requests), 1)
    room = HEIGHT - 20
    bars = "".join(
        f'<rect class="bar" x="{MARGIN + index * step:.2f}" y="{room - record.total_ms / most * room:.1f}" '
        f'width="{max(step * 0.8, 0.5):.2f}" height="{record.total_ms / most * room:.1f}"/>'
        for index, record in enumerate(requests)
    )
    axis = f'<line class="axis" x1="{MARGIN}" y1="{room}" x2="{WIDTH}" y2="{room}"/>'
    label = f'<text x="0" y="11">{most:.0f}</text><text x="0" y="{room}">0</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{axis}{label}{bars}</svg>'
