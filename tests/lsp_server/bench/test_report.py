"""The table and the page show what was found, and a dash for what was not."""

from __future__ import annotations

import io

from rich.console import Console

from lsp_server.bench.ledger import Cost, Evaluated, Ledger, Struck, count_up
from lsp_server.bench.overhead import build_overhead
from lsp_server.bench.report import Report, draw, render, rows, summary


def report() -> Report:
    ledger = Ledger()
    number = ledger.strike(Struck(0.0, "ab", ("a.py", 0)))
    ledger.asked(number, 0.0)
    ledger.answered(number, "ab", 0.042)
    found = count_up("it <b>", ledger.keys, [Evaluated(3, 97)], Cost(0.01, 70.0, 120.0))
    nothing = count_up("nothing", [], [], Cost(0.0))
    overhead = build_overhead([(12.0, 10.0), (13.0, 12.0)], [900.0], 99.0, 100.0)
    return Report("builtin", "llama_cpp", "none", 3, 1, 0.2, (found, nothing), overhead)


def test_rows() -> None:
    found, nothing = rows(report().contenders)
    assert found == ("it <b>", "42/42/42", "42/42", "100%/100%", "–", "3/3", "3", "97.0%", "2", "5.0")
    assert nothing[1] == "–/–/–"


def test_the_table_fits_a_pipe() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(draw(report()))
    assert "42/42/42" in out.getvalue()
    assert "…" not in out.getvalue()


def test_sentences() -> None:
    text = "\n".join(summary(report()))
    assert "Added by the server to the engine: 1.5 ms p50" in text
    assert "99.0% of what the engine alone does" in text
    assert "session 70 MB" in text


def test_the_page_escapes_and_loads_nothing() -> None:
    page = render(report())
    assert "it &lt;b&gt;" in page
    assert "default-src 'none'" in page
    assert "<script" not in page


def test_no_overhead_without_a_prompt() -> None:
    assert build_overhead([], [], 0.0, 0.0).added_p50_ms is None
    assert build_overhead([], [], 0.0, 0.0).decode_share == 0
