"""Holds predictions against measurements: published shapes, dense and mixtures of experts, several types.

Runs in the process of `edgewise model bench --check`. None of these shapes is one of the calibration's.
Sources: the configurations on the models' pages; `cut` is the same model with fewer layers, so that it fits
a small machine. Must not know the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from model import catalog
from model.calibrate import N_CTX, Run, choose_n_threads, run_shape
from model.catalog import Shape
from model.predict import Rates, count_work, plan_batch, prompt_s, resident_mb, token_s
from model.speed import N_GENERATED, N_PROMPT, Speed

SMOL_135M: Final = Shape(30, 576, 9, 3, 1536, 49_152, is_tied=True)
SMOL_360M: Final = Shape(32, 960, 15, 5, 2560, 49_152, is_tied=True)
GRANITE_1B_A400M: Final = Shape(24, 1024, 16, 8, 512, 49_155, n_expert=32, n_expert_used=8, is_tied=True)


@dataclass(frozen=True, slots=True)
class Subject:
    """A shape to predict and to measure."""

    title: str
    shape: Shape
    quant: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was predicted, beside what was measured."""

    subject: Subject
    n_threads: int
    predicted: Speed
    measured: Speed

    @property
    def errors(self) -> tuple[float, float]:
        """Of prompt and generation, as shares of what was measured."""
        one, other = self.predicted, self.measured
        prompt = one.prompt_per_s / other.prompt_per_s - 1
        return prompt, one.generated_per_s / other.generated_per_s - 1


def list_subjects() -> tuple[Subject, ...]:
    qwen3 = _known("qwen3-coder-30b-a3b-instruct")
    return (
        Subject("SmolLM2 135M", SMOL_135M, "Q8_0"),
        Subject("SmolLM2 360M", SMOL_360M, "Q8_0"),
        Subject("Qwen2.5-Coder 0.5B", _known("qwen2.5-coder-0.5b"), "Q8_0"),
        Subject("DeepSeek-Coder 1.3B", _known("deepseek-coder-1.3b"), "Q4_K_M"),
        Subject("Qwen2.5-Coder 1.5B", _known("qwen2.5-coder-1.5b"), "Q4_0"),
        Subject("StarCoder2 3B", _known("starcoder2-3b"), "Q4_K_M"),
        Subject("Granite 3.1 1B-A400M (experts)", GRANITE_1B_A400M, "Q4_0"),
        Subject("Granite 3.1 1B-A400M (experts)", GRANITE_1B_A400M, "Q8_0"),
        Subject("Qwen3-Coder 30B-A3B, 6 of 48 layers (experts)", replace(qwen3, n_layer=6), "Q4_K_M"),
    )


def choose_subjects(only: str) -> tuple[Subject, ...]:
    """Those whose title or type holds the words; all of them for none."""
    wanted = only.casefold()
    return tuple(s for s in list_subjects() if wanted in f"{s.title} {s.quant}".casefold())


def _known(name: str) -> Shape:
    shape = catalog.entries()[name].shape
    assert shape is not None, f"the catalogue has no shape of {name}"
    return shape


def predict(subject: Subject, rates: Rates) -> Speed:
    """What `measure` should say, as far as the rates know."""
    work = count_work(subject.shape, subject.quant)
    n_batch = plan_batch(work, rates)
    return Speed(
        n_batch=n_batch,
        prompt_per_s=N_PROMPT / prompt_s(work, rates, N_PROMPT, n_batch=n_batch),
        generated_per_s=1 / token_s(work, rates, N_PROMPT + N_GENERATED / 2),
        resident_mb=resident_mb(work, rates, N_CTX),
    )


def compare(rates: Mapping[int, Rates], subjects: Sequence[Subject]) -> Iterator[Comparison]:
    """One after the other, as they are measured. `rates` by thread count; with one count all run on it."""
    for subject in subjects:
        chosen = choose_n_threads(count_work(subject.shape, subject.quant).file_bytes)
        n_threads = chosen if chosen in rates else next(iter(rates))
        measured = run_shape(Run(subject.shape, subject.quant, n_threads))
        yield Comparison(subject, n_threads, predict(subject, rates[n_threads]), measured)
