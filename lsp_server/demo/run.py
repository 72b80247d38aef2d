"""The demo from start to end: the server is started, files are opened, typed into, explained.

Runs in the demo's process. Nothing is scripted: every answer comes from the server. Must not know how
anything is drawn.
"""

from __future__ import annotations

import asyncio
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
    stage.show_start(plan.workspace, len(plan.places))  # in here, an interrupt is a cancellation
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
    """One request before anything is typed, as an editor sends it, then one for each character, until the
    ghost text is what is wanted: then a person would accept it."""
    document = OpenDocument(client, place.path, place.text)
    name = place.path.relative_to(plan.workspace).as_posix()
    frames: list[Frame] = []
    with stage.window() as draw:
        for n_typed in range(len(place.typed) + 1):
            if n_typed:
                await asyncio.sleep(plan.pause_s)
                document.replace(_before(place.offset + n_typed), place.typed[n_typed - 1])
            frames.append(await _ask(document, place, n_typed, name))
            draw(frames[-1])
            if frames[-1].is_wanted:
                break
    document.close()
    stage.show_place(frames[-1])
    n_shown = sum(bool(frame.ghost) for frame in frames)
    return Typing(place.title, frames[-1].typed, tuple(frame.latency_ms for frame in frames), n_shown)


def _before(offset: int) -> Span:
    """Where the character is inserted that ends at `offset`."""
    return Span(offset - 1, offset - 1)


async def _ask(document: OpenDocument, place: Place, n_typed: int, name: str) -> Frame:
    offset = place.offset + n_typed
    items, latency_ms = await document.complete(offset)
    return Frame(
        title=place.title,
        path=name,
        text=document.text,
        offset=offset,
        typed=place.typed[:n_typed],
        ghost=document.ghost_of(items[0], offset) if items else "",
        author=place.author,
        latency_ms=latency_ms,
    )


async def _explain(client: EditorClient, place: Place, stage: Stage) -> None:
    """The function that was typed into first, as its author left it."""
    whole = place.text[: place.offset] + place.author + place.text[place.offset :]
    document = OpenDocument(client, place.path, whole)
    answer = await document.explain(place.offset)
    document.close()
    stage.show_explanation(answer)
