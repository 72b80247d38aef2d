"""What documentation, tests and fixes need of the rest of the session.

Runs in the session. Values and functions only; must not know who answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from lsp_server.assist.facts import Index
from model.protocol import FimPrompt, GenerationOptions, Piece

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class AssistPorts:
    """`chat` is the instruct model's, None when there is none; it raises ModelError, as `generate` does."""

    index: Index | None
    generate: Callable[[FimPrompt, GenerationOptions], AsyncIterator[Piece]]
    chat: Callable[[Messages], AsyncIterator[Piece]] | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """Why there is nothing to show."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """Markdown to read."""

    markdown: str
