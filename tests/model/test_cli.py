"""`edgewise model ...`: the list says what is here, the report says what a file is and what would run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.cli import model
from model.protocol import ModelRefused


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(model, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_list_has_the_model_that_ships() -> None:
    rows = json.loads(_run("list", "--json"))["models"]
    builtin = next(row for row in rows if row["name"] == "builtin")
    assert builtin["size_bytes"] == Path(builtin["path"]).stat().st_size
    assert "builtin  (" in _run("list")


def test_list_has_files_that_were_laid_into_the_models_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path))
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    assert "mine  (0 MB)  mine.gguf" in _run("list")


def test_info_of_the_model_that_ships() -> None:
    report = json.loads(_run("info", "--json"))
    assert report["architecture"] == "llama"
    assert report["family"] == "edgewise"
    assert report["engines"]["llama_cpp"] == ""
    assert "engine llama_cpp runs it" in _run("info", "builtin")


def test_info_of_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "fake.gguf"
    path.write_bytes(b"not a model at all")
    with pytest.raises(ModelRefused, match=r"fake\.gguf"):
        CliRunner().invoke(model, ["info", str(path)], catch_exceptions=False)
