"""Reading a model's answer piece by piece, no further than it is wanted.

Runs in the session. Leaving the stream closes it, and closing it frees the engine's slot. Must not know the
engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from lsp_server.completion.confidence import Confidence
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters.stop import stop_rule
from model.protocol import Piece, Usage

UNSURE = "unsure"
WHOLE_STOP_REASONS = frozenset({"eos", "word", "stop"})


class Ending(StrEnum):
    """Why a text ends where it does."""

    MODEL = "model"
    STOPPED = "stopped"
    CUT_OFF = "cut-off"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read. `usage` is the last one stated: often none, when the stream was left early.
    `stopped_by` names the stop rule. `confidence` is None where the engine tells no likelihoods."""

    text: str = ""
    ending: Ending = Ending.CUT_OFF
    n_pieces: int = 0
    usage: Usage | None = None
    stopped_by: str = ""
    confidence: Confidence | None = None

    def extended(self, piece: Piece) -> Answer:
        text, confidence = self.text + piece.text, self.confidence
        if piece.likelihood is not None:
            confidence = (confidence or Confidence()).after(piece.likelihood, text)
        return replace(
            self,
            text=text,
            n_pieces=self.n_pieces + 1,
            usage=piece.usage or self.usage,
            confidence=confidence,
        )

    @property
    def is_lost(self) -> bool:
        """The model is no longer sure of what it writes."""
        return self.confidence is not None and self.confidence.is_lost


async def read_answer(
    pieces: AsyncIterator[Piece],
    context: CompletionContext,
    limit_ms: int,
    hear: Callable[[str], None] = lambda text: None,
) -> Answer:
    """The text up to where it is whole. `limit_ms` counts from the first piece: what is there by then is
    the answer. `hear` is told the text after each piece."""
    clock = asyncio.get_running_loop().time
    answer, deadline = Answer(), float("inf")
    async with _closed_at_exit(pieces):
        async for piece in pieces:
            answer = answer.extended(piece)
            hear(answer.text)
            if piece.text and (rule := stop_rule(answer.text, context)):
                return replace(answer, ending=Ending.STOPPED, stopped_by=rule.__name__)
            if piece.stop_reason:
                return replace(answer, ending=_ending(piece.stop_reason))
            if answer.is_lost:
                return replace(answer, stopped_by=UNSURE)
            deadline = min(deadline, clock() + limit_ms / 1000)
            if clock() >= deadline:
                return answer
    return answer


def _ending(stop_reason: str) -> Ending:
    return Ending.MODEL if stop_reason in WHOLE_STOP_REASONS else Ending.CUT_OFF


@asynccontextmanager
async def _closed_at_exit(pieces: AsyncIterator[Piece]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
