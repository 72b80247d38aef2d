"""Events of the llama-server API as values, and events of no API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from model.answers import Answer, parse_chat, parse_completion, parse_tokens
from model.protocol import Usage
from model.sse import MalformedStream

TIMINGS = {"cache_n": 90, "prompt_n": 10, "prompt_ms": 1.5, "predicted_n": 4, "predicted_ms": 2.5}
USAGE = Usage(100, 90, 10, 4, 1.5, 2.5)


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"content": "a", "tokens": [7], "stop": False}, Answer("a", (7,))),
        ({"content": "a"}, Answer("a")),
        ({"stop": True, "stop_type": "limit", "timings": TIMINGS}, Answer("", (), "limit", USAGE)),
        ({"content": "a", "tokens": [7], "timings": TIMINGS}, Answer("a", (7,), "", USAGE)),
        ({"stop": True}, Answer("", (), "stop")),
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
    assert parse(event) == Answer(is_progress=True)


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
