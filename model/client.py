"""ModelClient: asks the engine host, over the llama-server HTTP API on a private unix socket.

Runs in the editor session. Knows HTTP and the API's fields; must not know LSP, layouts or how hosts start.
A lost host is reported to the `EndpointSource` and raised as `HostUnavailable`; a request that no host of the
model could answer is `ModelRefused`. Prompts and code are never part of either sentence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from model.answers import (
    COMPLETION_FIELDS,
    SOON_CANCELLED,
    Account,
    parse_chat,
    parse_completion,
    parse_tokens,
)
from model.desks import Desks
from model.fim import family as find_family
from model.healing import HEALING_ENGINES, Begun, Held, asked, n_more_tokens
from model.kv_keeper import KvKeeper
from model.left import Left
from model.priority import SESSIONS_WAY, Way
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
    Purpose,
    TokenPrompt,
    Usage,
)
from model.sse import EventReader, MalformedStream
from model.tokens import Tokenizer, open_tokenizer
from model.transport import Response, SocketTransport, Transport, TransportFailed

DEFAULT_BUDGET_TOKENS: Final = 1536
ANSWER_TOKENS: Final = 256  # of the context are kept free, or a quarter of a small one
RETRY_S: Final = 0.02
SLOTS_ENGINE: Final = "llama_cpp"  # whose server answers between two batches
SUSPECT_S: Final = 0.7  # of one request before the host is looked at; the look costs it a millisecond
BROKE_OFF: Final = "broke off its answer"

T = TypeVar("T")
Body = Mapping[str, object]
Parser = Callable[[Mapping[str, Any]], T]


@dataclass(slots=True)
class _Connection:
    """One host as the client knows it; forgotten when the host is lost."""

    endpoint: Endpoint
    transport: Transport
    keeper: KvKeeper
    left: Left
    desks: Desks
    tokenizer: Tokenizer | None = None


class ModelClient:
    """One for each session. All methods raise `HostUnavailable` or `ModelRefused`, and nothing else."""

    def __init__(
        self,
        source: EndpointSource,
        family: str = "",
        kv_folder: Path | None = None,
        way: Way = SESSIONS_WAY,
    ) -> None:
        """`family` overrides what the host recognised; `kv_folder` is where KV caches are kept, if at all."""
        self._source = source
        self._kv_folder, self._way = kv_folder, way
        self._family = family
        self._connection: _Connection | None = None

    async def info(self) -> ModelInfo:
        return self._effective((await self._source.connect()).info)

    async def build_prompt(self, prompt: FimPrompt, budget_tokens: int | None = None) -> TokenPrompt:
        """Tokenises (cached), trims to the budget and to what the model's context takes, lays out."""
        n_ctx = (await self._connect()).endpoint.info.n_ctx
        most = n_ctx - min(ANSWER_TOKENS, n_ctx // 4)
        return await self.lay_out(prompt, min(budget_tokens or DEFAULT_BUDGET_TOKENS, most))

    async def lay_out(self, prompt: FimPrompt, budget: int) -> TokenPrompt:
        """The same without a look at the model's context: a prompt that may be too long to be posted."""
        connection = await self._connect()
        can_heal = connection.endpoint.info.engine in HEALING_ENGINES
        prompt = prompt.healed() if can_heal else replace(prompt, begun="")
        tokens = await build_prompt(await self._tokenizer(connection), prompt, budget)
        return replace(tokens, begun=prompt.begun)

    async def shows_snippets(self) -> bool:
        """Whether the model's layout has a place for other files."""
        row = (await self._tokenizer(await self._connect())).family
        return "{snippets}" in row.repository

    async def chars_per_token(self) -> float:
        """Of usual code, by the model's vocabulary."""
        return await (await self._tokenizer(await self._connect())).chars_per_token()

    @property
    def is_append_only(self) -> bool:
        """Whether what is typed stands last in the layout of the model that was asked last."""
        tokenizer = self._connection.tokenizer if self._connection else None
        return tokenizer is not None and tokenizer.family.joins_middle

    def will_be_append_only(self, info: ModelInfo) -> bool:
        """The same of a model that was not asked yet."""
        with suppress(ModelRefused):
            return find_family(self._effective(info).family).joins_middle
        return False

    async def complete(self, prompt: TokenPrompt, options: GenerationOptions) -> AsyncGenerator[Piece]:
        """Streams the middle, each piece with the usage so far. Closing the generator ends the decode."""
        connection = await self._connect()
        stop_ids = (await self._tokenizer(connection)).stop_ids
        ids = prompt.ids
        options = self._seated(connection, options, ids)
        body = _sampling(options) | {
            "prompt": ids,
            "n_predict": options.n_predict + n_more_tokens(prompt.begun),
            "response_fields": COMPLETION_FIELDS,
            **SOON_CANCELLED,
            **asked(prompt.begun, wants_likelihood=options.wants_likelihood),
        }
        begun, account, held = Begun(prompt.begun), Account(len(ids)), Held()
        async with (
            self._kept(connection, ids, options) as note,
            self._stream(connection, "/completion", body, parse_completion) as answers,
        ):
            async for answer in answers:
                stated = account.after(answer)
                if answer.is_progress:
                    continue
                usage = note(stated, bool(answer.reason))
                held.add(begun.likelihood(answer.candidates))
                text = begun.taken_off(answer.text)
                if text is None or not stop_ids.isdisjoint(answer.tokens):
                    # An end to this family, such as the next file's name, that is none to the engine.
                    yield Piece("", usage, "eos")
                    return
                if text or answer.reason:
                    yield Piece(text, usage, answer.reason, held.take())
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
        if options.slot < 0:
            options = replace(options, slot=self._source.find_slots(Purpose.EXPLAIN)[0])
        said, told, n_told, reason, usage = [dict(message) for message in messages], "", 0, "", Usage()
        while not reason:
            await self._way.wait_free()
            begun = [{"role": "assistant", "content": told}] if told else []
            body = _sampling(options) | {
                "messages": said + begun,
                "max_tokens": max(1, options.n_predict - n_told),
                **SOON_CANCELLED,
            }
            async with self._stream(connection, "/v1/chat/completions", body, parse_chat) as answers:
                async for answer in answers:
                    reason, usage = answer.reason or reason, answer.usage or usage
                    if answer.text:
                        told, n_told = told + answer.text, n_told + 1
                        yield Piece(answer.text)
                    if not self._way.is_free and (n_told or answer.is_progress):
                        break  # goes on behind what is read or told, as soon as the completion is there
                else:
                    if not reason:
                        raise self._lost(connection, BROKE_OFF)
        yield Piece("", usage, reason)

    async def prefill(self, prompt: TokenPrompt, slot: int = -1, *, may_keep: bool = False) -> Usage:
        """Evaluates the prompt, so that a later request with the same beginning starts at once."""
        connection = await self._connect()
        options, ids = GenerationOptions(n_predict=0, slot=slot, may_keep=may_keep), prompt.ids
        options = self._seated(connection, options, ids)
        body = _sampling(options) | {"prompt": ids, "n_predict": 0, **SOON_CANCELLED}
        async with (
            self._kept(connection, ids, options) as note,
            self._stream(connection, "/completion", body, parse_completion) as answers,
        ):
            async for answer in answers:
                if answer.usage and not answer.is_progress:
                    return note(answer.usage, True)
        raise self._lost(connection, BROKE_OFF)

    async def aclose(self) -> None:
        if self._connection:
            self._connection.left.close()
            await self._connection.keeper.aclose()
            await self._connection.transport.aclose()
            self._connection = None

    def _effective(self, info: ModelInfo) -> ModelInfo:
        return replace(info, family=self._family) if self._family else info

    async def _connect(self) -> _Connection:
        endpoint = await self._source.connect()
        if self._connection is None or self._connection.endpoint is not endpoint:
            if self._connection:
                self._connection.keeper.forget()
            self._connection = self._open(endpoint)
        return self._connection

    def _open(self, endpoint: Endpoint) -> _Connection:
        async def post(path: str, body: Body) -> Any:  # noqa: ANN401  (JSON)
            return await self._ask(connection, path, body, dict)

        keeper, transport = KvKeeper(self._kv_folder, endpoint.info, post), _open_transport(endpoint)
        connection = _Connection(endpoint, transport, keeper, Left(transport), Desks())
        return connection

    def _seated(
        self, connection: _Connection, options: GenerationOptions, ids: Sequence[int]
    ) -> GenerationOptions:
        """In a slot of this session's, where the caller names none."""
        if options.slot < 0:
            slot = connection.desks.choose(ids, self._source.find_slots(Purpose.COMPLETION))
            options = replace(options, slot=slot)
        connection.desks.note(options.slot, ids)
        return options

    @asynccontextmanager
    async def _kept(
        self, connection: _Connection, ids: Sequence[int], options: GenerationOptions
    ) -> AsyncIterator[Callable[[Usage, bool], Usage]]:
        """Around a request, for which explanations give way: restores a KV cache, notes what it holds."""
        seen, is_open = Usage(), False

        def note(usage: Usage, is_last: bool) -> Usage:
            nonlocal seen, is_open
            seen, is_open = usage, not is_last
            return usage

        try:
            with self._way.taken():
                await connection.left.wait_free(options.slot)
                await connection.keeper.before(options.slot, ids)
                is_open = True
                yield note
        finally:
            if is_open and connection.endpoint.info.engine == SLOTS_ENGINE:
                connection.left.leave(options.slot)
            if seen.n_prompt:  # else nobody knows what the slot holds now
                connection.keeper.after(options.slot, ids, seen.n_cached, may_keep=options.may_keep)

    async def _tokenizer(self, connection: _Connection) -> Tokenizer:
        if connection.tokenizer is None:

            async def send(body: Body) -> list[int]:
                return await self._ask(connection, "/tokenize", body, parse_tokens)

            connection.tokenizer = await open_tokenizer(self._effective(connection.endpoint.info), send)
        return connection.tokenizer

    async def _ask(self, connection: _Connection, path: str, body: Body, parse: Parser[T]) -> T:
        async with self._response(connection, path, body) as response:
            try:
                return parse(json.loads(await _read(response)))
            except (TransportFailed, ValueError) as error:
                raise self._lost(connection, BROKE_OFF) from error

    @asynccontextmanager
    async def _stream(
        self, connection: _Connection, path: str, body: Body, parse: Parser[T]
    ) -> AsyncIterator[AsyncIterator[T]]:
        async with self._response(connection, path, {**body, "stream": True}) as response:
            yield self._read_events(connection, response, parse)

    async def _read_events(
        self, connection: _Connection, response: Response, parse: Parser[T]
    ) -> AsyncIterator[T]:
        reader = EventReader()
        try:
            async for chunk in response.chunks():
                for event in reader.feed(chunk):
                    if error := event.get("error"):
                        raise self._failure(connection, 500, error)
                    yield parse(event)
        except (TransportFailed, MalformedStream) as error:
            raise self._lost(connection, BROKE_OFF) from error

    @asynccontextmanager
    async def _response(self, connection: _Connection, path: str, body: Body) -> AsyncIterator[Response]:
        """The answer's head has arrived and is good. Leaving the block closes the connection."""
        async with AsyncExitStack() as stack:
            stack.enter_context(self._suspecting(connection))
            response = await self._send(connection, stack, path, json.dumps(body).encode())
            if response.status != 200:
                raise self._failure(connection, response.status, await _read_error(response))
            yield response

    @contextmanager
    def _suspecting(self, connection: _Connection) -> Iterator[None]:
        """A host that hangs never says so: as long as a request lasts, the supervisor looks now and then."""
        looking = asyncio.ensure_future(self._look_again(connection))
        try:
            yield
        finally:
            looking.cancel()

    async def _look_again(self, connection: _Connection) -> None:
        while True:
            await asyncio.sleep(SUSPECT_S)
            self._source.report_failure(connection.endpoint)

    async def _send(
        self, connection: _Connection, stack: AsyncExitStack, path: str, content: bytes
    ) -> Response:
        """Tries once more: a busy host may turn a connection away, or close one before it answers."""
        try:
            return await stack.enter_async_context(connection.transport.post(path, content))
        except TransportFailed:
            await asyncio.sleep(RETRY_S)
        try:
            return await stack.enter_async_context(connection.transport.post(path, content))
        except TransportFailed as error:
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
        connection.keeper.forget()
        if self._connection is connection:
            self._connection = None
        return HostUnavailable(
            f"The engine host of {connection.endpoint.info.name} {what}: it is started again if it is gone."
        )


def _open_transport(endpoint: Endpoint) -> Transport:
    if endpoint.socket_path:
        return SocketTransport(endpoint)
    from model.full_transport import FullTransport  # a library of 100 ms and 10 MB that few need

    return FullTransport(endpoint)


async def _read(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response.chunks()])


async def _read_error(response: Response) -> object:
    try:
        answer = json.loads(await _read(response))
    except (TransportFailed, ValueError):
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
