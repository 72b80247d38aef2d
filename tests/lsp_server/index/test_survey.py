"""What fills a long prompt: related files first, what the file names before the rest, nothing twice."""

from __future__ import annotations

from pathlib import Path

from lsp_server.types import DocumentSnapshot, Snippet
from tests.lsp_server.index.conftest import StartService, write_files

HERE = "from shop.store import Store\n\n\ndef total(store: Store) -> int:\n    return store.count\n"
STORE = "import shop.unit\n\n\nclass Store:\n    count = 0\n\n\ndef unused():\n    return 1\n"
LARGE = "".join(f"def part_{n}(value):\n    return value * {n}\n\n\n" for n in range(400))
FILES = {
    "shop/__init__.py": "",
    "shop/main.py": HERE,
    "shop/store.py": STORE,
    "shop/unit.py": "UNIT = 1\n",
    "other/far.py": "FAR = 1\n",
    "other/large.py": LARGE,
    "other/.env": "TOKEN=secret\n",
}


def snapshot(root: Path, text: str = HERE) -> DocumentSnapshot:
    path = root / "shop/main.py"
    return DocumentSnapshot(path.as_uri(), str(path), "shop/main.py", str(root), "python", 1, text)


async def survey(root: Path, start: StartService, budget: int, text: str = HERE) -> tuple[Snippet, ...]:
    write_files(root, FILES)
    return await (await start()).survey(snapshot(root, text), budget)


def paths(found: tuple[Snippet, ...]) -> list[str]:
    return list(dict.fromkeys(piece.path for piece in found))


async def test_imported_files_come_first_and_all_come(root: Path, start_service: StartService) -> None:
    found = await survey(root, start_service, 1_000_000)
    assert paths(found)[0] == "shop/store.py"
    assert set(paths(found)) == {"shop/store.py", "shop/unit.py", "other/far.py", "other/large.py"}
    assert paths(found).index("shop/unit.py") < paths(found).index("other/far.py")
    for path in paths(found):
        assert "".join(piece.text for piece in found if piece.path == path) == FILES[path]


async def test_ranks_are_all_different(root: Path, start_service: StartService) -> None:
    found = await survey(root, start_service, 1_000_000)
    assert sorted(piece.rank for piece in found) == list(range(len(found)))
    assert min(found, key=lambda piece: piece.rank).path == "shop/store.py"


async def test_what_the_file_names_matters_most(root: Path, start_service: StartService) -> None:
    text = "from other.large import part_390\n"
    found = await survey(root, start_service, 1_000_000, text)
    (first,) = [piece for piece in found if piece.rank == 0]
    assert "def part_390(value):" in first.text


async def test_a_large_file_leaves_room_for_others(root: Path, start_service: StartService) -> None:
    found = await survey(root, start_service, 12_000, "from other.large import part_390\n")
    assert "shop/store.py" in paths(found)
    assert sum(len(piece.text) for piece in found) <= 12_000


async def test_the_same_a_line_later(root: Path, start_service: StartService) -> None:
    service = await start_service(write_files(root, FILES))
    above = await service.survey(snapshot(root), 9000)
    below = await service.survey(snapshot(root, HERE + "\n\nprint(1)\n"), 9000)
    assert above == below


async def test_outside_of_every_folder_there_is_nothing(
    root: Path, tmp_path: Path, start_service: StartService
) -> None:
    service = await start_service(write_files(root, FILES))
    assert await service.survey(snapshot(tmp_path / "elsewhere"), 9000) == ()
