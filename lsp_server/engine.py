"""The session's end of one model: a supervisor for its host and a client for its requests.

Runs in the session. Must not know LSP, documents or what the text is for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Final

from lsp_server.settings import ModelSettings, cache_folder
from model.adapters import resolve_adapter
from model.client import ModelClient
from model.protocol import (
    FimPrompt,
    GenerationOptions,
    HostState,
    HostStatus,
    ModelInfo,
    ModelRefused,
    Pace,
    Piece,
    Shown,
    TokenPrompt,
)
from model.store import name_of, resolve_model
from model.supervisor import HostSpec, Supervisor

KV_FOLDER: Final = "kv"


def build_spec(settings: ModelSettings) -> HostSpec:
    """Raises ModelRefused when there is no such model."""
    model = resolve_model(settings.name)
    return HostSpec(
        model=model,
        engine=settings.engine,
        n_ctx=settings.n_ctx,
        n_slots=settings.n_slots,
        n_threads=settings.n_threads,
        idle_exit_s=settings.idle_exit_s,
        max_memory_mb=settings.max_memory_mb,
        economy=settings.economy,
        cache_dir=str(cache_folder()),
        unload_after_s=60.0 * settings.unload_after_minutes,
        adapter=resolve_adapter(model, settings.adapter),
    )


class Engine:
    """Attaches to the host of one model, or spawns it, from the moment it is made."""

    def __init__(self, settings: ModelSettings, on_status: Callable[[HostStatus], None]) -> None:
        self._settings = settings
        self._on_status = on_status
        self._supervisor: Supervisor | None = None
        self._client: ModelClient | None = None
        with suppress(ModelRefused):  # told as a status; a request raises it again, or finds the file
            self._ready_client()

    def _ready_client(self) -> ModelClient:
        if self._client is None:
            try:
                self._client = self._start()
            except ModelRefused as refusal:
                self._on_status(HostStatus(HostState.FAILED, str(refusal)))
                raise
        return self._client

    def _start(self) -> ModelClient:
        spec = build_spec(self._settings)
        self._supervisor = Supervisor(spec, self._on_status, name=name_of(spec.model))
        self._supervisor.start()
        family = "" if self._settings.family == "auto" else self._settings.family
        kv_folder = cache_folder() / KV_FOLDER if self._settings.keep_kv else None
        return ModelClient(self._supervisor, family, kv_folder)

    async def info(self) -> ModelInfo:
        return await self._ready_client().info()

    @property
    def pace(self) -> Pace:
        """How fast the host computes now, as it said last."""
        return self._supervisor.pace if self._supervisor is not None else Pace()

    async def build_prompt(self, prompt: FimPrompt, budget_tokens: int) -> TokenPrompt:
        """What would be posted for a FIM prompt: tokenised, trimmed, laid out."""
        return await self._ready_client().build_prompt(prompt, budget_tokens)

    async def lay_out(self, prompt: FimPrompt, budget_tokens: int) -> TokenPrompt:
        """The same, had the model so much context."""
        return await self._ready_client().lay_out(prompt, budget_tokens)

    async def shows_snippets(self) -> bool:
        """Whether the model's layout has a place for other files."""
        return await self._ready_client().shows_snippets()

    async def chars_per_token(self) -> float:
        """Of usual code, by the model's vocabulary."""
        return await self._ready_client().chars_per_token()

    async def prefill(self, prompt: FimPrompt, budget_tokens: int, *, may_keep: bool = False) -> Shown:
        """Has the host evaluate a FIM prompt, and says how much of it was shown."""
        client = self._ready_client()
        tokens = await client.build_prompt(prompt, budget_tokens)
        await client.prefill(tokens, may_keep=may_keep)
        return tokens.shown

    async def measure(self, prompt: FimPrompt, budget_tokens: int) -> Shown:
        """How much of a FIM prompt would be shown."""
        return (await self._ready_client().build_prompt(prompt, budget_tokens)).shown

    @property
    def is_append_only(self) -> bool:
        """Whether text that is typed stands last in the model's layout. False until the host is ready."""
        if self._client is None or self._supervisor is None:
            return False
        info = self._supervisor.status.info
        return self._client.is_append_only or (info is not None and self._client.will_be_append_only(info))

    async def generate(
        self, prompt: FimPrompt, options: GenerationOptions, budget_tokens: int
    ) -> AsyncGenerator[Piece]:
        """The answer to a FIM prompt, piece by piece. Closing this closes the stream and frees the slot."""
        client = self._ready_client()
        tokens = await client.build_prompt(prompt, budget_tokens)
        async with aclosing(client.complete(tokens, options)) as pieces:
            async for piece in pieces:
                yield piece

    async def chat(
        self, messages: Sequence[Mapping[str, str]], options: GenerationOptions
    ) -> AsyncGenerator[Piece]:
        """The answer of an instruct model, piece by piece."""
        async with aclosing(self._ready_client().chat(messages, options)) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        """Lets go of the host; it goes on for other sessions, and ends by itself when there is none."""
        if self._client is not None:
            await self._client.aclose()
        if self._supervisor is not None:
            await self._supervisor.aclose()
