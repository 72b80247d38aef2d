"""What a completion may cost here and now: the user's settings, fitted to the model and the machine.

Runs in the session. Pure. A number that the user set stays as it is; what is left to `0` is chosen. Choices
move in coarse steps, because another budget is another prompt. Must not know how speeds are measured.
"""

from __future__ import annotations

from functools import lru_cache

from lsp_server.settings import CompletionSettings
from model.protocol import ModelInfo, Pace

USUAL_TOKENS = 1536  # the most that a context of usual size is asked for
SMALL_TOKENS = 1024  # half of the built-in model's; also as long as nothing is known of the model
MOST_TOKENS = 4096  # a judgement, not a measurement
LEAST_TOKENS = 256
SMALL_SHARE = 2  # a small context is filled to a half: what stands further off helps no model that has one
CONTEXT_SHARE = 4  # a larger context is filled to a quarter: the rest is time that nobody waits for
USUAL_TIMEOUT_MS = 2000  # the patience that a host's own budget is meant for
MAX_TOKENS_STEP = 8


def fit(settings: CompletionSettings, pace: Pace, info: ModelInfo | None) -> CompletionSettings:
    """The same settings with nothing left open."""
    prompt_tokens = settings.prompt_tokens or choose_prompt_tokens(
        pace, info.n_ctx if info is not None else 0, settings.timeout_ms
    )
    max_tokens = choose_max_tokens(settings.max_tokens, pace)
    if (prompt_tokens, max_tokens) == (settings.prompt_tokens, settings.max_tokens):
        return settings
    return _copied(settings, prompt_tokens, max_tokens)


@lru_cache(maxsize=8)
def _copied(settings: CompletionSettings, prompt_tokens: int, max_tokens: int) -> CompletionSettings:
    """The same object for the same choice: settings are compared at each key, and that is quick for one."""
    return settings.model_copy(update={"prompt_tokens": prompt_tokens, "max_tokens": max_tokens})


def choose_prompt_tokens(pace: Pace, n_ctx: int, timeout_ms: int) -> int:
    """As much as a machine of this speed evaluates for a user of this patience."""
    usual = min(USUAL_TOKENS, max(SMALL_TOKENS, n_ctx // SMALL_SHARE))
    most = min(MOST_TOKENS, max(usual, n_ctx // CONTEXT_SHARE))
    if not pace.budget_tokens:
        return usual
    affordable = pace.budget_tokens * timeout_ms // USUAL_TIMEOUT_MS
    return max(LEAST_TOKENS, min(most, _coarse(affordable)))


def _coarse(n_tokens: int) -> int:
    """Rounded down to a power of two or one and a half of it: a speed measured anew seldom changes it."""
    power = 1 << max(n_tokens.bit_length() - 1, 0)
    return power * 3 // 2 if n_tokens >= power * 3 // 2 else power


def choose_max_tokens(max_tokens: int, pace: Pace) -> int:
    """Shorter while other programs need the cores."""
    if not pace.max_tokens:
        return max_tokens
    return min(max_tokens, max(MAX_TOKENS_STEP, pace.max_tokens // MAX_TOKENS_STEP * MAX_TOKENS_STEP))
