"""What many records come to: how fast, how often from work that was done already, how many tokens, how much
was taken.

Runs in the session and in the command-line process. Pure: records in, figures out. Must not know where
records are kept or how they are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lsp_server.trace import ACCEPTED, IGNORED, PREFETCH, PREPARE, REJECTED, REQUEST, TraceRecord, TraceValue

STAGES = ("context", "cache", "search", "generate", "filters", "wait")
TOKENS = ("n_prompt", "n_cached", "n_evaluated", "n_generated")
SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some numbers."""

    n: int = 0
    p50: float = 0.0
    p95: float = 0.0

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread:
        ordered = sorted(numbers)
        if not ordered:
            return cls()
        return cls(len(ordered), _quantile(ordered, 0.50), _quantile(ordered, 0.95))


def _quantile(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


@dataclass(frozen=True, slots=True)
class Summary:
    """`outcomes` count requests by how they ended. `n_suggestions` are the shown ones, each once, however
    often its rest was shown while it was typed; of them `n_accepted` were taken, `n_rejected` refused and
    `n_ignored` passed over. Of the others nobody knows yet. `n_precedents` of them followed a precedent, and
    of those `n_precedents_accepted` were taken."""

    n_requests: int = 0
    n_cached: int = 0
    n_attached: int = 0
    n_suggestions: int = 0
    n_accepted: int = 0
    n_rejected: int = 0
    n_ignored: int = 0
    n_precedents: int = 0
    n_precedents_accepted: int = 0
    n_unasked: int = 0
    n_prepared: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    answer_ms: Spread = Spread()
    stages_ms: dict[str, Spread] = field(default_factory=dict)
    tokens: dict[str, Spread] = field(default_factory=dict)
    reused_share: float = 0.0


def requests_of(records: Iterable[TraceRecord]) -> list[TraceRecord]:
    return [record for record in records if record.method == REQUEST]


def summarise(records: Sequence[TraceRecord]) -> Summary:
    requests = requests_of(records)
    methods = Counter(record.method for record in records)
    last_verdicts = _verdicts(records)
    verdicts = Counter(last_verdicts.values())
    precedents = _precedents(requests)
    return Summary(
        n_requests=len(requests),
        n_cached=sum(bool(record.fields.get("is_cached")) for record in requests),
        n_attached=sum(bool(record.fields.get("is_attached")) for record in requests),
        n_suggestions=_n_suggestions(requests),
        n_accepted=verdicts[ACCEPTED],
        n_rejected=verdicts[REJECTED],
        n_ignored=verdicts[IGNORED],
        n_precedents=len(precedents),
        n_precedents_accepted=sum(last_verdicts.get(one) == ACCEPTED for one in precedents),
        n_unasked=methods[PREFETCH],
        n_prepared=methods[PREPARE],
        outcomes=dict(Counter(str(record.fields.get("outcome")) for record in requests).most_common()),
        answer_ms=Spread.of(record.total_ms for record in requests),
        stages_ms={name: Spread.of(_stage(requests, name)) for name in STAGES},
        tokens={name: Spread.of(_counts(requests, name)) for name in TOKENS},
        reused_share=_reused_share(requests),
    )


def _verdicts(records: Iterable[TraceRecord]) -> dict[TraceValue, str]:
    """The last one on each suggestion: a later one is written only where it weighs more."""
    last = {
        record.fields.get("suggestion"): record.method
        for record in records
        if record.method in (ACCEPTED, REJECTED, IGNORED)
    }
    last.pop(None, None)  # of another version of edgewise
    return last


def _n_suggestions(requests: Iterable[TraceRecord]) -> int:
    return len(_suggestions(requests))


def _precedents(requests: Iterable[TraceRecord]) -> set[TraceValue]:
    """The suggestions that were made without the model."""
    return _suggestions(one for one in requests if one.fields.get("n_places"))


def _suggestions(requests: Iterable[TraceRecord]) -> set[TraceValue]:
    shown = (one for one in requests if one.fields.get("outcome") == SHOWN)
    return {one.fields.get("suggestion") for one in shown} - {None}


def _stage(records: Iterable[TraceRecord], name: str) -> list[float]:
    return [ms for record in records if (ms := record.stages_ms.get(name)) is not None]


def _counts(records: Iterable[TraceRecord], name: str) -> list[float]:
    found = (record.fields.get(name) for record in records)
    return [value for value in found if isinstance(value, int | float)]


def _reused_share(requests: Sequence[TraceRecord]) -> float:
    """Of all prompt tokens those that the host had evaluated before."""
    n_prompt = sum(_counts(requests, "n_prompt"))
    return round(1 - sum(_counts(requests, "n_evaluated")) / n_prompt, 4) if n_prompt else 0.0


def rows(summary: Summary) -> list[tuple[str, str, str]]:
    """The table: what, p50 or the count, p95."""
    return [
        ("requests", str(summary.n_requests), ""),
        ("  answered from an earlier suggestion", str(summary.n_cached), ""),
        ("  begun before they were asked", str(summary.n_attached), ""),
        *((f"  {outcome}", str(n), "") for outcome, n in summary.outcomes.items()),
        ("suggestions", str(summary.n_suggestions), ""),
        *((f"  {verdict}", str(n), "") for verdict, n in verdicts_of(summary)),
        ("  of them by precedents", str(summary.n_precedents), ""),
        ("    accepted", str(summary.n_precedents_accepted), ""),
        ("computed and never asked for", str(summary.n_unasked), ""),
        ("prompts prepared at rest", str(summary.n_prepared), ""),
        ("request to answer, ms", *_shown(summary.answer_ms)),
        *((f"  {name}, ms", *_shown(spread)) for name, spread in summary.stages_ms.items() if spread.n),
        *((name[2:] + " tokens", *_shown(spread, 0)) for name, spread in summary.tokens.items() if spread.n),
        ("prompt tokens reused", f"{summary.reused_share:.1%}", ""),
    ]


def as_markdown(summary: Summary) -> str:
    """The table for an editor, in columns also where nothing draws it."""
    shown = [(name.replace("  ", "\u2003"), *values) for name, *values in rows(summary)]
    table = [("", "p50 or count", "p95"), *shown]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        f"| {a:{widths[0]}} | {b:>{widths[1]}} | {c:>{widths[2]}} |" for a, b, c in (table[0], rule, *shown)
    ]
    return "\n".join(["# Statistics", "", *lines, ""])


def verdicts_of(summary: Summary) -> tuple[tuple[str, int], ...]:
    known = summary.n_accepted + summary.n_rejected + summary.n_ignored
    return (
        ("accepted", summary.n_accepted),
        ("rejected", summary.n_rejected),
        ("passed over", summary.n_ignored),
        ("not known yet", max(0, summary.n_suggestions - known)),
    )


def _shown(spread: Spread, n_digits: int = 1) -> tuple[str, str]:
    return f"{spread.p50:.{n_digits}f}", f"{spread.p95:.{n_digits}f}"
