"""A package as a workspace folder: its index, made once by the real worker, and what is asked of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lsp_server.index.document import ImportCache
from lsp_server.index.nearby import Nearby
from lsp_server.index.reader import Reader
from lsp_server.index.related import Found
from lsp_server.index.retrieval import Retriever
from lsp_server.index.service import IndexService
from lsp_server.index.store import workspace_folder
from lsp_server.index.view import OpenDocument, ParseCache
from lsp_server.types import Snippet
from tests.bench.retrieval.cases import Case
from tests.bench.retrieval.latency import Clock


class Workspace:
    """One package: its index, made once, and what is asked of it."""

    def __init__(self, root: Path, cache: Path) -> None:
        asyncio.run(_index(root, cache))
        self._reader = Reader(workspace_folder(cache, root))
        self.retriever = Retriever(self._reader, ParseCache(), ImportCache())
        self._nearby = Nearby(self._reader)

    def retrieve(self, case: Case, budget_chars: int) -> tuple[str, Clock]:
        """The context, and how long it took with the document open."""
        document = OpenDocument(case.file, case.text, case.language)
        self.retriever.warm_up({}, document)
        started = Clock.now()
        found = self.retriever.retrieve({}, document, case.offset, budget_chars)
        taken = Clock.now() - started
        return "".join(f"# {item.path}\n{item.text}\n" for item in found.snippets), taken

    def snippets(self, case: Case, budget_chars: int) -> tuple[Snippet, ...]:
        document = OpenDocument(case.file, case.text, case.language)
        self.retriever.warm_up({}, document)
        return self.retriever.retrieve({}, document, case.offset, budget_chars).snippets

    def texts_near(self, case: Case) -> tuple[str, ...]:
        self._nearby.read(OpenDocument(case.file, case.text, case.language), {}, ())
        return self._nearby.texts(case.file)

    def find(self, case: Case) -> Found:
        return self.retriever.find({}, OpenDocument(case.file, case.text, case.language), case.offset)


async def _index(root: Path, cache: Path) -> None:
    service = IndexService([root], cache)
    try:
        await service.start(watch=False)
        await service.wait_ready()
    finally:
        await service.aclose()
