"""Which model the head start is for."""

from __future__ import annotations

import pytest

from lsp_server import head_start
from lsp_server.settings import CACHE_VARIABLE, CONFIG_VARIABLE, ModelSettings


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("[model]\nn_slots = 3\n")
    return tmp_path


def test_the_model_that_was_used_last():
    used = ModelSettings(name="/models/other.gguf", n_ctx=1024)
    head_start.remember(used)
    assert head_start.recall() == used


def test_at_first_what_the_users_file_says():
    assert head_start.recall() == ModelSettings(n_slots=3)


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"name": 5}', b'{"older": 1}'])
def test_a_memory_that_cannot_be_read(folders, content):
    head_start.remember(ModelSettings())
    (folders / "cache" / "last-model.json").write_bytes(content)
    assert head_start.recall() == ModelSettings(n_slots=3)


def test_a_folder_that_cannot_be_written(folders):
    (folders / "cache").write_text("a file where the folder should be")
    head_start.remember(ModelSettings())
    assert head_start.recall() == ModelSettings(n_slots=3)


def test_a_model_that_is_not_there_is_left_to_the_session(folders):
    head_start.remember(ModelSettings(name=str(folders / "missing.gguf")))
    head_start.begin()
