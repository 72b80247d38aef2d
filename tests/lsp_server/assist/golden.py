"""The explanation of every case of tests/golden/explain, through the real index.

`python -m tests.lsp_server.assist.golden` writes the documents anew: read the difference before you keep it.
"""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from pathlib import Path

from lsp_server.assist.explain import build_facts, render_markdown
from lsp_server.index.service import IndexService
from lsp_server.text import language_of
from lsp_server.types import DocumentSnapshot, Span

TESTS = Path(__file__).parents[2]
FOLDER = TESTS / "golden" / "explain"
CASES: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "cases.toml").read_text("utf-8"))


def root_of(case: dict[str, str]) -> Path:
    return TESTS / "workspaces" / case.get("workspace", "zoo")


def snapshot_of(case: dict[str, str]) -> DocumentSnapshot:
    root = root_of(case)
    path = root / case["file"]
    text = path.read_text("utf-8")
    return DocumentSnapshot(
        path.as_uri(), str(path), case["file"], str(root), language_of(case["file"]), 1, text
    )


def span_of(case: dict[str, str], text: str) -> Span:
    if "at" in case:
        return Span(text.index(case["at"]), text.index(case["at"]))
    start = text.index(case["select"])
    last = case.get("to", case["select"])
    return Span(start, text.index(last, start) + len(last))


async def explain(case: dict[str, str], index: IndexService) -> str:
    snapshot = snapshot_of(case)
    return render_markdown(await build_facts(snapshot, span_of(case, snapshot.text), index))


async def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        for name, case in CASES.items():
            index = IndexService([root_of(case)], Path(cache))
            await index.start(watch=False)
            await index.wait_ready()
            (FOLDER / f"{name}.md").write_text(await explain(case, index), "utf-8")
            await index.aclose()


if __name__ == "__main__":
    asyncio.run(main())
