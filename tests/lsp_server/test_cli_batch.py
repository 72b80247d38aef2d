"""`edgewise prompt --batch`: the cross-file context of many places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsp_server.cli import run
from tests.lsp_server.index.conftest import write_files

FILES = {
    "shop/store.py": "class Store:\n    def write_row(self, row): ...\n",
    "shop/main.py": "from shop.store import Store\n\n\ndef f(s: Store):\n    x = '😀'; s.write_row(1)\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write_cases(path: Path, root: Path) -> Path:
    # The character counts UTF-16: the face is two.
    cases = [
        {"id": "a", "root": str(root), "file": "shop/main.py", "line": 4, "character": 16},
        {"id": "b", "root": str(root), "file": "shop/main.py", "line": 4, "character": 8},
    ]
    path.write_text("\n".join(map(json.dumps, cases)) + "\n", "utf-8")
    return path


def test_each_case_and_budget_gives_a_row(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = write_cases(tmp_path / "cases.jsonl", write_files(root, FILES))
    budgets = ["--context-budget", "20", "--context-budget", "400"]
    assert run(["prompt", "--batch", str(cases), *budgets]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["id"], row["budget"]) for row in rows] == [("a", 20), ("a", 400), ("b", 20), ("b", 400)]
    assert rows[1]["context"] == "# shop/store.py\nclass Store:\n    def write_row(self, row):\n"
    assert all(len(row["context"]) <= row["budget"] * 3.5 for row in rows)
    assert not any(path.suffix == ".sqlite" for path in root.rglob("*")), "nothing is written into it"


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id": "a", "root": "r", "file": "f", "line": "1", "character": 0}',
        '{"id": "a", "root": "r", "file": "f", "line": -1, "character": 0}',
        '{"id": "a", "root": "r", "file": "f"}',
    ],
)
def test_what_is_no_case_is_named(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text(f"\n{line}\n", "utf-8")
    assert run(["prompt", "--batch", str(cases)]) == 2
    assert "Line 2 of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Name one place"),
        (["a.py:1:1", "--batch", "cases.jsonl"], "Name one place"),
        (["--batch", "missing.jsonl"], "There is no file"),
        (["--batch", "x", "--context-budget", "0"], "--context-budget is 0"),
    ],
)
def test_bad_arguments(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prompt", *arguments]) == 2
    assert expected in capsys.readouterr().err


def test_a_root_that_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = write_cases(tmp_path / "cases.jsonl", tmp_path / "nowhere")
    assert run(["prompt", "--batch", str(cases)]) == 2
    assert "is not a folder" in capsys.readouterr().err
