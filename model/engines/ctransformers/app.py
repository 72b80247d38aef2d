"""The part of llama-server's HTTP API that edgewise uses, served over the library: an ASGI app and its
server.

Runs in the engine host: the app on an event loop in one thread, decodes in another, one at a time. A
request whose client goes away ends between two batches. Must not know how to decode or tokenise, or who its
clients are.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from model.engines import EngineOptions, LoadFailed
from model.engines.ctransformers.decode import Cancelled, Decoder, Job, Outcome, Step
from model.engines.ctransformers.library import Library
from model.engines.ctransformers.vocabulary import Vocabulary
from model.fit import Tuning
from model.gguf import GgufHeader

START_LIMIT_S: Final = 30.0
SHORT_TEXT: Final = 4096  # tokenised on the loop: a thread would cost more

Event = dict[str, Any]


class BadRequest(Exception):
    """The body is not one that this API takes; `kind` is llama-server's error type."""

    def __init__(self, message: str, kind: str = "invalid_request_error", **details: int) -> None:
        super().__init__(message)
        self.content = {"error": {"code": 400, "message": message, "type": kind, **details}}


class App:
    """The routes and what they share: one decoder, one request at it at a time."""

    def __init__(self, header: GgufHeader, library: Library) -> None:
        self._path, self._n_ctx = str(header.path), library.n_ctx
        self._vocabulary = Vocabulary(header, library.encode)
        self._decoder = Decoder(library, self._vocabulary)
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "decode")
        self.n_active = 0

    def build(self, api_key: str) -> ASGIApp:
        routes = [
            Route("/health", self.on_health),
            Route("/props", self.on_props),
            Route("/tokenize", self.on_tokenize, methods=["POST"]),
            Route("/detokenize", self.on_detokenize, methods=["POST"]),
            Route("/completion", self.on_completion, methods=["POST"]),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(KeyCheck, api_key=api_key)],
            exception_handlers={BadRequest: _on_bad_request, Cancelled: _on_cancelled},
        )

    async def on_health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def on_props(self, request: Request) -> Response:
        settings = {
            "default_generation_settings": {"n_ctx": self._n_ctx},
            "total_slots": 1,
            "chat_template": "",
        }
        return JSONResponse({**settings, "model_path": self._path, "build_info": "ctransformers"})

    async def on_tokenize(self, request: Request) -> Response:
        body = await _read_body(request)
        content = body.get("content", "")
        is_short = not isinstance(content, str) or len(content) <= SHORT_TEXT
        arguments = (content, body.get("add_special") is True, body.get("parse_special", True) is True)
        ids = self._encode(*arguments) if is_short else await asyncio.to_thread(self._encode, *arguments)
        return JSONResponse({"tokens": ids})

    async def on_detokenize(self, request: Request) -> Response:
        tokens = (await _read_body(request)).get("tokens")
        if not isinstance(tokens, list) or not all(type(token) is int for token in tokens):
            raise BadRequest("tokens must be a list of numbers")
        try:
            return JSONResponse({"content": self._vocabulary.decode(tokens)})
        except ValueError as error:
            raise BadRequest(str(error)) from error

    async def on_completion(self, request: Request) -> Response:
        body = await _read_body(request)
        job = self._parse_job(body)
        events = self._answer(job, request)
        if body.get("stream") is True:
            return StreamingResponse(_write_events(events, body), media_type="text/event-stream")
        texts: list[str] = []
        async for event in events:
            texts.append(event["content"])
        return JSONResponse(_select({**event, "content": "".join(texts)}, body))

    def _encode(self, content: object, add_special: bool, parse_special: bool) -> list[int]:
        parts: list[Any] = content if isinstance(content, list) else [content]
        if not all(type(part) in (str, int) for part in parts):
            raise BadRequest("a text must be a string, or a list of strings and token ids")
        try:
            return self._vocabulary.encode(parts, add_special=add_special, parse_special=parse_special)
        except ValueError as error:
            raise BadRequest(str(error)) from error

    def _parse_job(self, body: Mapping[str, Any]) -> Job:
        prompt = self._encode(body.get("prompt", ""), True, True)
        if not prompt:
            raise BadRequest("the prompt is empty")
        if len(prompt) >= self._n_ctx:
            message = f"the request exceeds the available context size ({self._n_ctx} tokens)"
            raise BadRequest(
                message, "exceed_context_size_error", n_prompt_tokens=len(prompt), n_ctx=self._n_ctx
            )
        stop = body.get("stop") or []
        try:
            return Job(
                prompt=tuple(prompt),
                n_predict=int(body.get("n_predict", -1)),
                stop=tuple(str(word) for word in ([stop] if isinstance(stop, str) else stop) if word),
                temperature=float(body.get("temperature", 0.0)),
                top_k=int(body.get("top_k", 40)),
                top_p=float(body.get("top_p", 0.95)),
                seed=int(body.get("seed", -1)),
                t_max_predict_ms=int(body.get("t_max_predict_ms", 0)),
                is_prefix_kept=body.get("cache_prompt", True) is not False,
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise BadRequest(f"a parameter is of the wrong type: {error}") from error

    async def _answer(self, job: Job, request: Request) -> AsyncGenerator[Event]:
        """Events of one generation. Ends early, and the decode with it, when the client goes away."""
        cancelled = threading.Event()
        outcome = Outcome()
        async with self._take_turn(request, cancelled):
            steps = self._start(job, outcome, cancelled)
            try:
                async for step in steps:
                    yield self._partial(step, outcome)
            finally:
                cancelled.set()
                await steps.aclose()
            yield self._final(job, outcome)

    @asynccontextmanager
    async def _take_turn(self, request: Request, cancelled: threading.Event) -> AsyncIterator[None]:
        """Waits for the decoder, and watches the connection meanwhile and after."""
        self.n_active += 1
        watcher = asyncio.create_task(_watch_connection(request, cancelled))
        try:
            async with self._turn:
                yield
        finally:
            watcher.cancel()
            self.n_active -= 1

    async def _start(self, job: Job, outcome: Outcome, cancelled: threading.Event) -> AsyncGenerator[Step]:
        """Runs the decoder in its thread and hands its steps over."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Step | None] = asyncio.Queue()

        def decode() -> None:
            try:
                for step in self._decoder.run(job, outcome, cancelled.is_set):
                    loop.call_soon_threadsafe(queue.put_nowait, step)
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

        running = loop.run_in_executor(self._thread, decode)
        try:
            while (step := await queue.get()) is not None:
                yield step
            await running
        finally:
            cancelled.set()
            await asyncio.gather(asyncio.shield(running), return_exceptions=True)

    def _partial(self, step: Step, outcome: Outcome) -> Event:
        return {
            "index": 0,
            "content": step.text,
            "tokens": list(step.tokens),
            "stop": False,
            "id_slot": 0,
            "tokens_predicted": outcome.n_generated,
            "tokens_evaluated": outcome.n_prompt,
        }

    def _final(self, job: Job, outcome: Outcome) -> Event:
        return {
            "index": 0,
            "content": "",
            "tokens": [],
            "id_slot": 0,
            "stop": True,
            "model": self._path,
            "tokens_predicted": outcome.n_generated,
            "tokens_evaluated": outcome.n_prompt,
            "tokens_cached": outcome.n_prompt + max(0, outcome.n_generated - 1),
            "has_new_line": outcome.has_new_line,
            "truncated": outcome.is_truncated,
            "stop_type": outcome.stop_type,
            "stopping_word": outcome.stopping_word,
            "timings": outcome.timings(),
        }


class KeyCheck:
    """Where the app listens on a port, only who knows the key may ask."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app, self._wanted = app, f"Bearer {api_key}".encode() if api_key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._wanted and scope["path"] != "/health":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(given, self._wanted):
                error = {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}
                await JSONResponse({"error": error}, 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _on_bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequest)
    return JSONResponse(error.content, 400)


async def _on_cancelled(request: Request, error: Exception) -> Response:
    """Nobody reads it."""
    return Response(status_code=499)


async def _read_body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


async def _watch_connection(request: Request, cancelled: threading.Event) -> None:
    """The body was read whole, so that the next message can only say that the client is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    cancelled.set()


def _select(event: Event, body: Mapping[str, Any]) -> Event:
    """The last event holds what was asked for with `response_fields`."""
    wanted = body.get("response_fields")
    return (
        {key: event[key] for key in wanted if key in event} if isinstance(wanted, list) and wanted else event
    )


async def _write_events(events: AsyncGenerator[Event], body: Mapping[str, Any]) -> AsyncGenerator[bytes]:
    try:
        async for event in events:
            shown = _select(event, body) if event["stop"] else event
            yield f"data: {json.dumps(shown)}\n\n".encode()
    except Cancelled:
        return
    finally:
        await events.aclose()


class AppServer:
    """See `model.engines.RunningEngine`."""

    n_slots = 1

    def __init__(self, header: GgufHeader, options: EngineOptions) -> None:
        self.n_ctx = options.n_ctx
        self._app = App(header, Library(header, options.n_ctx, options.n_threads))
        listener = _listen(options.socket_path)
        address = listener.getsockname()
        self.base_url = "http://localhost" if options.socket_path else f"http://127.0.0.1:{address[1]}"
        self._thread = threading.Thread(
            target=self._serve, args=(listener, options.api_key), name="http", daemon=True
        )
        self._is_started = threading.Event()
        self._thread.start()
        if not self._is_started.wait(START_LIMIT_S):
            raise LoadFailed("its HTTP server did not start")

    def count_active(self) -> int:
        return self._app.n_active

    def find_problem(self) -> str:
        return "" if self._thread.is_alive() else "the HTTP server ended"

    def refit(self, tuning: Tuning) -> bool:
        """The library fixes its threads when it loads."""
        return False

    def _serve(self, listener: socket.socket, api_key: str) -> None:
        config = uvicorn.Config(
            _Announced(self._app.build(api_key), self._is_started.set),
            log_level="warning",
            access_log=False,
            lifespan="on",
            loop="asyncio",
            http="h11",
            ws="none",
            timeout_keep_alive=300,
        )
        uvicorn.Server(config).run(sockets=[listener])


class _Announced:
    """Says when the server has begun: it runs the app's lifespan just then."""

    def __init__(self, app: ASGIApp, announce: Callable[[], None]) -> None:
        self._app, self._announce = app, announce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._announce()
        await self._app(scope, receive, send)


def _listen(socket_path: str) -> socket.socket:
    """Takes connections from now on, which wait until the server serves."""
    if socket_path:
        Path(socket_path).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(socket_path)
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
