"""Hosts that the tests of one module share: starting one for each test would be most of their time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model.hosting import BUILTIN, Host, running_host

ENGINES = ("llama_cpp", "ctransformers")


@pytest.fixture(scope="module")
def module_root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ew-") as folder:
        yield Path(folder) / "run"


@pytest.fixture(scope="module", params=ENGINES)
def host(request: pytest.FixtureRequest, module_root: Path) -> Iterator[Host]:
    """The built-in model on each engine."""
    with running_host(module_root, BUILTIN, request.param) as running:
        yield running


@pytest.fixture(scope="module")
def both_hosts(module_root: Path) -> Iterator[tuple[Host, Host]]:
    """The built-in model on both engines at once."""
    left, right = (running_host(module_root, BUILTIN, engine) for engine in ENGINES)
    with left as llama_cpp, right as ctransformers:
        yield llama_cpp, ctransformers
