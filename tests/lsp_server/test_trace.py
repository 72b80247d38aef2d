"""Traces hold names, numbers and times; never code."""

from __future__ import annotations

import json
import logging

import pytest

from lsp_server.trace import TraceDraft, TraceLog
from lsp_server.types import Reason

CODE = "def secret(password):\n    return 'hunter2'"


def test_a_record_holds_fields_and_times():
    draft = TraceDraft("method")
    with draft.stage("search"):
        pass
    with draft.stage("search"):
        pass
    draft.set(outcome=Reason.EMPTY, n_prompt=5, ms=1.5, cached=False, nothing=None)
    record = draft.freeze()
    assert record.method == "method"
    assert list(record.stages_ms) == ["search"]
    assert 0 <= record.stages_ms["search"] <= record.total_ms
    assert record.fields == {"outcome": "empty", "n_prompt": 5, "ms": 1.5, "cached": False, "nothing": None}


def test_a_stage_that_raises_is_timed():
    draft = TraceDraft("method")
    with pytest.raises(KeyError), draft.stage("filters"):
        raise KeyError
    assert "filters" in draft.freeze().stages_ms


def test_text_that_is_no_name_is_not_kept():
    draft = TraceDraft("method")
    draft.set(detail=CODE, path="/somewhere/code.py", word="x" * 49)
    assert draft.freeze().fields == {
        "detail": f"<{len(CODE)} characters>",
        "path": "<18 characters>",
        "word": "<49 characters>",
    }


def test_the_log_keeps_the_last_records():
    log = TraceLog(n_kept=3)
    numbers = [log.add(TraceDraft("method")).number for _ in range(5)]
    assert [record.number for record in log.last(10)] == numbers[2:]
    assert [record.number for record in log.last(2)] == numbers[3:]
    assert log.last(0) == ()


def test_what_nobody_asked_for_is_counted():
    log = TraceLog(n_kept=3)
    for method in ("asked", "unasked", "unasked"):
        (log.add if method == "asked" else log.note)(TraceDraft(method))
    assert (log.n_noted("asked"), log.n_noted("unasked")) == (0, 2)
    assert [record.method for record in log.last(10)] == ["asked"]


def test_lines_of_json_at_debug_level_only(caplog):
    log = TraceLog()
    with caplog.at_level(logging.INFO, "lsp_server.trace"):
        log.add(TraceDraft("quiet"))
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, "lsp_server.trace"):
        log.add(TraceDraft("loud"))
    assert json.loads(caplog.records[0].getMessage())["method"] == "loud"
