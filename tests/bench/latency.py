"""Keystroke to answer through the real server, beside the same prompts posted straight to an engine host.

    python -m tests.bench.latency [--requests N] [--json]

Prints one table; judges nothing. Files of this project are typed into, in memory. After each keystroke that
the server answers, the same pipeline runs here and posts the same prompt to a second host of the same model,
which nobody else uses, so that both hosts' KV caches see the same history. The server's overhead is the
difference of the two times, request by request: a busy machine slows both sides of it. Counts of tokens are
what the host states.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.demo.client import EditorClient, OpenDocument, start_server
from lsp_server.demo.places import PACKAGE, Place, find_places
from lsp_server.demo.screen import percentile
from lsp_server.index.service import IndexService
from lsp_server.settings import CACHE_VARIABLE, ModelSettings, Settings, load
from lsp_server.text import language_of
from lsp_server.trace import TraceDraft
from lsp_server.types import CompletionRequest, DocumentSnapshot, Snippet, Span
from model.client import ModelClient
from model.meeting import ROOT_VARIABLE
from model.protocol import FimPrompt, GenerationOptions, Piece
from model.store import resolve_model
from model.supervisor import HostSpec, Supervisor

WORKSPACE = PACKAGE.parent
N_STARTS = 3
N_FIRST_TRIES = 20
ENDING = "ending"  # a trace has it when the model was asked and answered
OPTIONS = {"model": {"idle_exit_s": 1.0}}


@dataclass(frozen=True, slots=True)
class Request:
    """One keystroke, or a cursor put to a new place. `bare_ms` is None when either side answered from its
    cache or did not ask the model."""

    is_jump: bool
    server_ms: float
    bare_ms: float | None
    is_shown: bool
    n_prompt: int | None
    n_cached: int | None
    n_evaluated: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """Every figure of the table."""

    n_requests: int
    n_shown: int
    n_asked: int
    keystroke_p50_ms: float
    keystroke_p95_ms: float
    n_jumps: int
    jump_p50_ms: float
    jump_p95_ms: float
    through_server_p50_ms: float
    bare_engine_p50_ms: float
    overhead_p50_ms: float
    prompt_tokens_p50: float
    cached_tokens_p50: float
    evaluated_tokens_p50: float
    evaluated_tokens_p95: float
    start_to_first_answer_ms: float
    session_rss_mb: float
    host_rss_mb: float
    model: str
    engine: str
    starts_ms: list[float] = field(default_factory=list)


class BareEngine:
    """The server's pipeline in this process, before a host of its own; times only what the host takes."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._supervisor = Supervisor(
            host_spec(settings.model), lambda status: None, runtime_root=folder / "run"
        )
        self._client = ModelClient(self._supervisor)
        self._index = IndexService((WORKSPACE,), folder / "cache", settings.index)
        self._memory = Memory()
        self._elapsed_ms: float | None = None

    async def start(self) -> None:
        await self._client.info()
        await self._index.start(watch=False)
        await self._index.wait_ready()

    async def ask(self, document: OpenDocument, path: Path, offset: int) -> float | None:
        """Milliseconds from the post to the last piece that was wanted; None when nothing was posted."""
        self._elapsed_ms = None
        snapshot = DocumentSnapshot(
            uri=document.uri,
            path=str(path),
            relative_path=path.relative_to(WORKSPACE).as_posix(),
            workspace_root=str(WORKSPACE),
            language_id=language_of(path.name),
            version=0,
            text=document.text,
        )
        ports = Ports(self._search, self._generate, is_append_only=lambda: self._client.is_append_only)
        request = CompletionRequest(snapshot, offset)
        await complete(request, self._settings.completion, ports, self._memory, TraceDraft("bare"))
        return self._elapsed_ms

    async def _search(self, context: CompletionContext) -> tuple[Snippet, ...]:
        return await self._index.search_imports(context.snapshot, context.offset)

    async def _generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        tokens = await self._client.build_prompt(prompt, self._settings.completion.prompt_tokens)
        started = time.perf_counter()
        try:
            async with aclosing(self._client.complete(tokens, options)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._elapsed_ms = (time.perf_counter() - started) * 1000

    async def aclose(self) -> None:
        await self._index.aclose()
        await self._client.aclose()
        await self._supervisor.aclose()


def host_spec(settings: ModelSettings) -> HostSpec:
    """As the server starts it, but for how long it stays."""
    return HostSpec(
        model=resolve_model(settings.name),
        engine=settings.engine,
        n_ctx=settings.n_ctx,
        n_slots=settings.n_slots,
        n_threads=settings.n_threads,
        idle_exit_s=1.0,
    )


class Readiness:
    """Set as soon as the server has a model and has read the workspace."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()

    def on_notification(self, method: str, params: Any) -> None:
        if method == "edgewise/status" and params["state"] == "ready" and params["index"]["ready"]:
            self.is_ready.set()


@contextmanager
def own_folders(folder: Path) -> Iterator[None]:
    """Hosts and indexes of a server that is started inside of the block are nobody else's."""
    before = dict(os.environ)
    os.environ |= {ROOT_VARIABLE: str(folder / "run"), CACHE_VARIABLE: str(folder / "cache")}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


async def measure_start(root: Path, number: int, place: Place) -> float:
    """From nothing, the engine host included, to the first answer that a model computed."""
    with own_folders(root / f"start{number}"):
        started = time.perf_counter()
        async with start_server(WORKSPACE, OPTIONS) as client:
            document = OpenDocument(client, place.path, place.text)
            for _ in range(N_FIRST_TRIES):
                await document.complete(place.offset)
                elapsed_ms = (time.perf_counter() - started) * 1000
                if await has_asked_model(client):
                    return elapsed_ms
    raise SystemExit(f"The server gave no answer of a model at {place.path}:{place.offset}.")


async def has_asked_model(client: EditorClient) -> bool:
    trace = await last_trace(client)
    return ENDING in trace.get("fields", {})


async def last_trace(client: EditorClient) -> Mapping[str, Any]:
    status = await client.request("workspace/executeCommand", {"command": "edgewise.status", "arguments": []})
    found = [trace for trace in status["traces"] if trace["method"] == "textDocument/inlineCompletion"]
    return found[-1] if found else {}


async def type_everywhere(
    client: EditorClient, bare: BareEngine, places: Sequence[Place], n: int
) -> list[Request]:
    requests: list[Request] = []
    for place in itertools.cycle(places):
        document = OpenDocument(client, place.path, place.text)
        for index in range(len(place.author) + 1):
            if len(requests) == n:
                return requests
            requests.append(await strike(client, bare, document, place, index))
        document.close()
    return requests


async def strike(
    client: EditorClient, bare: BareEngine, document: OpenDocument, place: Place, index: int
) -> Request:
    """The keystroke that makes `index` characters typed; with 0, a cursor that was just put there."""
    offset = place.offset + index
    started = time.perf_counter()
    if index:
        document.replace(Span(offset - 1, offset - 1), place.author[index - 1])
    items, _ = await document.complete(offset)
    server_ms = (time.perf_counter() - started) * 1000
    fields = (await last_trace(client))["fields"]
    bare_ms = await bare.ask(document, place.path, offset)
    counts = {name: fields.get(name) for name in ("n_prompt", "n_cached", "n_evaluated")}
    return Request(index == 0, server_ms, bare_ms if ENDING in fields else None, bool(items), **counts)


def measure_memory(client: EditorClient) -> tuple[float, float]:
    """Resident megabytes of the session process and of the engine host that it started."""
    session = psutil.Process(client.pid)
    hosts = [child for child in session.children(recursive=True) if "model.host" in child.cmdline()]
    return session.memory_info().rss / 1e6, sum(host.memory_info().rss for host in hosts) / 1e6


async def run(n_requests: int) -> Report:
    places = list(itertools.islice(find_places(PACKAGE), 24))
    settings, _ = load()
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        root = Path(name)
        starts = [await measure_start(root, number, places[0]) for number in range(N_STARTS)]
        async with AsyncExitStack() as stack:
            readiness = Readiness()
            with own_folders(root / "server"):
                client = await stack.enter_async_context(
                    start_server(WORKSPACE, OPTIONS, readiness.on_notification)
                )
            await readiness.is_ready.wait()
            bare = BareEngine(settings, root / "bare")
            stack.push_async_callback(bare.aclose)
            await bare.start()
            requests = await type_everywhere(client, bare, places, n_requests)
            status = await client.request(
                "workspace/executeCommand", {"command": "edgewise.status", "arguments": []}
            )
            return build_report(requests, starts, measure_memory(client), status)


def build_report(
    requests: Sequence[Request],
    starts: list[float],
    memory_mb: tuple[float, float],
    status: Mapping[str, Any],
) -> Report:
    pairs = [(request.server_ms, request.bare_ms) for request in requests if request.bare_ms is not None]
    every = [request.server_ms for request in requests]
    jumps = [request.server_ms for request in requests if request.is_jump]
    return Report(
        n_requests=len(requests),
        n_shown=sum(request.is_shown for request in requests),
        n_asked=len(pairs),
        keystroke_p50_ms=percentile(every, 50),
        keystroke_p95_ms=percentile(every, 95),
        n_jumps=len(jumps),
        jump_p50_ms=percentile(jumps, 50),
        jump_p95_ms=percentile(jumps, 95),
        through_server_p50_ms=percentile([server for server, _ in pairs], 50),
        bare_engine_p50_ms=percentile([bare for _, bare in pairs], 50),
        overhead_p50_ms=percentile([server - bare for server, bare in pairs], 50),
        prompt_tokens_p50=percentile(list(_counts(requests, "n_prompt")), 50),
        cached_tokens_p50=percentile(list(_counts(requests, "n_cached")), 50),
        evaluated_tokens_p50=percentile(list(_counts(requests, "n_evaluated")), 50),
        evaluated_tokens_p95=percentile(list(_counts(requests, "n_evaluated")), 95),
        start_to_first_answer_ms=statistics.median(starts),
        session_rss_mb=memory_mb[0],
        host_rss_mb=memory_mb[1],
        model=status["model"],
        engine=status["engine"],
        starts_ms=starts,
    )


def _counts(requests: Sequence[Request], name: str) -> Iterator[float]:
    """Where the host stated its counts: an answer that is left early, because enough was read, has none."""
    return (count for request in requests if (count := getattr(request, name)) is not None)


def draw(report: Report) -> Table:
    counts = f"{report.n_requests} keystrokes, {report.n_shown} with a suggestion"
    table = Table(title=f"{counts}, model {report.model} on {report.engine}", title_justify="left")
    table.add_column("")
    for name in ("p50", "p95", "target"):
        table.add_column(name, justify="right")
    table.add_row(
        "keystroke to answer, ms", *_ms(report.keystroke_p50_ms, report.keystroke_p95_ms), "150 / 400"
    )
    jumps = _ms(report.jump_p50_ms, report.jump_p95_ms)
    table.add_row(f"  the {report.n_jumps} with the cursor at a new place, ms", *jumps, "")
    table.add_row(
        f"  the {report.n_asked} that asked the model, ms", *_ms(report.through_server_p50_ms), "", ""
    )
    table.add_row("  the same posted straight to a host, ms", *_ms(report.bare_engine_p50_ms), "", "")
    table.add_row("  added by the server, ms", *_ms(report.overhead_p50_ms), "", "5")
    table.add_row("prompt tokens", f"{report.prompt_tokens_p50:.0f}", "", "")
    table.add_row("  of which cached", f"{report.cached_tokens_p50:.0f}", "", "")
    table.add_row(
        "  of which evaluated", f"{report.evaluated_tokens_p50:.0f}", f"{report.evaluated_tokens_p95:.0f}", ""
    )
    table.add_row("process start to first answer, ms", *_ms(report.start_to_first_answer_ms), "", "2000")
    table.add_row("session, MB resident", f"{report.session_rss_mb:.0f}", "", "120")
    table.add_row("engine host, MB resident", f"{report.host_rss_mb:.0f}", "", "")
    return table


def _ms(*values: float) -> list[str]:
    return [f"{value:.1f}" for value in values]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=200, help="how many keystrokes (200)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if given.requests < 1:
        parser.error("--requests must be at least 1")
    report = asyncio.run(run(given.requests))
    print(json.dumps(asdict(report))) if given.json else Console().print(draw(report))


if __name__ == "__main__":
    main()
