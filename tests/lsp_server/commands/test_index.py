"""`edgewise index`, `edgewise symbols` and `edgewise bench index`, with the real index processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsp_server import cli
from lsp_server.commands.bench_index import copy_files
from tests.lsp_server.index.conftest import write_files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEWISE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("EDGEWISE_RUNTIME_DIR", str(tmp_path / "run"))
    return write_files(
        tmp_path / "project",
        {
            "users.py": "class Users:\n    def get_user(self, name: str) -> str:\n        return name\n",
            "deep/app.py": "from users import Users\ndef get(): return Users().get_user('x')\n",
            "min.js": "x;" * 9000,
        },
    )


def run_json(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    code = cli.run([*argv, "--json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {"code": code, **answer}


def test_index_says_what_is_there_and_what_is_not(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run_json(capsys, "index", str(project))
    assert (first["code"], first["files"], first["symbols"], first["parsed"]) == (0, 2, 3, 2)
    assert first["skipped"] == [{"path": "min.js", "reason": "minified", "detail": ""}]
    assert first["seconds"] > 0
    assert cli.run(["index", str(project)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 files, 3 symbols in ")
    assert "(0 read, 2 unchanged)" in shown
    assert "skipped, minified: min.js" in shown


def test_index_of_no_folder_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_json(capsys, "index", str(tmp_path / "no"))
    assert answer["code"] == 2
    assert str(tmp_path / "no") in answer["error"]


def test_index_that_cannot_be_written_is_a_sentence(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.parent / "cache").write_text("a file stands where the folder should be")
    answer = run_json(capsys, "index", str(project))
    assert answer["code"] == 1
    assert "cannot" in answer["error"] and str(project.parent / "cache") in answer["error"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("get", ["get", "get_user"]),
        ("GTU", ["get_user"]),
        ("users", ["Users"]),
        ("%", []),
        ("get_", ["get_user"]),
    ],
)
def test_symbols_are_found_by_letters(
    project: Path, capsys: pytest.CaptureFixture[str], query: str, names: list[str]
) -> None:
    answer = run_json(capsys, "symbols", query, "--workspace", str(project))
    assert [item["name"] for item in answer["symbols"]] == names


def test_symbols_are_shown_with_their_place(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["symbols", "get_user", "--workspace", str(project)]) == 0
    assert capsys.readouterr().out == (
        "users.py:2: method Users.get_user: def get_user(self, name: str) -> str:\n"
    )


def test_files_are_copied_again_until_there_are_enough(project: Path, tmp_path: Path) -> None:
    paths = copy_files(project, tmp_path / "copy", 7, again=True)
    assert len(set(paths)) == 7
    assert (tmp_path / "copy" / paths[-1]).read_bytes()
    assert copy_files(project, tmp_path / "once", 7, again=False) == ["min.js", "users.py", "deep/app.py"]


def test_bench_index_fills_its_table(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_json(capsys, "bench", "index", str(project), "--files", "2", "--repeat", "1")
    assert answer["n_files"] == 2
    for figure in ("tree_sitter_s", "index_s", "searchable_s", "warm_first_query_ms", "save_to_found_ms"):
        assert answer[figure] > 0
    assert all(taken_ms > 0 for taken_ms in answer["first_saves_ms"].values())
    assert answer["searchable_s"] <= answer["index_s"]
    assert 0 < answer["searchable_cpu_ratio"] <= answer["index_cpu_ratio"]
    assert answer["session_rss_mb"] > 10
