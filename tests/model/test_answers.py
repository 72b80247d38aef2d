"""Events of the llama-server API as values, and events of no API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from model.answers import Account, Answer, parse_chat, parse_completion, parse_tokens
from model.protocol import Usage
from model.sse import MalformedStream

TIMINGS = {"cache_n": 90, "prompt_n": 10, "prompt_ms": 1.5, "predicted_n": 4, "predicted_ms": 2.5}
PROBABILITIES = {
    "id": 7,
    "token": "a",
    "logprob": 0.0,
    "top_logprobs": [{"id": 8, "token": "b", "logprob": 0.0}, {"id": 7, "token": "a", "logprob": 0.0}],
}
CANDIDATES = (("a", 1.0), ("b", 1.0))
USAGE = Usage(100, 90, 10, 4, 1.5, 2.5)


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"content": "a", "tokens": [7], "stop": False}, Answer("a", (7,))),
        ({"content": "a"}, Answer("a")),
        ({"stop": True, "stop_type": "limit", "timings": TIMINGS}, Answer("", (), "limit", USAGE)),
        ({"content": "a", "tokens": [7], "timings": TIMINGS}, Answer("a", (7,), "", USAGE)),
        ({"stop": True}, Answer("", (), "stop")),
        ({"content": "a", "completion_probabilities": []}, Answer("a")),
        ({"content": "a", "completion_probabilities": [PROBABILITIES]}, Answer("a", candidates=CANDIDATES)),
    ],
)
def test_completion(event: dict[str, object], answer: Answer) -> None:
    assert parse_completion(event) == answer


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"choices": [{"delta": {"content": "a"}, "finish_reason": None}]}, Answer("a")),
        ({"choices": [{"delta": {"role": "assistant", "content": None}}]}, Answer()),
        ({"choices": [{"delta": {}, "finish_reason": "stop"}]}, Answer("", (), "stop")),
        ({"choices": [], "timings": TIMINGS}, Answer("", (), "", USAGE)),
    ],
)
def test_chat(event: dict[str, object], answer: Answer) -> None:
    assert parse_chat(event) == answer


@pytest.mark.parametrize("parse", [parse_completion, parse_chat])
def test_progress_is_no_part_of_the_answer(parse: Callable[[Mapping[str, Any]], Answer]) -> None:
    """llama-server puts a token 0 into it, which ends the answer of some families."""
    progress = {"total": 80, "cache": 0, "processed": 32, "time_ms": 15}
    event = {"content": "", "tokens": [0], "stop": False, "timings": TIMINGS, "prompt_progress": progress}
    answer = parse(event)
    assert (answer.is_progress, answer.text, answer.tokens, answer.reason) == (True, "", (), "")


def test_tokens_are_accounted_for_without_a_statement_with_each() -> None:
    account = Account(80)
    progress = {"total": 80, "cache": 30, "processed": 62, "time_ms": 15}
    half = account.after(parse_completion({"content": "", "tokens": [0], "prompt_progress": progress}))
    assert (half.n_prompt, half.n_cached, half.n_evaluated, half.n_generated) == (80, 30, 32, 0)
    token = parse_completion({"content": "a", "tokens": [5], "stop": False})
    for n_generated in (1, 2):
        usage = account.after(token)
        assert (usage.n_cached, usage.n_evaluated, usage.n_generated) == (30, 50, n_generated)
    end = account.after(parse_completion({"content": "", "stop": True, "timings": TIMINGS}))
    assert end == replace(USAGE, n_prompt=80)


@pytest.mark.parametrize(
    ("parse", "event"),
    [
        (parse_completion, {"tokens": 7}),
        (parse_completion, {"tokens": ["x"]}),
        (parse_completion, {"stop": True, "timings": [1]}),
        (parse_chat, {"choices": {"a": 1}}),
        (parse_chat, {"choices": [None]}),
        (parse_chat, {"choices": [{"delta": "text"}]}),
        (parse_completion, {"timings": {"cache_n": "many"}}),
        (parse_tokens, {}),
        (parse_tokens, {"tokens": None}),
        (parse_tokens, []),
    ],
)
def test_another_shape_is_malformed(parse: Callable[[Mapping[str, Any]], object], event: Any) -> None:
    with pytest.raises(MalformedStream):
        parse(event)
