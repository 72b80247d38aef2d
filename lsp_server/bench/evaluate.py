"""A simulated typist on real code: held-out functions are written again through the real server.

Runs in the command-line process. Works on a copy of the folder in which the functions are missing; waits for
each answer, but not as a person between keys. Must not know what is taken and why.
"""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.bench.holes import Source, choose, copy_workspace, find_sources, without
from lsp_server.bench.replay import Readiness
from lsp_server.bench.room import own_folders
from lsp_server.bench.typist import Evaluation, Record, evaluate, judge, next_stroke
from lsp_server.demo.client import EditorClient, OpenDocument, start_server
from lsp_server.settings import Settings
from lsp_server.types import Span
from model.protocol import ModelRefused

MAX_SOURCES = 400
IDLE_EXIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for."""

    folder: Path
    n_functions: int
    seed: int


async def run(wanted: Wanted, settings: Settings, advance: Callable[[], None]) -> Evaluation:
    """`advance` is called after each function. Raises ModelRefused where there is none."""
    sources = [source for source, _ in zip(find_sources(wanted.folder), range(MAX_SOURCES), strict=False)]
    chosen = choose(sources, wanted.n_functions, random.Random(wanted.seed))
    if not chosen:
        raise ModelRefused(f"{wanted.folder} holds no function to write: name another folder.")
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        workspace = Path(name, "workspace")
        copy_workspace(wanted.folder, workspace, texts_without(chosen))
        with own_folders(Path(name)):
            return await _write_all(workspace, chosen, settings, advance)


def texts_without(chosen: Sequence[tuple[Source, Span]]) -> dict[str, str]:
    """Each file without all of its bodies that are written again."""
    holes: dict[str, list[Span]] = defaultdict(list)
    texts = {source.path: source.text for source, _ in chosen}
    for source, body in chosen:
        holes[source.path].append(body)
    return {path: without(text, holes[path]) for path, text in texts.items()}


async def _write_all(
    workspace: Path,
    chosen: Sequence[tuple[Source, Span]],
    settings: Settings,
    advance: Callable[[], None],
) -> Evaluation:
    readiness, records = Readiness(), []
    options = settings.model_dump(mode="json")
    options["model"]["idle_exit_s"] = IDLE_EXIT_S
    async with start_server(workspace, options, readiness.on_notification) as client:
        await readiness.wait()
        for source, body in chosen:
            records.append(await Writer(client, workspace / source.path, source.text, body).write())
            advance()
        status = await client.request("workspace/executeCommand", {"command": "edgewise.status"})
    return evaluate(str(status["model"]), records)


class Writer:
    """One function, from its header on. The document is the author's but for its body."""

    def __init__(self, client: EditorClient, path: Path, text: str, body: Span) -> None:
        self._client, self._rest = client, text[body.start : body.end]
        self._document = OpenDocument(client, path, without(text, [body]))
        self._cursor = body.start
        self._record = Record(n_chars=len(body))

    async def write(self) -> Record:
        while self._rest:
            items, elapsed_ms = await self._document.complete(self._cursor)
            self._record.answers_ms.append(elapsed_ms)
            shown = self._document.ghost_of(items[0], self._cursor) if items else ""
            acceptance = judge(shown, self._rest)
            self._record.see(shown, acceptance)
            if acceptance is None:
                stroke = next_stroke(self._rest)
                self._insert(stroke, len(stroke))
                self._record.type(stroke)
            else:
                self._insert(shown[: acceptance.n_inserted], acceptance.n_retained)
                self._record.take(acceptance)
                await self._tell_accepted(items[0])
        self._document.close()
        return self._record

    def _insert(self, text: str, n_retained: int) -> None:
        """What is not retained is deleted again at once."""
        at = Span(self._cursor, self._cursor)
        self._document.replace(at, text)
        self._cursor += n_retained
        self._rest = self._rest[n_retained:]
        if len(text) > n_retained:
            self._document.replace(Span(self._cursor, self._cursor + len(text) - n_retained), "")

    async def _tell_accepted(self, item: dict[str, Any]) -> None:
        if command := item.get("command"):
            await self._client.request(
                "workspace/executeCommand",
                {"command": command["command"], "arguments": command.get("arguments", [])},
            )
