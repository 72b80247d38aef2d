"""What llama-server's JSON says, as values: events of `/completion`, of `/v1/chat/completions`, and timings.

Pure but for the clock; runs in the session. Must not know HTTP. A shape that the API does not have is a
`MalformedStream`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final, TypeVar

from model.protocol import Usage
from model.sse import MalformedStream

# A server looks for a client that went away only when it has something to write, else once a second: with
# its progress it writes after each batch of a prompt.
PROGRESS: Final = "prompt_progress"
SOON_CANCELLED: Final = {"return_progress": True}
PROBABILITIES: Final = "completion_probabilities"
COMPLETION_FIELDS: Final = ("content", "tokens", "stop", "stop_type", "timings", PROBABILITIES)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """One event. `reason` says why the decode ended, in the last one."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    reason: str = ""
    usage: Usage | None = None
    is_progress: bool = False  # nothing is answered yet
    candidates: tuple[tuple[str, float], ...] = ()  # tokens and their probabilities, the chosen one first


def _shaped(parse: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], T]:
    @wraps(parse)
    def checked(event: Mapping[str, Any]) -> T:
        try:
            return parse(event)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise MalformedStream("an event of another shape") from error

    return checked


class Account:
    """What is known of one request's tokens as its events come. The engine states it while it reads the
    prompt and at the end; with each token that would be work between two tokens."""

    def __init__(self, n_prompt: int) -> None:
        self._known = Usage(n_prompt=n_prompt)
        self._read_at = 0.0

    def after(self, answer: Answer) -> Usage:
        """Once a token has come, all of the prompt has been read."""
        n_prompt = self._known.n_prompt
        if answer.is_progress:
            self._known = replace(answer.usage or Usage(), n_prompt=n_prompt)
            self._read_at = time.perf_counter()
        elif answer.usage is not None:
            self._known = replace(answer.usage, n_prompt=n_prompt)
        else:
            known = self._known
            self._known = Usage(  # not `replace`, which takes longer than all else that is done for a token
                n_prompt,
                known.n_cached,
                n_prompt - known.n_cached,
                known.n_generated + max(1, len(answer.tokens)),
                known.prompt_ms,
                (time.perf_counter() - self._read_at) * 1000 if self._read_at else 0.0,
            )
        return self._known


@_shaped
def parse_completion(event: Mapping[str, Any]) -> Answer:
    if PROGRESS in event:  # it has a token of its own, which is none of the answer's
        return Answer(is_progress=True, usage=_progress(event[PROGRESS]))
    return Answer(
        text=str(event.get("content") or ""),
        tokens=tuple(map(int, event.get("tokens") or ())),
        reason=str(event.get("stop_type") or "stop") if event.get("stop") else "",
        usage=_usage(event) if "timings" in event else None,
        candidates=_candidates(event) if PROBABILITIES in event else (),
    )


def _candidates(event: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Of the event's one token."""
    stated = event[PROBABILITIES]
    if not stated:
        return ()
    chosen, others = stated[-1], stated[-1].get("top_logprobs") or ()
    return (
        (str(chosen["token"]), math.exp(chosen["logprob"])),
        *(
            (str(other["token"]), math.exp(other["logprob"]))
            for other in others
            if other["id"] != chosen["id"]
        ),
    )


@_shaped
def parse_chat(event: Mapping[str, Any]) -> Answer:
    if PROGRESS in event:
        return Answer(is_progress=True)
    choice = (event.get("choices") or [{}])[0]
    text = (choice.get("delta") or {}).get("content") or ""
    usage = _usage(event) if "timings" in event else None
    return Answer(str(text), (), str(choice.get("finish_reason") or ""), usage)


@_shaped
def parse_tokens(answer: Mapping[str, Any]) -> list[int]:
    return [int(token) for token in answer["tokens"]]


def parse_busy_task(slots: Any, slot: int) -> int | None:  # noqa: ANN401  (JSON)
    """The task that this one of `/slots` computes, None for none."""
    if not isinstance(slots, list):
        raise MalformedStream("slots of another shape")
    found = (one for one in slots if isinstance(one, dict) and one.get("id") == slot)
    return next((int(one.get("id_task") or 0) for one in found if one.get("is_processing")), None)


def _progress(stated: Mapping[str, Any]) -> Usage:
    cached, processed = int(stated.get("cache", 0)), int(stated.get("processed", 0))
    return Usage(
        n_cached=cached, n_evaluated=max(0, processed - cached), prompt_ms=float(stated.get("time_ms", 0.0))
    )


def _usage(event: Mapping[str, Any]) -> Usage:
    timings = event.get("timings") or {}
    cached, evaluated = int(timings.get("cache_n", 0)), int(timings.get("prompt_n", 0))
    return Usage(
        n_prompt=cached + evaluated,
        n_cached=cached,
        n_evaluated=evaluated,
        n_generated=int(timings.get("predicted_n", 0)),
        prompt_ms=float(timings.get("prompt_ms", 0.0)),
        generate_ms=float(timings.get("predicted_ms", 0.0)),
    )
