"""Which models of the catalogue a machine carries: predicted speed and memory of each, and an order.

Runs in the model commands. Quality is taken to grow with the number of weights that a token sees, which holds
within a generation of models and says nothing between two of the same size. Must not know the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model import catalog, memory
from model.calibrate import choose_n_threads
from model.catalog import CatalogEntry, Shape
from model.predict import Forecast, Rates, count_work, forecast
from model.shapes import MIXES


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model and what it would do here. `reason` is why not, empty for one that fits."""

    name: str
    quant: str
    n_parameters: int
    forecast: Forecast
    reason: str

    @property
    def is_fit(self) -> bool:
        return not self.reason


def predict_entry(entry: CatalogEntry, rates: Mapping[int, Rates]) -> Forecast | None:
    """None where the shape or the type is not known, or the rates of so many threads."""
    return predict_shape(entry.shape, entry.quant, rates, entry.n_ctx) if entry.shape else None


def predict_shape(
    shape: Shape, quant: str, rates: Mapping[int, Rates], n_ctx_train: int = 0
) -> Forecast | None:
    if quant not in MIXES:
        return None
    work = count_work(shape, quant)
    known = rates.get(choose_n_threads(work.file_bytes))
    return forecast(work, known, memory.choose_n_ctx(n_ctx_train)) if known else None


def rank(rates: Mapping[int, Rates], within_ms: float) -> list[Candidate]:
    """Completion models: those that fit first, the largest of them first; then the others by speed."""
    rows = []
    for entry in catalog.entries().values():
        expected = predict_entry(entry, rates) if entry.use == "completion" else None
        if expected:
            reason = _find_reason(expected, within_ms)
            rows.append(Candidate(entry.name, entry.quant, entry.parameters, expected, reason))
    fit = sorted((row for row in rows if row.is_fit), key=lambda row: -row.n_parameters)
    return fit + sorted(
        (row for row in rows if not row.is_fit), key=lambda row: row.forecast.keystroke_p50_ms
    )


def _find_reason(expected: Forecast, within_ms: float) -> str:
    if memory.judge_room(int(expected.resident_mb * 1e6)) is memory.Room.NO:
        return "too little memory"
    return "too slow" if expected.keystroke_p50_ms > within_ms else ""
