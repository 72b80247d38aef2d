"""Whatever was edited, renamed and deleted: the index equals one that is made afresh."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.index.service import IndexService
from tests.lsp_server.index.conftest import StartService, write_files
from tests.lsp_server.index.contents import contents
from tests.lsp_server.index.test_service import folder_of
from tests.lsp_server.index.test_update import Bench

FOLDERS = ("", "d", "d/e", "f")
NAMES = ("a.py", "b.py", "c.ts", "g.go", "n.txt", "min.js", ".gitignore", ".env.py")
TEXTS = (
    "",
    "def a(): b()\n",
    "from a import a\n\n\nclass B(a):\n    x: int = 1\n    def m(self): return a().m()\n",
    "import { a } from './a'\nexport class C { m(): void { a.m() } }\n",
    "package g\nfunc F() { a() }\n",
    "x = [\n" * 50 + "é\n",
    "a.py\n",
    "d/\n!d/a.py\n",
    "\0binary",
    "y;" * 9000,
    "z = 1\n" * 2000,
)

Edit = Callable[[Path], list[str]]
paths = st.builds(
    lambda folder, name: f"{folder}/{name}".lstrip("/"), *map(st.sampled_from, (FOLDERS, NAMES))
)


def is_below_a_file(path: Path) -> bool:
    return any(parent.is_file() for parent in path.parents)


def write(path: str, text: str) -> Edit:
    def edit(root: Path) -> list[str]:
        if not is_below_a_file(root / path) and not (root / path).is_dir():
            write_files(root, {path: text})
        return [path]

    return edit


def delete(path: str) -> Edit:
    def edit(root: Path) -> list[str]:
        target = root / path
        if target.is_dir():
            shutil.rmtree(target)
        elif target.exists():
            target.unlink()
        return [path]

    return edit


def rename(old: str, new: str) -> Edit:
    def edit(root: Path) -> list[str]:
        source, target = root / old, root / new
        is_free = not target.exists() and not is_below_a_file(target)
        if source.exists() and is_free and not target.is_relative_to(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        return [old, new]

    return edit


places = paths | st.sampled_from([folder for folder in FOLDERS if folder])
edits = st.lists(
    st.builds(write, paths, st.sampled_from(TEXTS))
    | st.builds(delete, places)
    | st.builds(rename, places, places),
    min_size=1,
    max_size=12,
)
# After each edit: nothing yet, a job with the paths that are known by now, or a look at everything.
histories = st.lists(st.tuples(edits, st.sampled_from(["told", "looked"])), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(histories)
def test_index_after_any_edits_equals_one_made_afresh(history: list[tuple[list[Edit], str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "workspace")
        root.mkdir()
        bench = Bench(root, Path(folder, "cache"))
        bench.run()
        for batch, how in history:
            changed = [path for edit in batch for path in edit(root)]
            bench.run(*(changed if how == "told" else ()))
        fresh = Bench(root, Path(folder, "fresh"))
        fresh.run()
        try:
            assert contents(bench.folder) == contents(fresh.folder)
        finally:
            bench.store.close()
            fresh.store.close()


async def test_service_follows_edits_to_the_same_index(
    start_service: StartService, root: Path, tmp_path: Path
) -> None:
    """The same with the real processes, once through everything."""
    write_files(root, {f"d{i % 7}/m{i}.py": TEXTS[i % 3] for i in range(150)})
    service = await start_service()
    for number, text in enumerate(TEXTS):
        changed = write(f"d{number}/m{number}.py", text)(root)
        changed += rename(f"d{number % 7}/m{number + 14}.py", f"d{number % 5}/new{number}.ts")(root)
        changed += delete(f"d{number % 3}/m{number * 3}.py")(root)
        changed += rename("d6", "d6moved")(root) if number == 7 else []
        service.on_files_changed([str(root / path) for path in changed])
        await service.wait_ready()
    fresh = IndexService([root], tmp_path / "fresh")
    await fresh.start(watch=False)
    await fresh.wait_ready()
    await fresh.aclose()
    assert contents(folder_of(service).folder) == contents(folder_of(fresh).folder)
