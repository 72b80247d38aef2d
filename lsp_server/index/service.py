"""IndexService: the workspace index as the rest of the session sees it.

Runs in the session, on the event loop; questions are answered in one thread of its own, files are read and
parsed in
one worker process per workspace folder. Holds no part of the index in memory but open documents' parses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from lsp_server.index import search, usages
from lsp_server.index.crawl import Limits, Skipped
from lsp_server.index.document import ImportCache
from lsp_server.index.folder import FolderIndex, Progress
from lsp_server.index.inspection import Inspection
from lsp_server.index.languages import language_for
from lsp_server.index.nearby import Nearby
from lsp_server.index.retrieval import Retriever
from lsp_server.index.survey import Surveyor
from lsp_server.index.usages import Links, find_links
from lsp_server.index.view import OpenDocument, ParseCache, View
from lsp_server.settings import IndexSettings
from lsp_server.types import DocumentSnapshot, Reference, Retrieval, Snippet, Span, Symbol

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What commands and the status notification show. `problems` are sentences for a person; `skipped` are
    the first of `n_skipped`; `n_parsed` is of the last job; settled: each folder was tried at least once."""

    n_files: int = 0
    n_symbols: int = 0
    is_ready: bool = False
    is_settled: bool = False
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[str, ...] = ()
    n_skipped: int = 0
    n_parsed: int = 0


