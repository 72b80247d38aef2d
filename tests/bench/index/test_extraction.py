"""The benchmark of extraction runs and its figures hang together. It judges no time."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from lsp_server.index.languages import LANGUAGES
from tests.bench.index import extraction
from tests.lsp_server.index.conftest import write_files


def test_every_language_has_a_row(tmp_path: Path) -> None:
    write_files(tmp_path, {f"m{i}.py": "def f(a):\n    return g(a)\n" * 500 for i in range(3)})
    rows = extraction.measure([tmp_path], 2)
    assert [row.language for row in rows] == [language.id for language in LANGUAGES]
    assert [(row.n_files, row.is_sample) for row in rows if row.language == "python"] == [(2, False)]
    assert all(row.is_sample for row in rows if row.language != "python")
    assert all(row.parse_s > 0 and row.index_s > 0 and row.n_bytes > 0 for row in rows)
    out = io.StringIO()
    Console(file=out, width=120).print(extraction.draw(rows))
    assert "ratio" in out.getvalue()
