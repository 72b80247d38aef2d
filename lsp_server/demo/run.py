"""The demo from start to end: the server is started, files are opened, typed into, explained.

Runs in the demo's process. Nothing is scripted: every answer comes from the server. Must not know how
anything is drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.demo.client import EditorClient, Json, OpenDocument, ServerError, ServerGone, start_server
from lsp_server.demo.places import Place
from lsp_server.demo.screen import Frame, Typing
from lsp_server.demo.stage import Stage
from lsp_server.types import Span

READY_SECONDS = 180.0
IDLE_EXIT_SECONDS = 2.0


class DemoFailed(Exception):
    """The demo cannot go on; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown. `pause_s` is the time between two keystrokes."""

    workspace: Path
    places: tuple[Place, ...]
    model: str = "builtin"
    pause_s: float = 0.0


class Readiness:
    """What the server told of the model and of the index so far."""

    def __init__(self, stage: Stage) -> None:
        self.status: dict[str, Any] = {}
        self._stage = stage
        self._changed = asyncio.Event()

    def on_notification(self, method: str, params: Json) -> None:
        if method == "$/progress":
            self._stage.show_progress(str(params["token"]), params["value"])
        elif method == "edgewise/status":
            self.status = params
            self._changed.set()

    async def wait(self) -> None:
        """Until the model is ready and the workspace is read. Raises DemoFailed with a sentence."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                while not self._is_ready():
                    self._changed.clear()
                    await self._changed.wait()
        if self.status.get("state") != "ready":
            raise DemoFailed(
                self.status.get("message") or "The model was not ready in time: run `edgewise doctor`."
            )

    def _is_ready(self) -> bool:
        state = self.status.get("state")
        return state == "failed" or (state == "ready" and self.status["index"]["ready"])


async def run_demo(plan: Plan, stage: Stage) -> None:
    readiness = Readiness(stage)
    model = {"name": plan.model, "idle_exit_s": IDLE_EXIT_SECONDS}
    options = {"model": model, "index": {"enabled": True}}
    try:
        async with start_server(plan.workspace, options, readiness.on_notification) as client:
            with stage.progress():
                await readiness.wait()
            stage.show_ready(readiness.status)
            typings = [await _type_at(client, place, plan, stage) for place in plan.places]
            stage.show_latencies(typings)
            await _explain(client, plan.places[0], stage)
    except (ServerGone, ServerError) as error:
        raise DemoFailed(f"The language server stopped the demo: {error}; run `edgewise doctor`.") from error


async def _type_at(client: EditorClient, place: Place, plan: Plan, stage: Stage) -> Typing:
    """One request before anything is typed, as an editor sends it, then one for each character."""
    document = OpenDocument(client, place.path, place.text)
    name = place.path.relative_to(plan.workspace).as_posix()
    frames: list[Frame] = []
    with stage.window() as draw:
        await _on_each_keystroke(
            document, place, plan.pause_s, _framing(document, place.title, name, frames.append, draw)
        )
    document.close()
    stage.show_place(frames[-1], place.author)
    n_shown = sum(bool(frame.ghost) for frame in frames)
    return Typing(place.title, place.typed, tuple(frame.latency_ms for frame in frames), n_shown)


async def _on_each_keystroke(
    document: OpenDocument, place: Place, pause_s: float, ask: Callable[[int], Awaitable[None]]
) -> None:
    await ask(place.offset)
    for index, character in enumerate(place.typed):
        offset = place.offset + index
        document.replace(Span(offset, offset), character)
        await ask(offset + 1)
        await asyncio.sleep(pause_s)


def _framing(
    document: OpenDocument,
    title: str,
    name: str,
    keep: Callable[[Frame], None],
    draw: Callable[[Frame], None],
) -> Callable[[int], Awaitable[None]]:
    async def ask(offset: int) -> None:
        items, latency_ms = await document.complete(offset)
        ghost = document.ghost_of(items[0], offset) if items else ""
        frame = Frame(title, name, document.text, offset, ghost, latency_ms)
        keep(frame)
        draw(frame)

    return ask


async def _explain(client: EditorClient, place: Place, stage: Stage) -> None:
    """The function that was typed into first, as its author left it."""
    whole = place.text[: place.offset] + place.author + place.text[place.offset :]
    document = OpenDocument(client, place.path, whole)
    answer = await document.explain(place.offset)
    document.close()
    stage.show_explanation(answer)