class IndexService:
    """Methods that answer never raise for the state of the index: what is not there yet is not found."""

    def __init__(
        self,
        workspace_roots: Sequence[str | Path],
        cache: Path,
        settings: IndexSettings | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        settings = settings or IndexSettings()
        limits = Limits(settings.max_files, settings.max_file_bytes, settings.exclude)
        roots = dict.fromkeys(Path(root).absolute() for root in workspace_roots) if settings.enabled else ()
        self._folders = tuple(FolderIndex(root, cache, limits, on_progress) for root in roots)
        self._thread = ThreadPoolExecutor(1, "edgewise-index")
        self._is_closed = False
        self._parses = ParseCache()
        self._imports = ImportCache()
        self._retrievers = {
            folder.root: Retriever(folder.reader, self._parses, self._imports) for folder in self._folders
        }
        self._nearby = {folder.root: Nearby(folder.reader) for folder in self._folders}
        self._documents: dict[Path, dict[str, OpenDocument]] = {folder.root: {} for folder in self._folders}

    async def start(self, *, watch: bool = True) -> None:
        """Begins to bring the index up to date, and returns. `watch`: look for changes that nobody
        reports."""
        for folder in self._folders:
            folder.start(watch=watch)

    async def aclose(self) -> None:
        """Ends workers and watchers. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.gather(*(folder.aclose() for folder in self._folders))
        await self._in_thread(self._close_readers)
        self._thread.shutdown(wait=False)

    async def wait_ready(self) -> None:
        """Until every change that is known now has been written, or cannot be."""
        await asyncio.gather(*(folder.wait_idle() for folder in self._folders))

    @property
    def status(self) -> IndexStatus:
        """As of the last finished job."""
        totals = [folder.totals for folder in self._folders]
        return IndexStatus(
            n_files=sum(total.n_files for total in totals),
            n_symbols=sum(total.n_symbols for total in totals),
            is_ready=all(total.is_complete for total in totals),
            is_settled=all(folder.n_jobs for folder in self._folders),
            skipped=tuple(skipped for total in totals for skipped in total.skipped),
            problems=tuple(problem for folder in self._folders for problem in folder.problems),
            n_skipped=sum(total.n_skipped for total in totals),
            n_parsed=sum(folder.last_job.n_parsed for folder in self._folders),
        )

    def overlay(self, path: str, text: str | None, language_id: str = "") -> None:
        """The unsaved text of an open document; None when it is closed."""
        folder, relative = self._locate(path)
        if folder is None:
            return
        recent = self._retrievers[folder.root].recent
        if text is None:
            self._documents[folder.root].pop(relative, None)
            recent.forget(relative)
            return
        recent.note_edit(relative)
        language = language_for(language_id, relative)
        folder.note_edit(language.id if language is not None else "")
        if relative not in self._documents[folder.root]:
            self._thread.submit(self._warm_up, folder, relative, text, language_id)
            if self._nearby[folder.root].claim(relative):
                self._read_near(folder, OpenDocument(relative, text, language_id))
        self._documents[folder.root][relative] = OpenDocument(relative, text, language_id)

    def on_files_changed(self, paths: Sequence[str]) -> None:
        """From `workspace/didChangeWatchedFiles` or a save: absolute paths of files or folders."""
        for path in paths:
            folder, relative = self._locate(path)
            if folder is not None and relative:
                folder.add_change(relative)

    async def search_imports(self, snapshot: DocumentSnapshot, offset: int) -> tuple[Snippet, ...]:
        """One line for each symbol that the document, as it stands, imports from its own workspace."""
        folder, path = self._locate(snapshot.path)
        if folder is None:
            return ()
        documents = self._documents_of(folder)
        return await self._in_thread(lambda: self._search_imports(folder, documents, path, snapshot, offset))

    async def retrieve(
        self, snapshot: DocumentSnapshot, offset: int, budget_chars: int, deadline_ms: int | None = None
    ) -> Retrieval:
        """What is likely to be needed at a place, from the rest of its workspace folder."""
        folder, path = self._locate(snapshot.path)
        if folder is None:
            return Retrieval()
        documents = self._documents_of(folder)
        document = OpenDocument(path, snapshot.text, snapshot.language_id)
        deadline_s = None if deadline_ms is None else time.monotonic() + deadline_ms / 1000
        retriever = self._retrievers[folder.root]
        found = await self._in_thread(
            lambda: retriever.retrieve(documents, document, offset, budget_chars, deadline_s)
        )
        if not self._is_closed and deadline_ms is not None:
            self._thread.submit(retriever.study, document)
        return found

    def texts_near(self, snapshot: DocumentSnapshot) -> tuple[str, ...]:
        """Flat texts of the files around a document, as far as they have been read: at once, and read again
        meanwhile where they may be old."""
        folder, path = self._locate(snapshot.path)
        if folder is None or self._is_closed:
            return ()
        nearby = self._nearby[folder.root]
        if nearby.claim(path):
            self._read_near(folder, OpenDocument(path, snapshot.text, snapshot.language_id))
        return nearby.texts(path)

    def _read_near(self, folder: FolderIndex, document: OpenDocument) -> None:
        recent = tuple(self._retrievers[folder.root].recent.lately(document.path).files)
        read = partial(self._nearby[folder.root].read, document, self._documents_of(folder), recent)
        self._thread.submit(read)

    def note_suggestion(self, path: str, text: str) -> None:
        """What was shown in the file `path` (absolute)."""
        folder, relative = self._locate(path)
        if folder is not None:
            self._retrievers[folder.root].recent.note_suggestion(relative, text)

    async def survey(self, snapshot: DocumentSnapshot, budget_chars: int) -> tuple[Snippet, ...]:
        """What fills a long prompt, by its relevance to the document and what it names."""
        folder, path = self._locate(snapshot.path)
        if folder is None:
            return ()
        documents = self._documents_of(folder)
        document = OpenDocument(path, snapshot.text, snapshot.language_id)
        surveyor = Surveyor(folder.reader, self._parses, self._imports)
        return await self._in_thread(lambda: surveyor.survey(documents, document, budget_chars))

    async def is_read(self, relative_path: str) -> bool:
        """Whether every file of this path in the workspace folders was read: no rule leaves it out."""
        folders = [folder for folder in self._folders if (folder.root / relative_path).exists()]

        def is_known() -> bool:
            for folder in folders:
                folder.reader.refresh()
            return all(folder.reader.existing([relative_path]) for folder in folders)

        return bool(folders) and await self._in_thread(is_known)

    async def symbols_matching(self, query: str, limit: int) -> tuple[Symbol, ...]:
        """By the letters of their names, best first in each workspace folder. As they are stored."""

        def ask() -> tuple[Symbol, ...]:
            for folder in self._folders:
                folder.reader.refresh()
            return tuple(
                symbol for folder in self._folders for symbol in folder.reader.matching(query, limit)
            )

        return await self._in_thread(ask)

    async def definitions_of(self, name: str, path: str = "") -> tuple[Symbol, ...]:
        """Where `name` is defined, best first by what the file `path` (absolute) imports; its own first."""
        return await self._ask(path, lambda view, relative: usages.definitions_of(view, name, relative))

    async def callers_of(self, symbol: Symbol, path: str) -> tuple[Reference, ...]:
        """The calls of a definition in the file `path` (absolute). Paths of the result are relative to its
        root."""
        return await self._ask(path, lambda view, _: usages.callers_of(view, symbol))

    async def links_of(self, snapshot: DocumentSnapshot, inspection: Inspection) -> Links:
        """Who calls the code that was inspected, and where what it calls is defined."""
        folder, path = self._locate(snapshot.path)
        if folder is None:
            return Links()
        opened = OpenDocument(path, snapshot.text, snapshot.language_id)
        documents = {**self._documents_of(folder), path: opened}
        symbol = replace(inspection.symbol, path=path) if inspection.symbol is not None else None
        return await self._in_thread(
            lambda: find_links(
                self._view(folder, documents),
                path,
                symbol,
                inspection.calls,
                inspection.container,
                inspection.owner_bases,
            )
        )

    async def _ask(self, path: str, question: Callable[[View, str], Sequence[_T]]) -> tuple[_T, ...]:
        """To the folder that `path` lies in, or to all of them."""
        folder, relative = self._locate(path) if path else (None, "")
        folders = (folder,) if folder is not None else self._folders
        asked = [(item, self._documents_of(item)) for item in folders]
        return await self._in_thread(
            lambda: tuple(
                answer
                for item, documents in asked
                for answer in question(self._view(item, documents), relative)
            )
        )

    def _search_imports(
        self,
        folder: FolderIndex,
        documents: dict[str, OpenDocument],
        path: str,
        snapshot: DocumentSnapshot,
        offset: int,
    ) -> tuple[Snippet, ...]:
        text = snapshot.text
        imports = self._imports.imports_of(path, text, snapshot.language_id)
        line = Span(text.rfind("\n", 0, offset) + 1, _line_end(text, offset))
        view = self._view(folder, documents)
        return search.imported_snippets(view, path, imports, text, line)

    def _warm_up(self, folder: FolderIndex, path: str, text: str, language_id: str) -> None:
        """The first question about a document must not pay for its grammar, its parse and the opening of
        the store."""
        document = OpenDocument(path, text, language_id)
        self._retrievers[folder.root].warm_up(self._documents_of(folder), document)

    def _view(self, folder: FolderIndex, documents: dict[str, OpenDocument]) -> View:
        return View(folder.reader, documents, self._parses)

    def _documents_of(self, folder: FolderIndex) -> dict[str, OpenDocument]:
        return dict(self._documents[folder.root])

    def _locate(self, path: str) -> tuple[FolderIndex | None, str]:
        """The innermost workspace folder that `path` lies in, and the path from there."""
        candidates = (
            [folder for folder in self._folders if Path(path).is_relative_to(folder.root)] if path else []
        )
        if not candidates:
            return None, ""
        folder = max(candidates, key=lambda item: len(item.root.parts))
        return folder, Path(path).relative_to(folder.root).as_posix()

    def _close_readers(self) -> None:
        for folder in self._folders:
            folder.reader.close()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return end if end >= 0 else len(text)
