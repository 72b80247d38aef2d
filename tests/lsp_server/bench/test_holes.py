"""Which functions are held out, and that they are on no disk."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lsp_server.bench.holes import (
    Source,
    choose,
    copy_workspace,
    find_body,
    find_sources,
    read_source,
    without,
)
from lsp_server.types import Span

BODY = "".join(f"    line_{n} = compute({n})\n" for n in range(6))
PYTHON = f"import os\n\n\ndef first(a,\n          b):\n{BODY}\n\ndef tiny():\n    pass\n"
GO_BODY = "".join(f"\tx{n} := compute({n})\n" for n in range(8))
GO = f"package main\n\nfunc first(a int) int {{\n{GO_BODY}\treturn a\n}}\n"


@pytest.mark.parametrize(
    ("name", "text", "start", "end"),
    [("a.py", PYTHON, "\n    line_0", "compute(5)"), ("a.go", GO, "\n\tx0", "\treturn a")],
)
def test_a_body_is_what_stands_between_header_and_end(
    tmp_path: Path, name: str, text: str, start: str, end: str
) -> None:
    (tmp_path / name).write_text(text)
    source = read_source(tmp_path, name)
    assert source is not None
    assert len(source.bodies) == 1
    body = text[source.bodies[0].start : source.bodies[0].end]
    assert body.startswith(start)
    assert body.endswith(end)


def test_a_body_in_the_line_of_its_header_is_none() -> None:
    text = "def f(): return 1\n"
    assert find_body(text, Span(0, len(text))) is None


def test_ignored_files_and_secrets_are_not_read(tmp_path: Path) -> None:
    for name in ("kept.py", "ignored.py", "credentials.py", ".env"):
        (tmp_path / name).write_text(PYTHON)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    paths = [source.path for source in find_sources(tmp_path)]
    assert "kept.py" in paths
    assert not {"ignored.py", ".env"} & set(paths)


@pytest.mark.parametrize("content", [PYTHON.replace("\n", "\r\n").encode(), b"def f():\n  \xff\n"])
def test_what_typing_would_not_bring_back_is_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.py").write_bytes(content)
    assert read_source(tmp_path, "a.py") is None


def test_each_file_has_its_turn_before_a_second_function_of_any() -> None:
    sources = [Source(f"{n}.py", "", (Span(0, 1), Span(1, 2))) for n in range(3)]
    chosen = choose(sources, 4, random.Random(0))
    assert len({source.path for source, _ in chosen[:3]}) == 3
    assert len(set(chosen)) == len(chosen) == 4
    assert choose(sources, 4, random.Random(0)) == chosen


def test_the_copy_lacks_what_is_held_out(tmp_path: Path) -> None:
    root, copy = tmp_path / "root", tmp_path / "copy"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg/a.py").write_text(PYTHON)
    (root / "b.py").write_text("x = 1\n")
    copy_workspace(root, copy, {"pkg/a.py": "held\n"})
    assert (copy / "pkg/a.py").read_text() == "held\n"
    assert (copy / "b.py").read_text() == "x = 1\n"
    assert (root / "pkg/a.py").read_text() == PYTHON


def test_without() -> None:
    assert without("abcdefg", [Span(4, 6), Span(0, 2)]) == "cdg"
