"""The session: everything that one editor window has open, and the only mutable object of the server.

Runs in the session. It wires documents, settings, index and model together, and tells the editor how things
stand through a port of plain values. Must not know LSP: that is the business of `handlers/`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from lsp_server.assist.ports import AssistPorts
from lsp_server.completer import Completer
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.fitting import fit
from lsp_server.completion.pipeline import Ports
from lsp_server.documents import Document, Edit, find_change, open_document, take_snapshot
from lsp_server.engine import Engine
from lsp_server.explaining import Explainer
from lsp_server.head_start import remember
from lsp_server.index.folder import Progress as FolderProgress
from lsp_server.index.service import IndexService
from lsp_server.journal import Journal, journal_folder
from lsp_server.keeping import Keeping
from lsp_server.notebooks import Notebook, Notebooks
from lsp_server.prompting import (
    SNIPPET_CHARS_PER_TOKEN,
    Budget,
    SyntaxReader,
    build_prompt,
    is_cut_to_sure,
    search,
    texts_near,
)
from lsp_server.settings import (
    CompletionSettings,
    IndexSettings,
    Layer,
    ModelSettings,
    Problem,
    Settings,
    cache_folder,
    load,
)
from lsp_server.status import Editor, IndexProgress, Progress, Status, build_status
from lsp_server.text import PositionEncoding, path_of_uri
from lsp_server.trace import TraceDraft, TraceLog
from lsp_server.turns import Turns
from lsp_server.types import (
    Completion,
    CompletionRequest,
    DocumentSnapshot,
    NoCompletion,
    Retrieval,
    Span,
)
from lsp_server.verdicts import Verdicts
from model.protocol import (
    FimPrompt,
    GenerationOptions,
    HostState,
    HostStatus,
    HostUnavailable,
    Pace,
    Piece,
    Shown,
    TokenPrompt,
)

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 5.0
_BUSY = (HostState.STARTING, HostState.RESTARTING)


class Session:
    """One editor window."""

    def __init__(self, editor: Editor) -> None:
        self.encoding = PositionEncoding.UTF16
        self.settings = Settings()
        self._problems: tuple[Problem, ...] = ()
        self.turns = Turns()
        self.traces = TraceLog(Journal(journal_folder(cache_folder())))
        self.verdicts = Verdicts(self.traces)
        self._keeping = Keeping()
        self._editor = editor
        self._documents: dict[str, Document] = {}
        self._notebooks = Notebooks()
        self._roots: tuple[str, ...] = ()
        asks = (self._search, self._generate, self._prefill, self._measure, self._is_append_only)
        ports = Ports(
            *asks,
            SyntaxReader(),
            lambda at: texts_near(self._index, at, self.settings),
            lambda: is_cut_to_sure(self.settings),
        )
        self._completer = Completer(ports, self._fitted, self.traces)
        self._host = HostStatus(HostState.STOPPED)
        self._index_progress = IndexProgress()
        self._status = Status()
        self._reconciling = asyncio.Lock()
        self._is_closed = False
        self._started = asyncio.Event()
        self._engine_made_for: ModelSettings | None = None
        self._index_made_for: tuple[IndexSettings, tuple[str, ...]] | None = None
        self._engine: Engine | None = None
        self._explainer = Explainer(lambda: self.settings)
        self._index: IndexService | None = None
        self._model_progress: Progress | None = None

    # --- documents ------------------------------------------------------------------------------------------

    def open_document(self, uri: str, language_id: str, version: int, text: str) -> None:
        self._documents[uri] = document = open_document(uri, language_id, version, text)
        self._overlay(uri)
        if document.buffer is not None:
            self._completer.on_cursor(self.take_snapshot(document), 0)

    def edit_document(self, uri: str, version: int, edits: Iterable[Edit]) -> None:
        """Edits of a document that is not open are dropped: there is no text that they could change."""
        document, edits = self._documents.get(uri), list(edits)
        if document is None:
            logger.warning("Dropped the edits of a document that is not open.")
            return
        self._documents[uri] = edited = document.edited(edits, version, self.encoding)
        self._overlay(uri)
        if edited.buffer is None:
            self.verdicts.forget(uri)
        else:
            change = find_change(document, edits, self.encoding)
            self.verdicts.on_edit(uri, edited.buffer.text, change)
            self._completer.on_edit(self.take_snapshot(edited), change)

    def close_document(self, uri: str) -> None:
        self._documents.pop(uri, None)
        self._completer.forget(uri)
        self.verdicts.forget(uri)
        self.turns.end(uri)
        self._overlay(uri)

    def _overlay(self, uri: str) -> None:
        """The index sees an open document as it stands, not as it lies on disk."""
        if (notebook := self._notebooks.of_cell(uri)) is not None:
            self._overlay_notebook(notebook)
            return
        path = path_of_uri(uri)
        if self._index is None or not path:
            return
        document = self._documents.get(uri)
        if document is None or document.buffer is None:
            self._index.overlay(path, None)
        else:
            self._index.overlay(path, document.buffer.text, document.language_id)

    def document(self, uri: str) -> Document | None:
        """The document as it is now. It never changes: an edit puts another one in its place."""
        return self._documents.get(uri)

    def take_snapshot(self, document: Document) -> DocumentSnapshot:
        notebook = self._notebooks.of_cell(document.uri)
        if notebook is None:
            return take_snapshot(document, self._roots)
        before, after = notebook.around(document.uri, self._documents)
        whole = take_snapshot(replace(document, uri=notebook.uri), self._roots)
        return replace(whole, uri=document.uri, before=before, after=after)

    def notebook(self, uri: str) -> Notebook | None:
        return self._notebooks.get(uri)

    def put_notebook(self, notebook: Notebook) -> None:
        """It was opened, or its cells changed; the cells' texts are documents already."""
        self._notebooks.put(notebook)
        self._overlay_notebook(notebook)

    def remove_notebook(self, uri: str) -> None:
        path = path_of_uri(uri)
        if self._notebooks.remove(uri) is not None and self._index is not None and path:
            self._index.overlay(path, None)

    def _overlay_notebook(self, notebook: Notebook) -> None:
        path = path_of_uri(notebook.uri)
        if self._index is not None and path:
            language_id = notebook.language_id(self._documents)
            self._index.overlay(path, notebook.text(self._documents), language_id)

    # --- what a session is for ------------------------------------------------------------------------------

    async def complete(self, request: CompletionRequest, trace: TraceDraft) -> Completion | NoCompletion:
        with suppress(TimeoutError):  # the editor may still be telling its settings
            await asyncio.wait_for(self._started.wait(), self.settings.completion.timeout_ms / 1000)
        answer = await self._completer.answer(request, trace)
        if self._index is not None and isinstance(answer, Completion):
            self._index.note_suggestion(request.snapshot.path, answer.text)
        return answer

    def put_cursor(self, uri: str, offset: int) -> None:
        """The editor told where the cursor is now: at rest, what will be needed there is made ready."""
        document = self._documents.get(uri)
        if document is not None and document.buffer is not None:
            self.verdicts.on_cursor(uri, offset)
            self._completer.on_cursor(self.take_snapshot(document), offset)

    async def build_prompt(
        self, request: CompletionRequest, budget: Budget, trace: TraceDraft
    ) -> TokenPrompt | NoCompletion:
        """What the model would see."""
        engine = await self._started_engine()
        return await build_prompt(request, self._fitted(), budget, self._index, engine, trace)

    def _fitted(self) -> CompletionSettings:
        """What the user set, as far as this model on this machine can now."""
        return fit(self.settings.completion, self.pace, self._host.info)

    @property
    def prompt_tokens(self) -> int:
        """How long a prompt may be now."""
        return self._fitted().prompt_tokens

    async def _search(self, context: CompletionContext) -> Retrieval:
        settings = self._fitted()
        n_chars = settings.prompt_tokens * SNIPPET_CHARS_PER_TOKEN
        return await search(self._index, context, n_chars, settings.search_deadline_ms)

    async def _generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        engine = await self._started_engine()
        may_keep = await self._keeping.may_keep(prompt.path, self._index)
        options = replace(options, may_keep=may_keep)
        async with aclosing(engine.generate(prompt, options, self._fitted().prompt_tokens)) as pieces:
            async for piece in pieces:
                yield piece

    async def _prefill(self, prompt: FimPrompt, budget_tokens: int) -> Shown:
        may_keep = await self._keeping.may_keep(prompt.path, self._index)
        return await (await self._started_engine()).prefill(prompt, budget_tokens, may_keep=may_keep)

    async def _measure(self, prompt: FimPrompt, budget_tokens: int) -> Shown:
        return await (await self._started_engine()).measure(prompt, budget_tokens)

    def _is_append_only(self) -> bool:
        return self._engine is not None and self._engine.is_append_only

    async def _started_engine(self) -> Engine:
        await self._started.wait()
        if self._engine is None:
            raise HostUnavailable("The session is ending.")
        return self._engine

    async def explain(self, snapshot: DocumentSnapshot, span: Span, on_text: Callable[[str], None]) -> str:
        """Markdown: the facts, then, when there is an instruct model, words grounded in them. `on_text` gets
        each piece as soon as it is there."""
        await self._started.wait()  # the editor may still be telling its settings
        return await self._explainer.explain(snapshot, span, self._index, on_text)

    async def assist_ports(self) -> AssistPorts:
        """What documentation, tests and fixes are made with."""
        await self._started.wait()
        chat = self._explainer.chat if self._explainer.has_words else None
        return AssistPorts(self._index, self._generate, chat)

    # --- settings, model and index --------------------------------------------------------------------------

    def configure(self, options: Mapping[str, Any], section: Mapping[str, Any]) -> None:
        """The user's file, which is read again; on top of it what the editor said when it started, then what
        it says now."""
        told = self._problems
        self.settings, self._problems = load(
            Layer("initializationOptions", options), Layer("your editor's settings", section)
        )
        logging.getLogger("lsp_server").setLevel(self.settings.log.level.upper())
        if new := [str(problem) for problem in self._problems if problem not in told]:
            self._editor.show_warning("\n".join(new))

    def set_roots(self, roots: Iterable[str]) -> None:
        """The workspace folders, as absolute paths."""
        self._roots = tuple(dict.fromkeys(root for root in roots if root))

    def change_roots(self, added: Iterable[str], removed: Iterable[str]) -> None:
        gone = set(removed)
        self.set_roots([*(root for root in self._roots if root not in gone), *added])

    async def reconcile(self) -> None:
        """Starts, or starts again, what does not run as the settings and the workspace folders have it."""
        async with self._reconciling:
            if self._is_closed:
                return
            if self._engine_made_for != self.settings.model:
                await self._replace_engine()
            if self._index_made_for != (self.settings.index, self._roots):
                await self._replace_index()

    async def restart(self) -> None:
        """Attaches anew to the engine host, or starts one, even after it failed for good."""
        self._engine_made_for = None
        await self.reconcile()

    async def _replace_engine(self) -> None:
        await _close(self._engine, self._explainer.take_engine())
        self._completer.clear()
        self._engine_made_for = self.settings.model
        self._engine = Engine(self.settings.model, self._on_host_status)
        self._started.set()
        await asyncio.to_thread(remember, self.settings.model)

    async def _replace_index(self) -> None:
        await _close(self._index)
        self._index, self._index_progress = None, IndexProgress()
        self._index_made_for = (self.settings.index, self._roots)
        if self.settings.index.enabled and self._roots:
            progress = self._editor.open_progress("Reading the workspace")
            self._index = IndexService(
                self._roots, cache_folder(), self.settings.index, partial(self._on_index_progress, progress)
            )
            for uri in self._documents:
                self._overlay(uri)
            await self._index.start()

    def file_changed(self, uri: str) -> None:
        """A file changed on disk."""
        path = path_of_uri(uri)
        if self._index is not None and path:
            self._index.on_files_changed([path])

    async def aclose(self) -> None:
        """Lets go of everything, once; nothing starts again after it."""
        async with self._reconciling:
            parts, self._is_closed = (self._index, self._explainer.take_engine(), self._engine), True
            self._index = self._engine = None
            self._completer.close()
            await _close(*parts)
        self.traces.close()

    # --- what the editor is told ----------------------------------------------------------------------------

    def _on_host_status(self, host: HostStatus) -> None:
        self._host, before = host, self._host
        if host.state in _BUSY and self._model_progress is None:
            self._model_progress = self._editor.open_progress("Starting the model")
        elif host.state not in _BUSY and self._model_progress is not None:
            self._model_progress.end(host.message)
            self._model_progress = None
        if host.state is HostState.FAILED and host != before:
            self._editor.show_error(host.message)
        self._publish()

    def _on_index_progress(self, shown: Progress, folder: FolderProgress) -> None:
        """Folders are read side by side; the work is over when each was read or cannot be."""
        if self._index is None:
            return
        status = self._index.status
        counts = (status.is_ready, status.n_files, status.n_symbols, folder.n_done, folder.n_total)
        self._index_progress = IndexProgress(*counts, doing=folder.step)
        if folder.is_done and status.is_settled:
            shown.end(" ".join(status.problems))
        else:
            shown.report(f"{folder.step}: {folder.n_done} of {folder.n_total} files", folder.percentage)
        self._publish()

    def _publish(self) -> None:
        status = build_status(self._host, self._index_progress)
        if status != self._status:
            self._status = status
            self._editor.show_status(status)

    def status(self) -> Status:
        return self._status

    @property
    def pace(self) -> Pace:
        """How fast the host computes now, as it said last."""
        return self._engine.pace if self._engine is not None else Pace()

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the settings and the index, as sentences."""
        of_index = self._index.status.problems if self._index else ()
        return (*(str(problem) for problem in self._problems), *of_index)


async def _close(*parts: Engine | IndexService | None) -> None:
    """One after the other; a part that does not end is left behind, so that the editor never waits."""
    for part in parts:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if part is not None:
                    await part.aclose()
        except TimeoutError:
            logger.warning("%s did not end in time.", type(part).__name__)
