"""A project, a home and a PATH with nothing but edgewise, for editors that get no plugin."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Home
from tests.editors.neovim.conftest import PYTHON_FILE, write_project
from tests.editors.neovim.driver import PROGRAM

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgewise-editors" / "others"

TOTAL = """def with_tax(price):
    return price * 1.19


def total(prices, limit=10):
    if limit < 0:
        raise ValueError("limit")
    return sum(with_tax(price) for price in prices)


"""
MAIN = TOTAL + PYTHON_FILE
LINE = 8  # inside of total


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    subprocess.run(["bash", str(HERE / "setup.sh")], check=True)


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    folder = home.folder / "bin"
    folder.mkdir()
    (folder / "edgewise").symlink_to(PROGRAM)
    return {**home.environment, "PATH": f"{folder}:/usr/bin:/bin"}


@pytest.fixture
def main_py(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", "main.py", MAIN)
