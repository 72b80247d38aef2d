"""What a model says in a test: the same line whatever it is asked, and a record of what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from lsp_server.assist.ports import AssistPorts
from model.protocol import FimPrompt, GenerationOptions, HostUnavailable, Piece


@dataclass
class ScriptedModel:
    """Without a text it is a host that cannot be reached."""

    text: str | None = None
    prompts: list[FimPrompt] = field(default_factory=list)
    chats: list[Sequence[Mapping[str, str]]] = field(default_factory=list)

    async def generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self.prompts.append(prompt)
        for piece in self._pieces():
            yield piece

    async def chat(self, messages: Sequence[Mapping[str, str]]) -> AsyncIterator[Piece]:
        self.chats.append(messages)
        for piece in self._pieces():
            yield piece

    def _pieces(self) -> list[Piece]:
        if self.text is None:
            raise HostUnavailable("The host is away.")
        return [Piece(self.text[start : start + 7]) for start in range(0, len(self.text), 7)]

    @property
    def completes(self) -> AssistPorts:
        return AssistPorts(None, self.generate)

    @property
    def talks(self) -> AssistPorts:
        return AssistPorts(None, self.generate, self.chat)
