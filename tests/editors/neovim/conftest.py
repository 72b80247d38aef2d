"""A Neovim of its own for each test, in a home of its own, that leaves no process behind.

`setup.sh` installs what is needed; the fixture runs it, so that a test file can be run alone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Home
from tests.editors.neovim.driver import HERE, PROGRAM, Editor, Face

PYTHON_FILE = """import os


def read_names(path):
    with open(path) as file:
        return file.read()


def read_lines(path):
    with open(path) as file:
        return file.readlines()


def read_words(path):
    with op"""

TYPESCRIPT_FILE = """export function withTax(price: number, rate: number): number {
  return price * (1 + rate);
}

export function withoutTax(price: number, rate: number): number {
  return price / (1 + rate);
}

export function withDiscount(price: number, rate: number): number {
  ret"""


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    subprocess.run(["bash", str(HERE / "setup.sh")], check=True)


@pytest.fixture
def python_file(tmp_path: Path) -> Path:
    """In a project of its own."""
    return write_project(tmp_path / "project", "names.py", PYTHON_FILE)


@pytest.fixture
def typescript_file(tmp_path: Path) -> Path:
    return write_project(tmp_path / "web", "prices.ts", TYPESCRIPT_FILE)


def write_project(root: Path, name: str, text: str) -> Path:
    (root / ".git").mkdir(parents=True)
    (root / name).write_text(text)
    return root / name


@pytest.fixture(params=list(Face), ids=lambda face: face.value)
def face(request: pytest.FixtureRequest) -> Face:
    return request.param


StartEditor = Callable[..., Editor]


@pytest.fixture
def start(home: Home) -> Iterator[StartEditor]:
    """Starts Neovims; they are ended before the home is looked through for processes."""
    editors: list[Editor] = []
    numbers = count(1)

    def start_one(*arguments: str, program: str = PROGRAM, cwd: Path | None = None, **kind: Any) -> Editor:
        folders = f"{Path(program).parent}:" if program else ""
        environment = {**home.environment, "PATH": folders + path_without_edgewise()}
        environment.update(kind.pop("variables", {}))
        editor = Editor(home.folder / f"e{next(numbers)}", environment, **kind)
        editors.append(editor)
        return editor.start(*arguments, cwd=cwd)

    yield start_one
    for editor in editors:
        editor.close()


def path_without_edgewise() -> str:
    folders = os.environ["PATH"].split(":")
    return ":".join(folder for folder in folders if not (Path(folder) / "edgewise").exists())
