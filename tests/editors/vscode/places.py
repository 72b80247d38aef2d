"""The projects that are opened, and the places in them where the model that ships suggests something.

Copies of tests/workspaces with a few files more; what a test types at is a file of its own. Must not know
VS Code.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

WORKSPACES = Path(__file__).parents[2] / "workspaces"

_TABLE_PY = '''"""A table of latencies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Typing:
    title: str
    shown: int
    asked: int


def draw_latencies(typings: list[Typing]) -> Table:
    table = Table()
    table.add_column("place", justify="left")
    table.add_column("shown", justify="right")
    table.add_column("p50", justify="right")
    '''

_TABLE_TS = """import { Table } from './draw';

export interface Row {
  name: string;
  size: number;
}

export function describe(table: Table, rows: Row[]): Table {
  table.addColumn("name", { align: "left" });
  table.addColumn("size", { align: "right" });
  table.addColumn("share", { align: "right" });
  """

_ACCOUNT_PY = '''class Account:
    """Money of one person."""

    def __init__(self, owner: str, balance: int) -> None:
        self.owner = owner
        self.balance = balance

    def deposit(self, amount: int) -> None:
        """Adds money."""
        if amount < 0:
            raise ValueError("amount must not be negative")
        self.balance += amount

    def withdraw(self, amount: int) -> None:
        """Takes money."""
        '''

_NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, "source": []}],\
 "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}'
)


@dataclass(frozen=True)
class Place:
    """`text` ends where the cursor goes; `typed` is what makes the model go on."""

    text: str
    typed: str

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    @property
    def column(self) -> int:
        return len(self.text.rpartition("\n")[2]) + 1


TABLE_PY = Place(_TABLE_PY, "table.add")
TABLE_TS = Place(_TABLE_TS, "table.add")
ACCOUNT_PY = Place(_ACCOUNT_PY, "if amount < 0:")


def make_projects(folder: Path) -> None:
    """`folder/python` and `folder/typescript`."""
    shutil.copytree(WORKSPACES / "shop", folder / "python")
    shutil.copytree(WORKSPACES / "web", folder / "typescript")
    (folder / "python" / "huge.py").write_text("VALUE = 1\n" * 300_000)
    (folder / "python" / "notes.ipynb").write_text(_NOTEBOOK)


def write_place(path: Path, place: Place) -> Path:
    path.write_text(place.text + "\n")
    return path
