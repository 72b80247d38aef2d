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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from model.hardware import SMALL_MODEL_BYTES, count_cores

VERSION: Final = 1
CANCEL_MS: Final = 50.0  # what a cancelled prefill may cost: one batch
CANCEL_LARGE_MS: Final = 250.0  # of a large model: smaller batches would slow its prefill down
MIN_BATCH: Final = 8
MAX_BATCH: Final = 512
PREFILL_S: Final = 10.0  # longer than that nobody waits for a first suggestion
MIN_BUDGET: Final = 256
CONTENDED_S: Final = 0.4  # of generation, while other programs need the cores
MIN_TOKENS: Final = 16


@dataclass(frozen=True, slots=True)
class Fit:
    """Measured: tokens a second with so many threads. `n_threads` 0 is nothing known."""

    n_threads: int = 0
    prompt_per_s: float = 0.0
    generated_per_s: float = 0.0

    @property
    def is_known(self) -> bool:
        return self.n_threads > 0


def choose_batch(prompt_per_s: float, weights_bytes: int) -> int:
    """The largest power of two that a cancelled prefill can afford to finish."""
    limit_ms = CANCEL_MS if weights_bytes <= SMALL_MODEL_BYTES else CANCEL_LARGE_MS
    affordable = int(prompt_per_s * limit_ms / 1000)
    return max(MIN_BATCH, min(MAX_BATCH, 1 << max(0, affordable.bit_length() - 1)))


def choose_budget(fit: Fit) -> int:
    """Prompt tokens that are evaluated in bearable time without any cache; 0: as many as asked for."""
    return max(MIN_BUDGET, int(fit.prompt_per_s * PREFILL_S)) if fit.is_known else 0


def choose_max_tokens(fit: Fit, share: float) -> int:
    """Tokens of a suggestion while only a share of the machine is ours; 0: as many as asked for."""
    if share >= 1.0 or not fit.is_known:
        return 0
    return max(MIN_TOKENS, int(fit.generated_per_s * share * CONTENDED_S))


def choose_faster(fits: list[Fit]) -> Fit:
    """By the time of a usual request, a few dozen tokens each way. Fewer threads win near-ties: the others
    are the editor's."""
    return min(sorted(fits, key=lambda fit: fit.n_threads), key=lambda fit: round(_usual_s(fit), 2))


def _usual_s(fit: Fit) -> float:
    return 32 / max(fit.prompt_per_s, 1e-6) + 24 / max(fit.generated_per_s, 1e-6)


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
