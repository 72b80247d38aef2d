"""What suits a model on this machine, from what was measured of it: threads, batch, context to read, tokens.

Pure but for the file that remembers it, so that only the first start measures; another processor, other
weights or another engine measure again. Runs in the engine host. Must not know how an engine is started.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from model.hardware import SMALL_MODEL_BYTES, count_cores

VERSION: Final = 2
CANCEL_MS: Final = 50.0  # what a cancelled prefill may cost the request after it
CANCEL_LARGE_MS: Final = 250.0  # of a large model: smaller batches would slow its prefill down
MIN_BATCH: Final = 4  # below it the weights are read for too few tokens
MAX_BATCH: Final = 512
BATCHES_LOST: Final = 2  # the one in work, and one that begins before the engine has noticed
# Of a small model: where a long prompt ends a batch costs more, as most of its work is attention, and what
# surrounds a batch counts: 3 to 8 batches as they are measured, with a short prompt, were lost.
DEEP: Final = 4
PREFILL_S: Final = 10.0  # longer than that nobody waits for a first suggestion
MIN_BUDGET: Final = 256
CONTENDED_S: Final = 0.4  # of generation, while other programs need the cores
MIN_TOKENS: Final = 16
FIT_PROMPT: Final = 48  # tokens that a host reads to measure itself
NEAR: Final = 0.95  # of the best speed is as good: the other threads are the editor's
# Bytes of weights that one thread goes through in a second, and tokens of a prompt that share them: slower
# than machines are, so that before anything is measured batches are rather too small than too large.
GUESSED_BYTES_PER_S: Final = 20e9
GUESSED_MOST: Final = 2560.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Measured: tokens a second with so many threads. `n_threads` 0 is nothing known; `n_prompt_threads` 0:
    prompts are read by as many as generate."""

    n_threads: int = 0
    prompt_per_s: float = 0.0
    generated_per_s: float = 0.0
    n_prompt_threads: int = 0

    @property
    def is_known(self) -> bool:
        return self.n_threads > 0


@dataclass(frozen=True, slots=True)
class Tuning:
    """What may be another while an engine runs: threads that generate, threads that read prompts, and the
    tokens of a prompt between two looks at whether anybody still waits for it."""

    n_threads: int
    n_prompt_threads: int
    n_batch: int


def tune(fit: Fit, weights_bytes: int, n_free: int) -> Tuning:
    """Threads within what is free, and batches that a cancelled prefill can afford."""
    n_prompt_threads = min(fit.n_prompt_threads or fit.n_threads, n_free)
    return Tuning(min(fit.n_threads, n_free), n_prompt_threads, choose_batch(fit.prompt_per_s, weights_bytes))


def guess_prompt_per_s(weights_bytes: int, n_threads: int) -> float:
    """Before anything is measured."""
    return min(GUESSED_MOST, n_threads * GUESSED_BYTES_PER_S / max(1, weights_bytes))


def choose_limit_ms(weights_bytes: int) -> float:
    """What a cancelled prefill may cost the request after it."""
    return CANCEL_MS if weights_bytes <= SMALL_MODEL_BYTES else CANCEL_LARGE_MS


def choose_batch(prompt_per_s: float, weights_bytes: int) -> int:
    """The largest power of two that a cancelled prefill can afford to finish."""
    affordable = int(prompt_per_s * choose_limit_ms(weights_bytes) / 1000 / _count_lost(weights_bytes))
    return max(MIN_BATCH, min(MAX_BATCH, 1 << max(0, affordable.bit_length() - 1)))


def _count_lost(weights_bytes: int) -> int:
    """Batches as they are measured, with a short prompt, that a cancelled prefill costs."""
    return BATCHES_LOST * (DEEP if weights_bytes <= SMALL_MODEL_BYTES else 1)


def settle_batch(prompt_per_s: Callable[[int], float], weights_bytes: int, n_threads: int) -> int:
    """What a host comes to: it begins with a guess, measures itself with that batch, and chooses once.
    `prompt_per_s` is the speed with a batch."""
    begun = choose_batch(guess_prompt_per_s(weights_bytes, n_threads), weights_bytes)
    return choose_batch(prompt_per_s(begun), weights_bytes)


def speed_for_batch(n_batch: int, weights_bytes: int) -> float:
    """A speed for which this batch is chosen: for measurements that need a host with one."""
    return (n_batch + 0.5) * _count_lost(weights_bytes) * 1000 / choose_limit_ms(weights_bytes)


def choose_budget(fit: Fit) -> int:
    """Prompt tokens that are evaluated in bearable time without any cache; 0: as many as asked for."""
    return max(MIN_BUDGET, int(fit.prompt_per_s * PREFILL_S)) if fit.is_known else 0


def choose_max_tokens(fit: Fit, share: float) -> int:
    """Tokens of a suggestion while only a share of the machine is ours; 0: as many as asked for."""
    if share >= 1.0 or not fit.is_known:
        return 0
    return max(MIN_TOKENS, int(fit.generated_per_s * share * CONTENDED_S))


def choose_fit(fits: list[Fit]) -> Fit:
    """Of what was measured with several numbers of threads: the best number for prompts and the best for
    generation, each the fewest that come near the best speed."""
    reading = _fewest_near(fits, lambda fit: fit.prompt_per_s)
    writing = _fewest_near(fits, lambda fit: fit.generated_per_s)
    return Fit(
        n_threads=writing.n_threads,
        prompt_per_s=reading.prompt_per_s,
        generated_per_s=writing.generated_per_s,
        n_prompt_threads=reading.n_prompt_threads or reading.n_threads,
    )


def _fewest_near(fits: list[Fit], speed: Callable[[Fit], float]) -> Fit:
    best = max(map(speed, fits))
    return min((fit for fit in fits if speed(fit) >= NEAR * best), key=lambda fit: fit.n_threads)


class FitFile:
    """What was measured of one model on this machine, remembered."""

    def __init__(self, folder: Path | None, *identity: str | int) -> None:
        """`folder` None: nothing is remembered."""
        machine = [platform.machine(), _processor(), count_cores()]
        key = hashlib.sha256(json.dumps([VERSION, machine, identity]).encode()).hexdigest()[:16]
        self._path = folder / f"{key}.json" if folder else None

    def read(self) -> Fit:
        try:
            document = json.loads(self._path.read_text(encoding="ascii")) if self._path else {}
            fit = Fit(**document)
            is_sound = min(fit.n_threads, fit.prompt_per_s, fit.generated_per_s) > 0
        except (OSError, ValueError, TypeError, AttributeError):
            return Fit()
        return fit if is_sound else Fit()

    def write(self, fit: Fit) -> None:
        if self._path is None:
            return
        beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_text(json.dumps(asdict(fit)), encoding="ascii")
            beside.replace(self._path)
        except OSError:
            beside.unlink(missing_ok=True)


def _processor() -> str:
    """Its name, as exactly as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or os.name
