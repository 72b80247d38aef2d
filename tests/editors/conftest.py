"""The tests in real editors run only when they are named (`make test-editors`): they need programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Home, make_home

HERE = Path(__file__).parent
LIMIT_S = 400  # a real editor on a busy machine takes its time; what hangs is ended all the same


@pytest.fixture
def home() -> Iterator[Home]:
    with make_home() as place:
        yield place


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = any("editors" in str(argument) for argument in config.invocation_params.args)
    return None if named else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(LIMIT_S))
