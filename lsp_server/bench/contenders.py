"""Who takes part in a replay: one port, and ours behind it, asked as two editors ask, and without a server.

Runs in the command-line process. Ours is the real server as a subprocess, spoken to in LSP. Must not know
what is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lsp_server.bench.keys import Key
from lsp_server.bench.room import Room
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.demo.client import EditorClient, OpenDocument, ServerError, ServerGone
from lsp_server.index.service import IndexService
from lsp_server.prompting import SNIPPET_CHARS_PER_TOKEN, search
from lsp_server.settings import CompletionSettings
from lsp_server.text import language_of
from lsp_server.trace import TraceDraft
from lsp_server.types import Completion, CompletionRequest, DocumentSnapshot, Retrieval, Span
from model.protocol import FimPrompt, GenerationOptions, Piece

NEOVIM_WAITS_S = 0.2  # Neovim's built-in inline completion, a fixed timer
NEOVIM_TELLS_S = 0.1  # our plugin's


@dataclass(frozen=True, slots=True)
class Scene:
    """A document after a key. `number` is what questions and answers about it carry."""

    number: int
    path: str
    text: str
    cursor: int


class Desk(Protocol):
    """Where a contender says what it does, the moment it does it."""

    def asked(self, number: int) -> None: ...

    def answered(self, number: int, text: str) -> None: ...


class Contender(Protocol):
    """One way of asking. Nothing that it does may block: keys come when they come."""

    async def open(self, path: str, text: str, cursor: int) -> None:
        """A file is shown; what was open before stays open."""
        ...

    def strike(self, scene: Scene, key: Key) -> None:
        """The person has pressed a key."""
        ...

    async def aclose(self) -> None: ...


class Alarm:
    """At most one task at a time: a newer one ends the older."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return self.task is not None and not self.task.done()

    def set(self, work: asyncio.Task[None]) -> None:
        self.cancel()
        self.task = work

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def aclose(self) -> None:
        self.cancel()
        if self.task is not None:
            await asyncio.gather(self.task, return_exceptions=True)


class LspEditor:
    """What both editors do: tell every change, and show the first item of an answer."""

    def __init__(self, client: EditorClient, workspace: Path, desk: Desk) -> None:
        self._client, self._workspace, self._desk = client, workspace, desk
        self._documents: dict[str, OpenDocument] = {}

    async def open(self, path: str, text: str, cursor: int) -> None:
        if path not in self._documents:
            self._documents[path] = OpenDocument(self._client, self._workspace / path, text)

    def _tell(self, scene: Scene, key: Key) -> OpenDocument:
        document = self._documents[scene.path]
        if not key.is_jump:
            document.replace(Span(key.offset, key.offset + key.n_removed), key.text)
        return document

    async def _ask(self, document: OpenDocument, scene: Scene) -> None:
        self._desk.asked(scene.number)
        try:
            items, _ = await document.complete(scene.cursor)
        except (ServerError, ServerGone):
            return  # a request that was superseded is answered with an error
        ghost = document.ghost_of(items[0], scene.cursor) if items and document.text == scene.text else ""
        self._desk.answered(scene.number, ghost)


class VsCode(LspEditor):
    """Asks after each change and cancels the older request. A move of the cursor asks nothing; our extension
    tells of it."""

    def __init__(self, client: EditorClient, workspace: Path, desk: Desk) -> None:
        super().__init__(client, workspace, desk)
        self._asking = Alarm()

    async def open(self, path: str, text: str, cursor: int) -> None:
        await super().open(path, text, cursor)
        self._documents[path].put_cursor(cursor)

    def strike(self, scene: Scene, key: Key) -> None:
        document = self._tell(scene, key)
        self._asking.cancel()
        if key.is_jump:
            document.put_cursor(scene.cursor)
        else:
            self._asking.set(asyncio.create_task(self._ask(document, scene)))

    async def aclose(self) -> None:
        await self._asking.aclose()


