"""What a run is to be, how far it has come, and how often it saves and looks: plain values. Knows nothing of
nets or rows.

Everything that changes with time (learning rate, row length) is a function of `progress`, which goes from 0
to 1 by steps or by the clock. Schedule: warm-up, stable, decay to zero (WSD; Hu et al. 2024, MiniCPM).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What a run is: how long, how fast it learns, when it decays, when rows become long."""

    minutes: float = 0.0  # of training time, over all restarts; 0: `steps` decides
    steps: int = 0
    n_batch_tokens: int = 8192
    lr_matrix: float = 0.008
    lr_other: float = 0.004
    weight_decay: float = 0.05
    warmup_steps: int = 60
    decay_from: float = 0.65  # share of the run
    long_from: float = 0.82
    seed: int = 1
    train_only: str = ""  # part of the names of the weights that are trained

    def progress(self, step: int, seconds: float) -> float:
        """How much of the run is behind us."""
        return min(1.0, step / self.steps if self.steps else seconds / (60 * self.minutes))

    def rate(self, step: int, progress: float) -> float:
        """The factor on the learning rates."""
        decay = min(1.0, (1 - progress) / (1 - self.decay_from))
        return max(0.0, min(1.0, (step + 1) / self.warmup_steps, decay))


@dataclass
class State:
    """How far a run has come. It goes into the checkpoint beside the weights."""

    step: int = 0
    n_tokens: int = 0
    seconds: float = 0.0
    n_short: int = 0
    n_long: int = 0


@dataclass(frozen=True)
class Pace:
    """How often what is done."""

    save_every_s: float = 120.0
    log_every: int = 20
    eval_every: int = 400
    eval_rows: int = 48
