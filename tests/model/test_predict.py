"""The arithmetic of predictions: what each part of a model adds, and that calibration finds known rates."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from model import catalog
from model.calibrate import (
    BASE_MB,
    DENSE,
    FEW,
    MANY,
    N_CTX,
    N_GENERATED,
    N_LONG,
    N_PROMPT,
    SMALL,
    TYPES,
    fit_expert,
    fit_rates,
)
from model.calibrate import EXPERTS as EXPERT_SHAPE
from model.catalog import Shape
from model.fit import FIT_PROMPT, Fit, choose_batch, guess_prompt_per_s, tune
from model.predict import Rates, count_work, forecast, plan_batch, prompt_s, resident_mb, token_s
from model.recommend import rank
from model.shapes import MIXES
from model.speed import Speed

RATES = Rates(
    n_threads=2, read_ns={"Q8_0": 0.1, "Q4_0": 0.05, "Q4_K": 0.05, "Q6_K": 0.08},
    several_ns={"Q8_0": 0.06, "Q4_0": 0.01, "Q4_K": 0.0, "Q6_K": 0.04},
    multiply_ns={"Q8_0": 0.03, "Q4_0": 0.02, "Q4_K": 0.025, "Q6_K": 0.03},
    resident={"Q8_0": 1.0, "Q4_0": 1.8, "Q4_K": 1.9, "Q6_K": 1.0},
    expert=2.0, layer_us=50.0, wide_ns=1.0, attend_ps=200.0, attend_batch_ps=40.0, base_mb=BASE_MB,
)  # fmt: skip
NAMES = [name for name, entry in catalog.entries().items() if entry.shape and entry.quant in MIXES]


def test_every_weight_of_a_dense_model_is_read_for_a_token() -> None:
    shape = Shape(4, 512, 8, 8, 1024, 2000, is_tied=True)
    work = count_work(shape, "Q8_0")
    still = replace(RATES, layer_us=0.0, wide_ns=0.0, attend_ps=0.0)
    assert token_s(work, still, 100) == pytest.approx(shape.count_parameters() * 0.1 / 1e9)


def test_of_experts_only_those_used_are_read_for_a_token() -> None:
    still = replace(RATES, layer_us=0.0, wide_ns=0.0, attend_ps=0.0)
    half = Shape(4, 512, 8, 8, 512, 2000, n_expert=8, n_expert_used=4)
    work = count_work(half, "Q8_0")
    experts, rest = sum(work.experts.values()), sum(work.body.values()) + sum(work.head.values())
    router = work.body["F32"] * 0.1 * (4 / (34 / 32) - 1)  # floats cost by their bytes
    assert token_s(work, still, 0) == pytest.approx((experts / 2 * 0.1 + rest * 0.1 + router) / 1e9)


def test_a_longer_context_costs_more_and_a_cached_prompt_less() -> None:
    work = count_work(Shape(4, 512, 8, 8, 1024, 2000), "Q4_0")
    assert token_s(work, RATES, 1000) > token_s(work, RATES, 10)
    some, fewer, least = (prompt_s(work, RATES, n_tokens, n_batch=128) for n_tokens in (300, 128, 4))
    assert some > fewer > least
    assert prompt_s(work, RATES, 128, n_before=1000, n_batch=128) > fewer


def test_smaller_batches_read_the_weights_more_often() -> None:
    work = count_work(Shape(4, 512, 8, 8, 1024, 2000, is_tied=True), "Q8_0")
    still = replace(RATES, layer_us=0.0, wide_ns=0.0, attend_batch_ps=0.0)
    few, many = (prompt_s(work, still, 64, n_batch=n_batch) for n_batch in (4, 64))
    quantized = work.body["Q8_0"]
    assert few - many == pytest.approx(15 * quantized * (0.1 + 0.06 - 0.03) / 1e9)


def test_a_forecast_has_the_batch_that_a_host_comes_to() -> None:
    work = count_work(Shape(28, 1536, 12, 2, 8960, 151_936, is_tied=True), "Q8_0")
    begun = choose_batch(guess_prompt_per_s(work.file_bytes, 2), work.file_bytes)
    measured = FIT_PROMPT / prompt_s(work, RATES, FIT_PROMPT, n_batch=begun)
    tuned = tune(Fit(2, measured, 10.0), work.file_bytes, n_free=2)
    assert plan_batch(work, RATES) == tuned.n_batch < 128
    assert forecast(work, RATES, 2048).prompt_per_s == 256 / prompt_s(work, RATES, 256, n_batch=tuned.n_batch)


def test_one_token_costs_the_same_as_a_prompt_and_as_a_generation() -> None:
    work = count_work(Shape(4, 512, 8, 8, 1024, 2000), "Q4_0")
    assert prompt_s(work, RATES, 1, n_before=10, n_batch=128) == pytest.approx(token_s(work, RATES, 10.5))


@pytest.mark.parametrize("name", NAMES)
def test_every_published_shape_has_a_forecast(name: str) -> None:
    entry = catalog.entries()[name]
    assert entry.shape
    work = count_work(entry.shape, entry.quant)
    expected = forecast(work, RATES, 4096)
    assert expected.prompt_per_s > expected.generated_per_s > 0
    assert 0 < expected.keystroke_p50_ms < expected.keystroke_p95_ms < expected.jump_ms
    assert expected.resident_mb * 1e6 > work.file_bytes


def test_a_larger_model_of_a_kind_is_slower() -> None:
    names = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "qwen2.5-coder-3b", "qwen2.5-coder-7b")
    shapes = [catalog.entries()[name].shape for name in names]
    rows = [forecast(count_work(shape, "Q8_0"), RATES, 4096) for shape in shapes if shape]
    assert all(one.keystroke_p50_ms < other.keystroke_p50_ms for one, other in itertools.pairwise(rows))


def pretend(shape: Shape, quant: str, rates: Rates, n_prompt: int = N_PROMPT, n_batch: int = MANY) -> Speed:
    """What a machine of these rates would be measured as."""
    work = count_work(shape, quant)
    return Speed(
        prompt_per_s=n_prompt / prompt_s(work, rates, n_prompt, n_batch=n_batch),
        generated_per_s=1 / token_s(work, rates, n_prompt + N_GENERATED / 2),
        resident_mb=resident_mb(work, rates, N_CTX),
    )


def test_calibration_finds_the_rates_of_a_machine_that_follows_the_formula() -> None:
    speeds = {
        quant: (pretend(DENSE, quant, RATES, n_batch=FEW), pretend(DENSE, quant, RATES)) for quant in TYPES
    }
    found = fit_rates(2, speeds, pretend(SMALL, "Q8_0", RATES), pretend(DENSE, "Q8_0", RATES, N_LONG))
    found = replace(found, expert=fit_expert(found, pretend(EXPERT_SHAPE, "Q4_0", RATES, n_batch=FEW)))
    for quant in TYPES:
        assert found.read(quant) == pytest.approx(RATES.read(quant), rel=0.02)
        assert found.several(quant) == pytest.approx(RATES.several(quant), rel=0.02, abs=1e-3)
        assert found.multiply(quant) == pytest.approx(RATES.multiply(quant), rel=0.02)
        assert found.keep(quant) == pytest.approx(RATES.keep(quant), rel=0.02)
    assert found.layer_us == pytest.approx(RATES.layer_us, rel=0.05)
    assert found.wide_ns == pytest.approx(RATES.wide_ns, rel=0.05)
    assert found.attend_ps == pytest.approx(RATES.attend_ps, rel=0.05)
    assert found.attend_batch_ps == pytest.approx(RATES.attend_batch_ps, rel=0.05)
    assert found.expert == pytest.approx(RATES.expert, rel=0.05)


def test_ranking_puts_the_largest_that_is_quick_enough_first() -> None:
    rates = {1: replace(RATES, n_threads=1), 2: RATES}
    rows = rank(rates, 2500)
    fit = [row for row in rows if row.is_fit]
    assert fit and rows[: len(fit)] == fit
    assert [row.n_parameters for row in fit] == sorted((row.n_parameters for row in fit), reverse=True)
    assert all(row.forecast.keystroke_p50_ms <= 2500 for row in fit)
    assert all(row.reason in ("too slow", "too little memory") for row in rows[len(fit) :])
    assert not [row for row in rank(rates, 1) if row.is_fit]
