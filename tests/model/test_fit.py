"""From measured speed to numbers, and the file that remembers the speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.fit import Fit, FitFile, choose_batch, choose_budget, choose_faster, choose_max_tokens

SMALL, LARGE = 12_000_000, 900_000_000


@pytest.mark.parametrize(
    ("prompt_per_s", "weights_bytes", "n_batch"),
    [
        (7000, SMALL, 256),
        (1500, SMALL, 64),
        (100, SMALL, 8),
        (43, LARGE, 8),
        (600, LARGE, 128),
        (1e9, LARGE, 512),
    ],
)
def test_a_batch_ends_before_a_person_notices(prompt_per_s: float, weights_bytes: int, n_batch: int) -> None:
    assert choose_batch(prompt_per_s, weights_bytes) == n_batch


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


def test_fewer_threads_win_near_ties() -> None:
    assert choose_faster([Fit(2, 43.0, 20.0), Fit(1, 43.0, 20.0)]).n_threads == 1
    assert choose_faster([Fit(1, 40.0, 20.0), Fit(2, 80.0, 38.0)]).n_threads == 2


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
