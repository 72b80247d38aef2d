"""Budgets that suit the model and the machine; a user's own number stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completion.fitting import (
    LEAST_TOKENS,
    MOST_TOKENS,
    USUAL_TOKENS,
    choose_max_tokens,
    choose_prompt_tokens,
    fit,
)
from lsp_server.settings import CompletionSettings
from model.protocol import Pace

OPEN = CompletionSettings(prompt_tokens=0)


@pytest.mark.parametrize(
    ("n_ctx", "budget_tokens", "timeout_ms", "expected"),
    [
        (0, 0, 2000, 1024),
        (2048, 0, 2000, 1024),
        (2048, 20_000, 2000, 1024),
        (4096, 20_000, 2000, 1536),
        (32_768, 0, 2000, 1536),
        (32_768, 20_000, 2000, 4096),
        (8192, 20_000, 2000, 2048),
        (32_768, 1160, 2000, 1024),
        (32_768, 1600, 2000, 1536),
        (32_768, 1160, 4000, 2048),
        (32_768, 400, 2000, 384),
        (32_768, 256, 100, 256),
    ],
)
def test_prompt_tokens(n_ctx: int, budget_tokens: int, timeout_ms: int, expected: int) -> None:
    assert choose_prompt_tokens(Pace(budget_tokens=budget_tokens), n_ctx, timeout_ms) == expected


@given(st.integers(1, 200_000), st.integers(0, 200_000), st.integers(50, 60_000))
def test_within_bounds_and_more_for_more_speed(budget: int, n_ctx: int, timeout_ms: int) -> None:
    slow = choose_prompt_tokens(Pace(budget_tokens=budget), n_ctx, timeout_ms)
    fast = choose_prompt_tokens(Pace(budget_tokens=2 * budget), n_ctx, timeout_ms)
    assert LEAST_TOKENS <= slow <= fast <= max(USUAL_TOKENS, MOST_TOKENS)


def test_a_number_of_the_user_stays() -> None:
    settings = CompletionSettings(prompt_tokens=777)
    assert fit(settings, Pace(budget_tokens=300), None) is settings


def test_suggestions_are_shorter_while_others_need_the_cores() -> None:
    assert choose_max_tokens(64, Pace()) == 64
    assert choose_max_tokens(64, Pace(max_tokens=30)) == 24
    assert choose_max_tokens(64, Pace(max_tokens=300)) == 64
    assert choose_max_tokens(4, Pace(max_tokens=16)) == 4


def test_both_are_filled_in() -> None:
    fitted = fit(OPEN, Pace(budget_tokens=600, max_tokens=16), None)
    assert (fitted.prompt_tokens, fitted.max_tokens) == (512, 16)