class Neovim(LspEditor):
    """Asks when no key, and no move of the cursor, came for 200 ms; never cancels what it asked. Our plugin
    tells of the line on which the cursor comes to rest outside of insert mode, in which files are entered."""

    def __init__(self, client: EditorClient, workspace: Path, desk: Desk) -> None:
        super().__init__(client, workspace, desk)
        self._timer = Alarm()
        self._asked: set[asyncio.Task[None]] = set()

    async def open(self, path: str, text: str, cursor: int) -> None:
        await super().open(path, text, cursor)
        self._timer.set(asyncio.create_task(self._tell_later(path, line_end(text, cursor))))

    async def _tell_later(self, path: str, offset: int) -> None:
        await asyncio.sleep(NEOVIM_TELLS_S)
        self._documents[path].put_cursor(offset)

    def strike(self, scene: Scene, key: Key) -> None:
        self._timer.set(asyncio.create_task(self._ask_later(self._tell(scene, key), scene)))

    async def _ask_later(self, document: OpenDocument, scene: Scene) -> None:
        await asyncio.sleep(NEOVIM_WAITS_S)
        task = asyncio.create_task(self._ask(document, scene))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def aclose(self) -> None:
        await self._timer.aclose()
        await asyncio.gather(*self._asked, return_exceptions=True)


def line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return end if end >= 0 else len(text)


class Straight:
    """Our prompts, posted straight to an engine host from here: no server, nothing begun before it is asked,
    nothing remembered but the anchor and the suggestions. Asks as VS Code asks. `is_cut`: no more is
    shown than the model is sure of, as the server does."""

    def __init__(
        self, room: Room, index: IndexService, workspace: Path, settings: CompletionSettings, *, is_cut: bool
    ) -> None:
        self.room, self._index, self._workspace, self._settings = room, index, workspace, settings
        self._memory = Memory()
        self.engine_ms: float | None = None  # from the last post to its last piece; None: nothing was posted
        self.ports = Ports(
            self._search,
            self._generate,
            is_append_only=lambda: room.client.is_append_only,
            is_cut_to_sure=lambda: is_cut,
        )

    async def suggest(self, scene: Scene) -> str:
        self.engine_ms = None
        snapshot = DocumentSnapshot(
            uri=(self._workspace / scene.path).as_uri(),
            path=str(self._workspace / scene.path),
            relative_path=scene.path,
            workspace_root=str(self._workspace),
            language_id=language_of(scene.path),
            version=0,
            text=scene.text,
        )
        request = CompletionRequest(snapshot, scene.cursor)
        trace = TraceDraft("straight")
        result = await complete(request, self._settings, self.ports, self._memory, trace)
        if not isinstance(result, Completion):
            return ""
        return result.text.removeprefix(scene.text[result.span.start : scene.cursor])

    async def _search(self, context: CompletionContext) -> Retrieval:
        n_chars = self._settings.prompt_tokens * SNIPPET_CHARS_PER_TOKEN
        return await search(self._index, context, n_chars, self._settings.search_deadline_ms)

    async def _generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        tokens = await self.room.client.build_prompt(prompt, self._settings.prompt_tokens)
        started = time.perf_counter()
        try:
            async with aclosing(self.room.client.complete(tokens, options)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self.engine_ms = (time.perf_counter() - started) * 1000


class EngineAlone:
    """`Straight`, as a contender: the floor."""

    def __init__(self, straight: Straight, desk: Desk) -> None:
        self._straight, self._desk = straight, desk
        self._asking = Alarm()

    async def open(self, path: str, text: str, cursor: int) -> None:
        """Nothing is done before a key is pressed."""

    def strike(self, scene: Scene, key: Key) -> None:
        self._asking.cancel()
        if not key.is_jump:
            self._asking.set(asyncio.create_task(self._ask(scene)))

    async def _ask(self, scene: Scene) -> None:
        self._desk.asked(scene.number)
        self._desk.answered(scene.number, await self._straight.suggest(scene))

    async def aclose(self) -> None:
        await self._asking.aclose()
