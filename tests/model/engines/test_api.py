"""The HTTP API that the client relies on, asked of a real host on each engine."""

from __future__ import annotations

import pytest

from tests.model.hosting import Host, eventually

PROMPT = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n"
LONG = "value = compute(value)\n" * 120  # long enough that a decode after it takes a while


def test_health_and_props(host: Host) -> None:
    assert host.get("/health") == {"status": "ok"}
    props = host.get("/props")
    assert props["total_slots"] == host.endpoint.info.n_slots
    assert props["default_generation_settings"]["n_ctx"] == host.endpoint.info.n_ctx
    assert props["model_path"] == host.endpoint.info.path


def test_a_stream_says_what_the_whole_answer_says(host: Host) -> None:
    whole = host.complete(PROMPT, n_predict=12)
    with host.stream(PROMPT, n_predict=12) as stream:
        events = list(stream)
    assert "".join(event["content"] for event in events) == whole["content"]
    assert [event["stop"] for event in events] == [False] * (len(events) - 1) + [True]
    assert sum(len(event["tokens"]) for event in events) >= len(events) - 2
    assert events[-1]["stop_type"] == whole["stop_type"]
    assert events[-1]["timings"]["predicted_n"] == whole["tokens_predicted"]


def test_the_kept_prefix_is_not_evaluated_again(host: Host) -> None:
    prompt = host.tokenize(LONG + PROMPT)[-600:]
    host.complete(prompt, n_predict=1, id_slot=0)
    timings = host.complete([*prompt, *host.tokenize("    ret")], n_predict=1, id_slot=0)["timings"]
    assert timings["cache_n"] >= 600 - 1
    assert timings["prompt_n"] <= len(host.tokenize("    ret")) + 1
    again = host.complete(prompt, n_predict=1, id_slot=0, cache_prompt=False)["timings"]
    assert (again["cache_n"], again["prompt_n"]) == (0, 600)


def test_a_kept_prefix_changes_nothing(host: Host) -> None:
    prompt = host.tokenize(PROMPT)
    fresh = host.complete(prompt, cache_prompt=False, id_slot=0)["content"]
    host.complete(prompt[:10] + host.tokenize("something else"), id_slot=0)
    assert host.complete(prompt, id_slot=0)["content"] == fresh


def test_prefill_alone(host: Host) -> None:
    prompt = host.tokenize("class Prefilled:\n" + PROMPT)
    assert (
        host.complete(prompt, n_predict=0, id_slot=0)["tokens_predicted"] <= 1
    )  # llama-server gives one all the same
    assert host.complete(prompt, n_predict=1, id_slot=0)["timings"]["prompt_n"] == 1


def test_closing_a_stream_frees_the_slot(host: Host) -> None:
    """With the first decode still running, the answer could not come before its 100,000 tokens."""
    n_slots = host.endpoint.info.n_slots
    for slot in range(n_slots):
        with host.stream(PROMPT, n_predict=100_000, id_slot=slot, ignore_eos=True) as stream:
            next(stream)
        assert host.complete("x = ", n_predict=2, id_slot=slot)["tokens_predicted"] <= 2


def test_closing_during_the_prefill_frees_the_slot(host: Host) -> None:
    prompt = host.tokenize(LONG)[:1800]
    for _ in range(3):
        with host.stream(prompt, n_predict=100, cache_prompt=False, id_slot=0):
            pass
    assert host.complete("x = ", n_predict=2, id_slot=0)["tokens_predicted"] <= 2


def test_stop_words_are_cut_off(host: Host) -> None:
    whole = host.complete(PROMPT, n_predict=24)["content"]
    word = whole[4:7]
    answer = host.complete(PROMPT, n_predict=24, stop=[word, "never there"])
    assert answer["content"] == whole[: whole.index(word)]
    assert (answer["stop_type"], answer["stopping_word"]) == ("word", word)


def test_the_time_limit_holds_after_a_new_line(host: Host) -> None:
    """As in llama-server: the clock only ends an answer that has a line."""
    answer = host.complete("x = [\n    1,\n    2,\n    3,\n", n_predict=1500, t_max_predict_ms=1)
    assert answer["tokens_predicted"] < 1500
    assert answer["has_new_line"] or answer["stop_type"] == "eos"


def test_only_the_fields_asked_for(host: Host) -> None:
    answer = host.complete(PROMPT, n_predict=2, response_fields=["content", "timings", "stop"])
    assert set(answer) == {"content", "timings", "stop"}


def test_a_prompt_beyond_the_context_is_refused(host: Host) -> None:
    prompt = host.tokenize(LONG * 4)
    assert len(prompt) > host.endpoint.info.n_ctx
    status, answer = host.refuse("/completion", {"prompt": prompt, "n_predict": 1})
    assert status == 400
    assert answer["error"]["type"] == "exceed_context_size_error"
    assert answer["error"]["n_prompt_tokens"] == len(prompt)


@pytest.mark.parametrize("body", ["{", {"prompt": [10**9]}, {"prompt": [-5]}])
def test_bad_requests_are_refused(host: Host, body: object) -> None:
    status, answer = host.refuse("/completion", body)
    assert 400 <= status <= 500
    assert answer["error"]["message"]
    assert host.get("/health") == {"status": "ok"}


def test_half_characters_wait_for_their_other_half(host: Host) -> None:
    """Byte pieces of one character arrive as tokens of their own; no piece of text shows a broken one."""
    ids = host.tokenize("'😀😀' == '")
    with host.stream(ids, n_predict=30) as stream:
        pieces = [event["content"] for event in stream]
    whole = host.complete(ids, n_predict=30)["content"]
    assert "".join(pieces) == whole


def test_nothing_is_active_after_all(host: Host) -> None:
    if host.endpoint.info.engine == "llama_cpp":
        eventually(
            lambda: not any(slot["is_processing"] for slot in host.get("/slots")), "all slots are free"
        )
    assert host.complete("x", n_predict=1)["tokens_predicted"] == 1
