"""What a file imports from its workspace: golden cases on small workspaces, through the real worker and
store."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.document import ImportCache
from lsp_server.index.imports import Import
from lsp_server.index.languages import language_of as language_row
from lsp_server.index.parse import parse
from lsp_server.text import language_of
from lsp_server.types import DocumentSnapshot, Snippet
from tests.lsp_server.index.conftest import StartService, write_files

TESTS = Path(__file__).parents[2]
WORKSPACES = {"python": "shop", "javascript": "web"}


def load_cases() -> list[tuple[str, dict[str, str]]]:
    files = {name: TESTS / "golden" / "imports" / f"{name}.toml" for name in WORKSPACES}
    return [
        (WORKSPACES[name], case)
        for name, path in files.items()
        for case in tomllib.loads(path.read_text("utf-8"))["case"]
    ]


def snapshot_of(root: Path, file: str, text: str) -> DocumentSnapshot:
    path = root / file
    return DocumentSnapshot(path.as_uri(), str(path), file, str(root), language_of(file), 1, text)


def context_of(snippets: tuple[Snippet, ...]) -> str:
    return "".join(f"# {snippet.path}\n{snippet.text}\n" for snippet in snippets)


CASES = load_cases()


@pytest.mark.parametrize(("workspace", "case"), CASES, ids=[case["name"] for _, case in CASES])
async def test_imports(start_service: StartService, workspace: str, case: dict[str, str]) -> None:
    root = TESTS / "workspaces" / workspace
    service = await start_service(root)
    offset = case["text"].find(case["at"]) if "at" in case else len(case["text"])
    found = await service.search_imports(snapshot_of(root, case["file"], case["text"]), offset)
    assert context_of(found) == case["context"].removeprefix("\n")
    again = await service.search_imports(snapshot_of(root, case["file"], case["text"]), offset)
    assert again == found, "the same state gives the same prompt"


async def test_unsaved_text_of_another_document_counts(start_service: StartService, root: Path) -> None:
    write_files(root, {"a.py": "def old(): pass\n"})
    service = await start_service()
    main = snapshot_of(root, "main.py", "from a import old, new, Fresh\n")
    assert context_of(await service.search_imports(main, 0)) == "# a.py\ndef old():\n"
    service.overlay(
        str(root / "a.py"), "def new(x): pass\nclass Fresh:\n    def __init__(self): pass\n", "python"
    )
    expected = "# a.py\ndef new(x):\nclass Fresh:\n    def __init__(self):\n"
    assert context_of(await service.search_imports(main, 0)) == expected
    service.overlay(str(root / "a.py"), None)
    assert context_of(await service.search_imports(main, 0)) == "# a.py\ndef old():\n"


async def test_document_that_is_nowhere_on_disk_counts(start_service: StartService, root: Path) -> None:
    service = await start_service()
    service.overlay(str(root / "fresh.py"), "class Fresh: pass\n", "python")
    found = await service.search_imports(snapshot_of(root, "main.py", "from fresh import Fresh\n"), 0)
    assert context_of(found) == "# fresh.py\nclass Fresh:\n"


async def test_documents_outside_of_every_root_find_nothing(
    start_service: StartService, tmp_path: Path
) -> None:
    service = await start_service()
    service.overlay(str(tmp_path / "elsewhere.py"), "x = 1", "python")
    assert await service.search_imports(snapshot_of(tmp_path, "elsewhere.py", "import os\n"), 0) == ()
    untitled = DocumentSnapshot("untitled:1", "", "untitled", "", "python", 1, "from a import b\n")
    assert await service.search_imports(untitled, 0) == ()


async def test_import_cycles_end(start_service: StartService, root: Path) -> None:
    write_files(
        root, {"a.py": "from b import *\nfrom b import x\n", "b.py": "from a import *\nfrom a import x\n"}
    )
    service = await start_service()
    assert await service.search_imports(snapshot_of(root, "c.py", "from a import x, y\n"), 0) == ()


def test_typing_below_the_imports_parses_nothing() -> None:
    cache = ImportCache()
    text = "import a\nfrom b import (\n    c,\n)\n"
    first = cache.imports_of("x.py", text, "python")
    for typed in ("d", "de", "def f():\n", "def f():\n    x = 1", "def f():\n    y = 1\n    z", ""):
        assert cache.imports_of("x.py", text + typed, "python") == first
    assert cache.n_parsed == 1
    assert len(cache.imports_of("x.py", text + "import e\n", "python")) == 3
    assert cache.n_parsed == 2


PYTHON = language_row("x.py")
assert PYTHON is not None

PIECES = st.sampled_from(
    [
        "import a\n",
        "from b import c",
        " as d\n",
        "from e import (\n",
        "f,",
        "g)\n",
        "x = 1\n",
        "é",
        "\n",
        "  ",
    ]
)


@given(edits=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 9), PIECES), max_size=12))
def test_imports_are_those_of_the_text_as_it_stands(edits: list[tuple[int, int, str]]) -> None:
    """Whatever is typed and deleted, wherever; while there are errors, imports found before may stay."""
    cache, text = ImportCache(), "import a\nfrom b import (\n    c,\n)\nx = 1\n"
    for position, n_deleted, piece in edits:
        text = text[:position] + piece + text[position + n_deleted :]
        found = cache.imports_of("x.py", text, "python")
        if not parse(text, PYTHON, "x.py").has_errors:
            assert names_of(found) == names_of(ImportCache().imports_of("x.py", text, "python"))
        assert len(found) <= len(re.findall(r"\w+", text))


def names_of(imports: Iterable[Import]) -> list[tuple[str, str]]:
    return [(item.module, item.name) for item in imports]


def test_typing_above_an_import_in_a_function_parses_nothing_and_moves_it() -> None:
    cache, text = ImportCache(), "import a\n\nx = 1\n\n\ndef f():\n    from b import c\n    return c\n"
    cache.imports_of("x.py", text, "python")
    for typed in ("x = 12\n", "x = 12\ny = 3\n"):
        changed = text.replace("x = 1\n", typed)
        found = cache.imports_of("x.py", changed, "python")
        assert found == ImportCache().imports_of("x.py", changed, "python")
    assert cache.n_parsed == 1


def test_a_string_that_is_opened_above_an_import_hides_it() -> None:
    cache, text = ImportCache(), 'x = 1\n\n\ndef f():\n    from b import c\n    return """c"""\n'
    assert cache.imports_of("x.py", text, "python")
    hidden = text.replace("x = 1\n", 'x = """\n')
    assert cache.imports_of("x.py", hidden, "python") == ImportCache().imports_of("x.py", hidden, "python")
