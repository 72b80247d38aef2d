"""The tests in real editors run only when they are named (`make test-editors`): they need programs."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = any("editors" in str(argument) for argument in config.invocation_params.args)
    return None if named else True
