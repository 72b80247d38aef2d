"""An index that another version of this program made is made afresh, and which changes count as one."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from lsp_server.index import store
from lsp_server.index.fact_readers import READERS
from lsp_server.index.schema import SCHEMA_VERSION
from tests.lsp_server.index.conftest import StartService, write_files


def mark_other_extractor(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE meta SET value = 'older' WHERE key = 'extractor'")


def mark_older_schema(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")


@pytest.mark.parametrize("mark", [mark_other_extractor, mark_older_schema], ids=lambda f: f.__name__)
async def test_index_of_an_older_program_is_made_afresh(
    start_service: StartService, root: Path, mark: Callable[[sqlite3.Connection], None]
) -> None:
    write_files(root, {"a.py": "def f(): pass"})
    first = await start_service()
    database = first._folders[0].folder / store.DATABASE_NAME
    await first.aclose()
    with sqlite3.connect(database) as connection:
        mark(connection)
        connection.execute("DELETE FROM symbols")
    connection.close()
    second = await start_service()
    assert [symbol.path for symbol in await second.definitions_of("f")] == ["a.py"]
    assert not database.with_name(store.ASIDE_NAME).exists()


def test_any_change_to_a_reader_of_facts_outdates_the_index() -> None:
    """The version of the extractor is made of the text of all of them."""
    functions = [part for reader in READERS.values() for part in (reader.code, reader.types, reader.split)]
    files = {Path(inspect.getsourcefile(function) or "") for function in functions}
    assert {path.name for path in files} >= {"python_facts.py", "ts_facts.py", "go_facts.py"}
    assert files <= set(store.extractor_sources())
