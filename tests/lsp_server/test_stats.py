"""Figures, sentences and drawings out of records."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from lsp_server.plots import render
from lsp_server.stats import Spread, Summary, as_markdown, rows, summarise
from lsp_server.trace import ACCEPTED, IGNORED, PREFETCH, PREPARE, REJECTED, REQUEST, TraceRecord
from lsp_server.types import Reason
from lsp_server.why import NO_REQUEST, REASONS, SEARCH_NOTES, explain, explain_last


def record(total_ms: float = 10.0, method: str = REQUEST, **fields: object) -> TraceRecord:
    stages_ms = {"context": 0.4, "generate": 80.0, "wait": 9.0} if "n_prompt" in fields else {"context": 0.4}
    return TraceRecord(1, method, total_ms, stages_ms, {"outcome": "shown", **fields})  # type: ignore[dict-item]


COMPUTED = record(
    120.0, is_cached=False, is_attached=False, n_prompt=100, n_evaluated=100, n_generated=8, suggestion="a"
)
ATTACHED = record(
    9.0, is_cached=False, is_attached=True, n_prompt=100, n_evaluated=2, lead_ms=70.0, suggestion="b"
)
CACHED = record(0.5, is_cached=True, suggestion="b")
REFUSED = record(0.3, outcome="middle-of-word")
RECORDS = [
    COMPUTED,
    ATTACHED,
    CACHED,
    REFUSED,
    record(method=REJECTED, suggestion="a"),
    record(method=ACCEPTED, suggestion="a"),  # taken after all
    record(method=IGNORED, suggestion="b"),
    record(method=REJECTED, suggestion="b"),
    record(method=REJECTED, completion_id="c"),  # of an older version
    record(method=PREFETCH),
    record(method=PREPARE),
]


def test_a_summary() -> None:
    summary = summarise(RECORDS)
    assert (summary.n_requests, summary.n_cached, summary.n_attached) == (4, 1, 1)
    assert (summary.n_suggestions, summary.n_accepted, summary.n_rejected) == (2, 1, 1)
    assert summary.n_ignored == 0
    assert (summary.n_unasked, summary.n_prepared) == (1, 1)
    assert summary.outcomes == {"shown": 3, "middle-of-word": 1}
    assert summary.answer_ms == Spread(4, 9.0, 120.0)
    assert summary.tokens["n_evaluated"] == Spread(2, 100, 100)
    assert summary.reused_share == 0.49


def test_what_followed_a_precedent_is_told_apart() -> None:
    followed = [record(suggestion=name, n_places=2) for name in ("p", "q")]
    typed_through = record(is_cached=True, suggestion="p")
    summary = summarise([*RECORDS, *followed, typed_through, record(method=ACCEPTED, suggestion="p")])
    assert (summary.n_suggestions, summary.n_accepted) == (4, 2)
    assert (summary.n_precedents, summary.n_precedents_accepted) == (2, 1)
    assert ("  of them by precedents", "2", "") in rows(summary)


def test_nothing_is_a_summary_too() -> None:
    assert summarise([]).answer_ms == Spread()
    assert rows(summarise([]))


def test_every_line_of_the_table_has_three_cells() -> None:
    table = rows(summarise(RECORDS))
    assert all(len(line) == 3 for line in table)
    assert ("  accepted", "1", "") in table
    assert ("  not known yet", "0", "") in table
    assert ("request to answer, ms", "9.0", "120.0") in table


class Page(HTMLParser):
    """Counts elements, and sees that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.open += [] if tag == "meta" else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("records", [RECORDS, []])
def test_a_page_needs_nothing_else(records: list[TraceRecord]) -> None:
    html = render(records)
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.seen.count("svg") == 4
    assert not {"script", "link", "img", "iframe"} & set(page.seen)
    assert not re.search(r"https?:|@import|url\(", html)


def test_what_a_file_says_is_no_markup() -> None:
    assert "<script>" not in render([record(outcome="<script>alert(1)</script>")])


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert REASONS[reason].endswith(".")


def test_the_last_request_in_sentences() -> None:
    assert explain_last([]) == (NO_REQUEST,)
    late = record(outcome="superseded")
    assert explain_last([COMPUTED, REFUSED, late]) == explain(REFUSED)
    assert explain_last([late]) == explain(late)
    assert explain(COMPUTED) == (
        "A suggestion was offered to the editor.",
        "It was answered after 120 ms; nothing of it had been computed before.",
        "Of the work, 80 ms asking the model took longest.",
        "The prompt had 100 tokens, of which the model read 100 anew, and it wrote 8 pieces.",
    )
    assert "70 ms before the editor asked" in explain(ATTACHED)[1]
    assert explain(CACHED)[1].endswith("typing through.")
    assert len(explain(CACHED)) == 2
    assert "“new-reason”" in explain(record(outcome="new-reason"))[0]


@pytest.mark.parametrize("note", SEARCH_NOTES)
def test_why_there_was_little_related_code(note: str) -> None:
    assert SEARCH_NOTES[note] in explain(record(search_note=note))


def test_nothing_is_said_of_a_search_that_found_enough() -> None:
    assert explain(record(search_note="")) == explain(record())


@pytest.mark.parametrize(
    ("mode", "by", "sentence"),
    [
        (
            "single-line",
            "tree:argument_list",
            "One line was asked for: in the syntax tree the cursor stands in “argument list”.",
        ),
        ("block", "tree:block", "A block was asked for: in the syntax tree the cursor stands in “block”."),
        (
            "block",
            "text",
            "A block was asked for: that is what the text around the cursor looks like.",
        ),
    ],
)
def test_why_one_line_or_a_block(mode: str, by: str, sentence: str) -> None:
    assert explain(record(mode=mode, mode_by=by))[-1] == sentence


def test_the_table_of_an_editor_stands_in_columns():
    lines = as_markdown(Summary(n_requests=12, outcomes={"shown": 9})).splitlines()
    assert lines[:2] == ["# Statistics", ""]
    assert len({len(line) for line in lines[2:]}) == 1
    assert any(line.startswith("| \u2003shown ") and " 9 |" in line for line in lines)
