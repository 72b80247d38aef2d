"""Fixtures of the model tests: a private runtime folder, and small files that real engines load."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model.factory import write_gguf

FIM_TOKENS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


@pytest.fixture
def runtime_root() -> Iterator[Path]:
    """Short, because the path of a unix socket must be."""
    with tempfile.TemporaryDirectory(prefix="ew-") as folder:
        yield Path(folder) / "run"


@pytest.fixture(scope="session")
def sentencepiece_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both engines run."""
    return write_gguf(tmp_path_factory.mktemp("models") / "sentencepiece.gguf", control_tokens=FIM_TOKENS)


@pytest.fixture(scope="session")
def bpe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What only llama.cpp runs."""
    path = tmp_path_factory.mktemp("models") / "bpe.gguf"
    return write_gguf(path, architecture="qwen2", vocabulary="gpt2", control_tokens=FIM_TOKENS)
