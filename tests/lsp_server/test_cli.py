"""The command line itself: what is imported when, and how a failure ends in a sentence and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.cli import COMMANDS, run
from lsp_server.commands.settings import build_markdown

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text("import os\nx = 1\n", encoding="utf-8")
    return path


def test_help_names_every_command_without_importing_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_in_the_table_can_be_loaded(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: edgewise {name}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("edgewise ")


def test_the_way_to_serve_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lsp_server.cli import edgewise; import lsp_server.commands.serve;"
        "print(sorted({'rich', 'pydantic', 'pygls', 'httpx2', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


BAD_ARGUMENTS = [
    ["nonsense"],
    ["complete"],
    ["complete", "{file}"],
    ["complete", "{file}:x:1"],
    ["complete", "{file}:9:1"],
    ["complete", "{file}:1:99"],
    ["complete", "{file}.missing:1:1"],
    ["complete", "{folder}:1:1"],
    ["complete", "{file}:1:1", "--workspace", "{folder}/missing"],
    ["complete", "{file}:1:1", "--workspace", "{file}"],
    ["complete", "{file}:1:1", "--nonsense"],
    ["prompt", "{file}:1:1", "--budget", "0"],
    ["prompt", "{file}:1:1", "--budget", "-5"],
    ["prompt", "{file}:1:1", "--budget", "many"],
    ["explain", "{file}:3-1"],
    ["explain", "{file}:999"],
    ["explain", "{folder}"],
    ["demo", "{file}"],
    ["demo", "{folder}/missing"],
    ["model", "nonsense"],
]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=" ".join)
def test_bad_arguments_end_in_one_sentence_and_exit_code_2(
    arguments: list[str], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(file=source, folder=source.parent) for argument in arguments]
    assert run(filled) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("edgewise: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("model", ["no-such-model", "missing.gguf", "{folder}"])
def test_a_model_that_is_not_there_is_named(
    model: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model.format(folder=source.parent)
    assert run(["complete", f"{source}:1:1", "--model", model]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert Path(model).name in err
    assert err.count("\n") == 1


def test_with_json_an_error_is_json_on_stdout(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["complete", f"{source}:99:1", "--json"]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    assert "99" in json.loads(out)["error"]


def test_settings_are_listed_with_values_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    names = [row["name"] for row in answer["settings"]]
    assert "completion.max_tokens" in names
    assert all(row["description"] for row in answer["settings"])


def test_a_wrong_setting_is_reported_beside_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[completion]\nmax_tokens = 8\ntimeout_ms = 1\n", encoding="utf-8")
    monkeypatch.setenv("EDGEWISE_CONFIG", str(file))
    assert run(["settings"]) == 0
    out, err = capsys.readouterr()
    assert "completion.max_tokens = 8  (default: 64)" in out
    assert "completion.timeout_ms is 1" in err


def test_the_table_of_settings_in_the_readme_is_not_stale() -> None:
    assert build_markdown() in README.read_text("utf-8")
