"""When other completion tools ask, what they remember and what they give up: llama.vim, Continue, Tabby.

Runs in the command-line process, each against a host of its own. Facts of their sources as of 2026, in our
own code; their filters and their post-processing are left out, which only makes them faster. Must not know
what is counted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from lsp_server.bench import layouts
from lsp_server.bench.contenders import Alarm, Desk, Scene
from lsp_server.bench.keys import Key
from lsp_server.bench.layouts import Controls
from lsp_server.bench.room import Room
from model.protocol import GenerationOptions


class Rival:
    """What all of them need: the open files, a cache, and the engine."""

    def __init__(self, room: Room, desk: Desk, n_cached: int) -> None:
        self._room, self._desk, self._n_cached = room, desk, n_cached
        self._controls = Controls.of(room.endpoint.info.control_ids)
        self._rng = random.Random(0)
        self._texts: OrderedDict[str, str] = OrderedDict()  # of the open files, the newest last
        self._cache: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._work = Alarm()

    async def open(self, path: str, text: str, cursor: int) -> None:
        self._note(Scene(-1, path, text, cursor))

    async def aclose(self) -> None:
        await self._work.aclose()

    def _note(self, scene: Scene) -> None:
        self._texts[scene.path] = scene.text
        self._texts.move_to_end(scene.path)

    def _others(self, path: str) -> list[str]:
        return [text for other, text in reversed(self._texts.items()) if other != path]

    async def _generate(
        self,
        ids: list[int],
        n_predict: int,
        t_max_predict_ms: int = 0,
        hear: Callable[[str], None] = lambda piece: None,
    ) -> str:
        options = GenerationOptions(n_predict=n_predict, t_max_predict_ms=t_max_predict_ms)
        pieces: list[str] = []
        async with aclosing(self._room.generate(ids, options)) as stream:
            async for piece in stream:
                pieces.append(piece)
                hear(piece)
        return "".join(pieces).rstrip()

    def _keep(self, prefix: str, suffix: str, text: str) -> None:
        self._cache[prefix, suffix] = text
        self._cache.move_to_end((prefix, suffix))
        while len(self._cache) > self._n_cached:
            self._cache.popitem(last=False)

    def _find(self, prefix: str, suffix: str, n_back: int) -> str | None:
        """An earlier answer that holds here, or whose beginning has been typed since."""
        for n_typed in range(min(n_back, len(prefix)) + 1):
            before, typed = prefix[: len(prefix) - n_typed], prefix[len(prefix) - n_typed :]
            text = self._cache.get((before, suffix))
            if text is not None and text.startswith(typed) and (len(text) > n_typed or not n_typed):
                return text[n_typed:]
        return None


class LlamaVim(Rival):
    """Asks at each key and each move of the cursor. One request at a time, which is not cancelled: while it
    runs, tries again after 100 ms. Afterwards computes what follows once the answer is accepted."""

    RETRY_S = 0.1
    N_CACHED = 250
    N_BACK = 128
    FIRST_MS, SPECULATIVE_MS = 250, 1000
    N_CHUNKS = 16
    MOVED_LINES = 32
    TOO_SIMILAR = 0.9

    def __init__(self, room: Room, desk: Desk) -> None:
        super().__init__(room, desk, self.N_CACHED)
        self._running: asyncio.Task[None] | None = None
        self._ring: deque[str] = deque(maxlen=self.N_CHUNKS)
        self._line_of_chunk = 0

    async def open(self, path: str, text: str, cursor: int) -> None:
        """A chunk of the file that is entered goes into the ring; the KV cache is warmed up with it."""
        await super().open(path, text, cursor)
        self._gather(text, cursor)
        if not self._is_busy:
            self._running = asyncio.create_task(self._warm_up(Scene(-1, path, text, cursor)))

    def strike(self, scene: Scene, key: Key) -> None:
        self._note(scene)
        line = scene.text.count("\n", 0, scene.cursor)
        if key.is_jump and abs(line - self._line_of_chunk) > self.MOVED_LINES:
            self._gather(scene.text, scene.cursor)
        self._work.set(asyncio.create_task(self._ask(scene)))

    def _gather(self, text: str, cursor: int) -> None:
        self._line_of_chunk = text.count("\n", 0, cursor)
        chunk = layouts.pick_chunk(text, self._line_of_chunk, self._rng)
        if all(layouts.overlap(chunk, other) <= self.TOO_SIMILAR for other in self._ring):
            self._ring.append(chunk)

    async def _ask(self, scene: Scene) -> None:
        if layouts.look_around(scene.text, scene.cursor).is_in_line:
            return
        self._desk.asked(scene.number)
        text = self._look(scene)
        while text is None:
            if self._is_busy:
                await asyncio.sleep(self.RETRY_S)
            else:
                self._running = asyncio.create_task(self._compute(scene, self.FIRST_MS))
                await asyncio.shield(self._running)
            text = self._look(scene)
        self._desk.answered(scene.number, text)
        accepted = accept(scene, text)
        if text and not self._is_busy and self._look(accepted) is None:
            self._running = asyncio.create_task(self._compute(accepted, self.SPECULATIVE_MS))

    @property
    def _is_busy(self) -> bool:
        return self._running is not None and not self._running.done()

    def _look(self, scene: Scene) -> str | None:
        return self._find(scene.text[: scene.cursor], scene.text[scene.cursor :], self.N_BACK)

    async def settled(self) -> None:
        """Until nothing more is asked for."""
        while tasks := {task for task in (self._work.task, self._running) if task and not task.done()}:
            await asyncio.wait(tasks)

    async def _compute(self, scene: Scene, t_max_predict_ms: int) -> None:
        ids = await self._prompt(scene)
        text = await self._generate(ids, layouts.N_INFILL_PREDICT, t_max_predict_ms)
        self._keep(scene.text[: scene.cursor], scene.text[scene.cursor :], text)

    async def _warm_up(self, scene: Scene) -> None:
        await self._generate(await self._prompt(scene), 0)

    async def _prompt(self, scene: Scene) -> list[int]:
        around, tokens = layouts.look_around(scene.text, scene.cursor), self._room.tokens
        before, line = await tokens.ids(around.before), await tokens.ids(around.line)
        after, extra = await tokens.ids(around.after), await tokens.ids("".join(self._ring))
        return layouts.infill(before, line, after, extra, self._room.endpoint.info.n_ctx, self._controls)

    async def aclose(self) -> None:
        await super().aclose()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)


@dataclass(slots=True)
class Stream:
    """An answer on its way: what it was asked behind, and its text so far."""

    prefix: str
    heard: str
    task: asyncio.Task[None]

    def serves(self, prefix: str) -> bool:
        typed = prefix[len(self.prefix) :]
        return not self.task.done() and prefix.startswith(self.prefix) and self.heard.startswith(typed)


class Continue(Rival):
    """Waits 350 ms after the last key, then goes on with what runs if that writes what was typed, else
    cancels it; shows what there is 150 ms after the first token. Its cache looks at the prefix alone."""

    WAITS_S = 0.35
    SHOW_MS = 150
    N_CACHED = 1000
    N_PREDICT = 256
    SNIPPET_CHARS = 800
    N_SNIPPETS = 20

    def __init__(self, room: Room, desk: Desk) -> None:
        super().__init__(room, desk, self.N_CACHED)
        self._stream: Stream | None = None

    def strike(self, scene: Scene, key: Key) -> None:
        self._note(scene)
        self._work.cancel()
        if not key.is_jump:
            self._work.set(asyncio.create_task(self._ask(scene)))

    async def _ask(self, scene: Scene) -> None:
        await asyncio.sleep(self.WAITS_S)
        self._desk.asked(scene.number)
        prefix = scene.text[: scene.cursor]
        text = self._find(prefix, "", n_back=0)
        if text is None:
            stream = self._serving(scene, prefix)
            await asyncio.shield(stream.task)
            text = stream.heard[len(prefix) - len(stream.prefix) :].rstrip()
        self._desk.answered(scene.number, text)

    def _serving(self, scene: Scene, prefix: str) -> Stream:
        if self._stream is None or not self._stream.serves(prefix):
            if self._stream is not None:
                self._stream.task.cancel()
            self._stream = Stream(prefix, "", asyncio.create_task(self._compute(scene)))
        return self._stream

    async def _compute(self, scene: Scene) -> None:
        prefix, ids = scene.text[: scene.cursor], await self._prompt(scene)
        text = await self._generate(ids, self.N_PREDICT, self.SHOW_MS, self._hear)
        self._keep(prefix, "", text)

    def _hear(self, piece: str) -> None:
        if self._stream is not None and self._stream.task is asyncio.current_task():
            self._stream.heard += piece

    async def _prompt(self, scene: Scene) -> list[int]:
        tokens = self._room.tokens
        chunks = [
            chunk
            for text in self._others(scene.path)
            for chunk in layouts.chunks_of(text, self.SNIPPET_CHARS)
        ]
        snippets = [await tokens.ids(chunk) for chunk in chunks[: self.N_SNIPPETS]]
        before = await tokens.ids(scene.text[: scene.cursor])
        after = await tokens.ids(scene.text[scene.cursor :])
        return layouts.continue_prompt(before, after, snippets, self._controls, self._rng)

    async def aclose(self) -> None:
        await super().aclose()
        if self._stream is not None:
            self._stream.task.cancel()
            await asyncio.gather(self._stream.task, return_exceptions=True)


class Tabby(Rival):
    """Waits by how fast the person types, less what an answer takes; cancels at the next key. Keeps an
    answer for what follows when it is typed, 50 characters of it."""

    N_CACHED = 100
    N_FORWARD = 50
    N_PREDICT = 64
    SHORTEST_S, LONGEST_S = 0.1, 1.0
    RATE = 1.5  # of its 1.5 to 3.0 times the typing interval, which is 100 to 400 ms

    def __init__(self, room: Room, desk: Desk) -> None:
        super().__init__(room, desk, self.N_CACHED)
        self._struck: deque[float] = deque(maxlen=11)
        self._answer_s = 0.0

    def strike(self, scene: Scene, key: Key) -> None:
        self._note(scene)
        self._struck.append(time.perf_counter())
        if key.is_jump:
            self._work.cancel()
        else:
            self._work.set(asyncio.create_task(self._ask(scene)))

    def _wait_s(self) -> float:
        interval_s = min(max(layouts.count_gaps(list(self._struck)), 0.1), 0.4)
        return min(max(self.RATE * interval_s - self._answer_s, self.SHORTEST_S), self.LONGEST_S)

    async def _ask(self, scene: Scene) -> None:
        prefix, suffix = scene.text[: scene.cursor], scene.text[scene.cursor :]
        text = self._find(prefix, suffix, self.N_FORWARD)
        if text is not None:
            self._desk.asked(scene.number)
            self._desk.answered(scene.number, text)
            return
        await asyncio.sleep(self._wait_s())
        self._desk.asked(scene.number)
        started = time.perf_counter()
        text = await self._generate(await self._prompt(scene), self.N_PREDICT)
        self._answer_s = time.perf_counter() - started
        self._keep(prefix, suffix, text)
        self._desk.answered(scene.number, text)

    async def _prompt(self, scene: Scene) -> list[int]:
        chunks = [
            chunk
            for text in self._others(scene.path)[:5]
            for chunk in layouts.chunks_of(text, layouts.TABBY_CHUNK_CHARS)
        ]
        before, after = layouts.tabby_texts(scene.text, scene.cursor, chunks)
        tokens = self._room.tokens
        return self._controls.psm(await tokens.ids(before), await tokens.ids(after))


def accept(scene: Scene, text: str) -> Scene:
    """The document once the whole suggestion has been taken."""
    whole = scene.text[: scene.cursor] + text + scene.text[scene.cursor :]
    return Scene(-1, scene.path, whole, scene.cursor + len(text))
