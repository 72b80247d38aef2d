"""ModelClient: asks the engine host, over the llama-server HTTP API on a private unix socket.

Runs in the editor session. Knows HTTP and the API's fields; must not know LSP, layouts or how hosts start.
A lost host is reported to the `EndpointSource` and raised as `HostUnavailable`; a request that no host of the
model could answer is `ModelRefused`. Prompts and code are never part of either sentence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import httpx2

from model.answers import COMPLETION_FIELDS, parse_chat, parse_completion, parse_tokens, parse_usage
from model.prompt import build_prompt
from model.protocol import (
    Endpoint,
    EndpointSource,
    FimPrompt,
    GenerationOptions,
    HostUnavailable,
    ModelInfo,
    ModelRefused,
    Piece,
    TokenPrompt,
    Usage,
)
from model.sse import EventReader, MalformedStream
from model.tokens import Tokenizer, open_tokenizer

DEFAULT_BUDGET_TOKENS: Final = 1536
ANSWER_TOKENS: Final = 256  # of the context are kept free, or a quarter of a small one
SILENCE_S: Final = 120.0  # a long prompt on a slow machine takes a while before its first token
TIMEOUT: Final = httpx2.Timeout(10.0, connect=5.0, read=SILENCE_S)
RETRY_S: Final = 0.02
BROKE_OFF: Final = "broke off its answer"

T = TypeVar("T")
Body = Mapping[str, object]
Parser = Callable[[Mapping[str, Any]], T]


@dataclass(slots=True)
class _Connection:
    """One host as the client knows it; forgotten when the host is lost."""

    endpoint: Endpoint
    http: httpx2.AsyncClient
    tokenizer: Tokenizer | None = None


class ModelClient:
    """One for each session. All methods raise `HostUnavailable` or `ModelRefused`, and nothing else."""

    def __init__(self, source: EndpointSource, family: str = "") -> None:
        """`family` overrides what the host recognised."""
        self._source = source
        self._family = family
        self._connection: _Connection | None = None

    async def info(self) -> ModelInfo:
        return self._effective((await self._source.connect()).info)

    async def build_prompt(self, prompt: FimPrompt, budget_tokens: int | None = None) -> TokenPrompt:
        """Tokenises (cached), trims to the budget and to what the model's context takes, lays out."""
        connection = await self._connect()
        n_ctx = connection.endpoint.info.n_ctx
        budget = min(budget_tokens or DEFAULT_BUDGET_TOKENS, n_ctx - min(ANSWER_TOKENS, n_ctx // 4))
        return await build_prompt(await self._tokenizer(connection), prompt, budget)

    async def complete(self, prompt: TokenPrompt, options: GenerationOptions) -> AsyncGenerator[Piece]:
        """Streams the middle, each piece with the usage so far. Closing the generator ends the decode."""
        connection = await self._connect()
        stop_ids = (await self._tokenizer(connection)).stop_ids
        ids = prompt.ids
        body = _sampling(options) | {
            "prompt": ids,
            "n_predict": options.n_predict,
            "timings_per_token": True,
            "response_fields": COMPLETION_FIELDS,
        }
        async with self._stream(connection, "/completion", body, parse_completion) as answers:
            async for answer in answers:
                usage = replace(answer.usage or Usage(), n_prompt=len(ids))
                if not stop_ids.isdisjoint(answer.tokens):
                    # An end to this family, such as the next file's name, that is none to the engine.
                    yield Piece("", usage, "eos")
                    return
                if answer.text or answer.reason:
                    yield Piece(answer.text, usage, answer.reason)
                if answer.reason:
                    return
        raise self._lost(connection, BROKE_OFF)

    async def chat(
        self, messages: Sequence[Mapping[str, str]], options: GenerationOptions
    ) -> AsyncGenerator[Piece]:
        """Streams an answer through the model's own chat template."""
        connection = await self._connect()
        info = connection.endpoint.info
        if not info.has_chat_template:
            raise ModelRefused(
                f"{info.name} has no chat template, so it cannot explain: "
                "set explain.model to an instruct model."
            )
        said = [dict(message) for message in messages]
        body = _sampling(options) | {"messages": said, "max_tokens": options.n_predict}
        reason, usage = "", Usage()
        async with self._stream(connection, "/v1/chat/completions", body, parse_chat) as answers:
            async for answer in answers:
                reason, usage = answer.reason or reason, answer.usage or usage
                if answer.text:
                    yield Piece(answer.text)
        if not reason:
            raise self._lost(connection, BROKE_OFF)
        yield Piece("", usage, reason)

    async def prefill(self, prompt: TokenPrompt, slot: int = -1) -> Usage:
        """Evaluates the prompt, so that a later request with the same beginning starts at once."""
        connection = await self._connect()
        body = _sampling(GenerationOptions(n_predict=0, slot=slot)) | {"prompt": prompt.ids, "n_predict": 0}
        return await self._ask(connection, "/completion", body, parse_usage)

    async def aclose(self) -> None:
        if self._connection:
            await self._connection.http.aclose()
            self._connection = None

    def _effective(self, info: ModelInfo) -> ModelInfo:
        return replace(info, family=self._family) if self._family else info

    async def _connect(self) -> _Connection:
        endpoint = await self._source.connect()
        if self._connection is None or self._connection.endpoint is not endpoint:
            self._connection = _Connection(endpoint, _open_http(endpoint))
        return self._connection

    async def _tokenizer(self, connection: _Connection) -> Tokenizer:
        if connection.tokenizer is None:

            async def send(body: Body) -> list[int]:
                return await self._ask(connection, "/tokenize", body, parse_tokens)

            connection.tokenizer = await open_tokenizer(self._effective(connection.endpoint.info), send)
        return connection.tokenizer

    async def _ask(self, connection: _Connection, path: str, body: Body, parse: Parser[T]) -> T:
        async with self._response(connection, path, body) as response:
            try:
                return parse(json.loads(await response.aread()))
            except (httpx2.TransportError, ValueError) as error:
                raise self._lost(connection, BROKE_OFF) from error

    @asynccontextmanager
    async def _stream(
        self, connection: _Connection, path: str, body: Body, parse: Parser[T]
    ) -> AsyncIterator[AsyncIterator[T]]:
        async with self._response(connection, path, {**body, "stream": True}) as response:
            yield self._read_events(connection, response, parse)

    async def _read_events(
        self, connection: _Connection, response: httpx2.Response, parse: Parser[T]
    ) -> AsyncIterator[T]:
        reader = EventReader()
        try:
            async for chunk in response.aiter_raw():
                for event in reader.feed(chunk):
                    if error := event.get("error"):
                        raise self._failure(connection, 500, error)
                    yield parse(event)
        except (httpx2.TransportError, MalformedStream) as error:
            raise self._lost(connection, BROKE_OFF) from error

    @asynccontextmanager
    async def _response(
        self, connection: _Connection, path: str, body: Body
    ) -> AsyncIterator[httpx2.Response]:
        """The answer's head has arrived and is good. Leaving the block closes the connection."""
        response = await self._send(connection, path, json.dumps(body))
        try:
            if response.status_code != 200:
                raise self._failure(connection, response.status_code, await _read_error(response))
            yield response
        finally:
            await response.aclose()

    async def _send(self, connection: _Connection, path: str, content: str) -> httpx2.Response:
        """Tries once more: a busy host may turn a connection away, or close one before it answers."""

        async def attempt() -> httpx2.Response:
            request = connection.http.build_request("POST", path, content=content)
            return await connection.http.send(request, stream=True)

        try:
            with suppress(httpx2.NetworkError, httpx2.RemoteProtocolError):
                return await attempt()
            await asyncio.sleep(RETRY_S)
            return await attempt()
        except httpx2.TransportError as error:
            raise self._lost(connection, "does not answer") from error

    def _failure(self, connection: _Connection, status: int, error: object) -> HostUnavailable | ModelRefused:
        details = error if isinstance(error, dict) else {}
        status = code if isinstance(code := details.get("code"), int) else status
        if status >= 500:
            return self._lost(connection, f"failed (HTTP {status})")
        name = connection.endpoint.info.name
        if details.get("type") == "exceed_context_size_error":
            return ModelRefused(
                f"The prompt is longer than the context of {name}: set completion.prompt_tokens lower."
            )
        return ModelRefused(
            f"The engine host of {name} refused a request (HTTP {status}): choose another model or engine."
        )

    def _lost(self, connection: _Connection, what: str) -> HostUnavailable:
        """Tells the supervisor, forgets the connection, and says it in a sentence."""
        self._source.report_failure(connection.endpoint)
        if self._connection is connection:
            self._connection = None
        return HostUnavailable(
            f"The engine host of {connection.endpoint.info.name} {what}: it is started again if it is gone."
        )


def _open_http(endpoint: Endpoint) -> httpx2.AsyncClient:
    """No proxies, no redirects, and a connection for each request.

    A kept connection holds one of llama-server's few HTTP threads while it is idle, and often dies silently
    after a stream; opening a unix socket costs 0.1 ms.
    """
    headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    transport = httpx2.AsyncHTTPTransport(
        uds=endpoint.socket_path or None,
        trust_env=False,
        verify=False,  # plain HTTP on this machine; loading the certificates would cost 60 ms
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
    )
    return httpx2.AsyncClient(
        transport=transport,
        base_url=endpoint.base_url,
        headers={"Content-Type": "application/json", "Connection": "close", **headers},
        timeout=TIMEOUT,
        trust_env=False,
        follow_redirects=False,
    )


async def _read_error(response: httpx2.Response) -> object:
    try:
        answer = json.loads(await response.aread())
    except (httpx2.TransportError, ValueError):
        return None
    return answer.get("error") if isinstance(answer, dict) else None


def _sampling(options: GenerationOptions) -> dict[str, object]:
    """Greedy decoding leaves out every sampler but the one that takes the best token."""
    greedy: dict[str, object] = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}
    return {
        **(greedy if options.temperature <= 0 else {"temperature": options.temperature}),
        "cache_prompt": True,
        "id_slot": options.slot,
        "stop": list(options.stop),
        **({"t_max_predict_ms": options.t_max_predict_ms} if options.t_max_predict_ms > 0 else {}),
    }
