"""The texts near a document: which files, in what order, as they stand now, without secrets."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from lsp_server.index import nearby
from lsp_server.index.nearby import Nearby
from lsp_server.index.reader import Reader
from lsp_server.index.service import IndexService
from lsp_server.index.view import OpenDocument
from lsp_server.types import DocumentSnapshot
from tests.lsp_server.index.conftest import StartService, write_files

TOKEN = "gh" + "p_" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=36))
FILES = {
    "pkg/sub/here.py": "here = 1\n",
    "pkg/sub/beside.py": "class Beside:\n    one = 1\n",
    "pkg/sub/deep/below.py": "below = 1\n",
    "pkg/above.py": "above = 1\n",
    "other/far.py": "far = 1\n",
    "pkg/sub/style.css": "a { color: red }\n",
}


def reader_of(service: IndexService) -> Reader:
    """One more, for this thread."""
    reader = Reader(service._folders[0].folder)
    reader.refresh()
    return reader


def snapshot(root: Path, path: str, text: str = "here = 1\n") -> DocumentSnapshot:
    full = root / path
    return DocumentSnapshot(full.as_uri(), str(full), path, str(root), "python", 1, text)


async def texts_near(service: IndexService, document: DocumentSnapshot) -> tuple[str, ...]:
    """As they are once they have been read."""
    service.texts_near(document)
    await service.definitions_of("")  # answered by the same thread, behind it
    return service.texts_near(document)


async def test_from_the_folder_of_the_document_outward(start_service: StartService, root: Path) -> None:
    write_files(root, FILES)
    service = await start_service()
    found = await texts_near(service, snapshot(root, "pkg/sub/here.py"))
    assert found == ("\nclass Beside:\none = 1\n", "\nbelow = 1\n", "\nabove = 1\n", "\nfar = 1\n")


async def test_an_open_document_as_it_stands(start_service: StartService, root: Path) -> None:
    write_files(root, FILES)
    service = await start_service()
    service.overlay(str(root / "other/far.py"), "far = 'unsaved'\r\n", "python")
    service.overlay(str(root / "pkg/sub/here.py"), "here = 2\n", "python")
    found = await texts_near(service, snapshot(root, "pkg/sub/here.py"))
    assert found[0] == "\nfar = 'unsaved'\n"
    assert not any("here" in text for text in found)


async def test_a_file_that_was_saved_is_read_again(
    start_service: StartService, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(root, FILES)
    service = await start_service()
    document = snapshot(root, "pkg/sub/here.py")
    assert "\nabove = 1\n" in await texts_near(service, document)
    write_files(root, {"pkg/above.py": "above = 2\n"})
    service.on_files_changed([str(root / "pkg/above.py")])
    await service.wait_ready()
    monkeypatch.setattr(nearby, "OLD_S", 0.0)
    assert "\nabove = 2\n" in await texts_near(service, document)


async def test_no_ignored_file_and_no_secret(start_service: StartService, root: Path) -> None:
    write_files(
        root,
        {
            **FILES,
            ".gitignore": "ignored.py\n",
            "pkg/ignored.py": "ignored = 1\n",
            "pkg/keys.py": f"key = '{TOKEN}'\n",
        },
    )
    service = await start_service()
    service.overlay(str(root / "pkg/ignored.py"), "ignored = 'open'\n", "python")
    found = "".join(await texts_near(service, snapshot(root, "pkg/sub/here.py")))
    assert "ignored" not in found
    assert TOKEN not in found
    assert f"key = '{'*' * len(TOKEN)}'" in found


async def test_a_document_outside_of_the_workspace_has_none(start_service: StartService, root: Path) -> None:
    service = await start_service()
    assert await texts_near(service, snapshot(root.parent, "lonely.py")) == ()


async def test_no_more_than_so_many_characters_and_files(
    start_service: StartService, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(root, {f"pkg/m{number}.py": f"m = {number}\n" * 10 for number in range(9)})
    service = await start_service()
    near = Nearby(reader_of(service))
    document = OpenDocument("pkg/m0.py", "", "python")
    monkeypatch.setattr(nearby, "MOST_CHARS", 200)
    near.read(document, {}, ())
    assert sum(map(len, near.texts("pkg/m0.py"))) <= 200
    monkeypatch.setattr(nearby, "MOST_FILE_CHARS", 20)
    near = Nearby(reader_of(service))
    near.read(document, {}, ())
    assert near.texts("pkg/m0.py") == ()
    assert not reader_of(service).files_around("pkg/m0.py", "python", 0)
    assert len(reader_of(service).files_around("pkg/m0.py", "python", 3)) == 3


async def test_what_was_edited_of_late_comes_before_the_folder(
    start_service: StartService, root: Path
) -> None:
    write_files(root, FILES)
    service = await start_service()
    path = str(root / "other/far.py")
    service.overlay(path, "far = 1\n", "python")
    service.overlay(path, "far = 12\n", "python")
    service.overlay(path, None)
    found = await texts_near(service, snapshot(root, "pkg/sub/here.py"))
    assert found[0] == "\nfar = 1\n"
