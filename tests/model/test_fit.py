"""From measured speed to numbers, and the file that remembers the speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.fit import (
    Fit,
    FitFile,
    Tuning,
    choose_batch,
    choose_budget,
    choose_fit,
    choose_max_tokens,
    guess_prompt_per_s,
    settle_batch,
    speed_for_batch,
    tune,
)

SMALL, LARGE = 12_000_000, 900_000_000


@pytest.mark.parametrize(
    ("prompt_per_s", "weights_bytes", "n_batch"),
    [
        (7000, SMALL, 32),
        (1500, SMALL, 8),
        (100, SMALL, 4),
        (22.6, LARGE, 4),
        (43, LARGE, 4),
        (600, LARGE, 64),
        (1e9, LARGE, 512),
    ],
)
def test_a_batch_ends_before_a_person_notices(prompt_per_s: float, weights_bytes: int, n_batch: int) -> None:
    assert choose_batch(prompt_per_s, weights_bytes) == n_batch


@pytest.mark.parametrize("n_batch", [4, 8, 16, 32, 64, 128, 256, 512])
@pytest.mark.parametrize("weights_bytes", [SMALL, LARGE])
def test_a_batch_can_be_asked_for_by_its_speed(n_batch: int, weights_bytes: int) -> None:
    assert choose_batch(speed_for_batch(n_batch, weights_bytes), weights_bytes) == n_batch


def test_a_host_measures_itself_with_a_guess_and_chooses_once() -> None:
    asked: list[int] = []

    def speed(n_batch: int) -> float:
        asked.append(n_batch)
        return 600.0

    assert settle_batch(speed, LARGE, n_threads=2) == 64
    assert asked == [4]


def test_a_slow_model_reads_less() -> None:
    assert choose_budget(Fit(2, 43.0, 20.0)) == 430
    assert choose_budget(Fit(2, 5.0, 2.0)) == 256
    assert choose_budget(Fit()) == 0


def test_while_others_need_the_cores_suggestions_are_shorter() -> None:
    slow = Fit(2, 43.0, 100.0)
    assert choose_max_tokens(slow, 1.0) == 0
    assert choose_max_tokens(slow, 0.5) == 20
    assert choose_max_tokens(slow, 0.1) == 16
    assert choose_max_tokens(Fit(), 0.5) == 0


@pytest.mark.parametrize(
    ("measured", "chosen"),
    [
        ([Fit(1, 43.0, 20.0), Fit(2, 43.0, 20.0)], Fit(1, 43.0, 20.0, 1)),
        ([Fit(1, 40.0, 20.0), Fit(2, 80.0, 38.0)], Fit(2, 80.0, 38.0, 2)),
        ([Fit(2, 44.0, 20.5), Fit(1, 43.0, 20.0)], Fit(1, 43.0, 20.0, 1)),
        ([Fit(1, 40.0, 20.0), Fit(2, 75.0, 20.4)], Fit(1, 75.0, 20.0, 2)),
        ([Fit(1, 40.0, 8.0), Fit(2, 40.0, 14.0), Fit(4, 39.0, 9.0)], Fit(2, 40.0, 14.0, 1)),
    ],
)
def test_prompts_and_generation_each_have_their_threads(measured: list[Fit], chosen: Fit) -> None:
    """The fewest that come near the best."""
    assert choose_fit(measured) == chosen


def test_threads_stay_within_what_is_free() -> None:
    fit = Fit(n_threads=3, prompt_per_s=600.0, generated_per_s=20.0, n_prompt_threads=4)
    assert tune(fit, LARGE, n_free=8) == Tuning(3, 4, 64)
    assert tune(fit, LARGE, n_free=3) == Tuning(3, 3, 64)
    assert tune(fit, LARGE, n_free=1) == Tuning(1, 1, 64)
    assert tune(Fit(2, 600.0, 20.0), LARGE, n_free=8) == Tuning(2, 2, 64)


def test_before_anything_is_measured_a_large_model_has_a_small_batch() -> None:
    guesses = [guess_prompt_per_s(n_bytes, 2) for n_bytes in (SMALL, LARGE, 8 * LARGE)]
    assert guesses == sorted(guesses, reverse=True)
    assert [choose_batch(*pair) for pair in zip(guesses, (SMALL, LARGE, LARGE), strict=True)] == [16, 4, 4]


def test_a_speed_is_remembered_for_this_model_only(tmp_path: Path) -> None:
    fit = Fit(2, 43.0, 20.0)
    FitFile(tmp_path / "fit", "weights").write(fit)
    assert FitFile(tmp_path / "fit", "weights").read() == fit
    assert not FitFile(tmp_path / "fit", "other weights").read().is_known


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"n_threads": -1, "prompt_per_s": 1}', '{"n_threads": "x"}']
)
def test_a_file_of_another_kind_is_as_none(tmp_path: Path, content: str) -> None:
    file = FitFile(tmp_path, "weights")
    file.write(Fit(1, 1.0, 1.0))
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    assert file.read() == Fit()


def test_without_a_folder_nothing_is_remembered() -> None:
    file = FitFile(None, "weights")
    file.write(Fit(1, 1.0, 1.0))
    assert file.read() == Fit()
