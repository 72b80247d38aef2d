"""Names of models become files, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import catalog
from model.protocol import ModelRefused
from model.store import resolve_model
from tests.model.hosting import BUILTIN


@pytest.mark.parametrize("name", ["builtin", "", " builtin "])
def test_the_built_in_model(name: str) -> None:
    assert resolve_model(name) == BUILTIN


def test_every_packaged_entry_has_its_file() -> None:
    packaged = [entry for entry in catalog.entries().values() if entry.is_packaged]
    assert [entry.name for entry in packaged] == [catalog.BUILTIN]
    assert all((catalog.PACKAGE / entry.file).is_file() for entry in packaged)


def test_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.gguf").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in (str(tmp_path / "own.gguf"), "own.gguf", "./own.gguf", "~/own.gguf"):
        assert resolve_model(text) == tmp_path / "own.gguf"
    with pytest.raises(ModelRefused, match=r"gone\.gguf does not exist: check the setting model\.path"):
        resolve_model("gone.gguf")


def test_an_installed_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path))
    with pytest.raises(
        ModelRefused, match=r"no model named 'mine' in .*: name a \.gguf file by its path, or one of builtin"
    ):
        resolve_model("mine")
    (tmp_path / "mine.gguf").touch()
    assert resolve_model("mine") == tmp_path / "mine.gguf"
