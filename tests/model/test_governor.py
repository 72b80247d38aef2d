"""Governing a real engine: measured once, remembered, refitted while idle, let alone where the user chose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model import governor as module
from model.contention import Contention, Times
from model.engines import EngineOptions
from model.engines.llama_cpp import LlamaCpp
from model.fit import Fit, FitFile, Tuning
from model.gguf import read_header
from model.governor import Economy, Governor, Subject
from model.protocol import Pace
from model.speed import choose_ids
from model.wire import Wire
from tests.model.factory import write_gguf

START = Tuning(n_threads=1, n_prompt_threads=1, n_batch=128)
LARGE = 900_000_000  # bytes that are claimed, so that more than one thread is considered


class Machine:
    """Processor times of two cores, of which other programs use some."""

    def __init__(self) -> None:
        self.others, self._wall_s, self._busy_s = 0.0, 0.0, 0.0

    def __call__(self) -> Times:
        self._wall_s, self._busy_s = self._wall_s + 1.0, self._busy_s + self.others
        return Times(self._busy_s, 0.0, 0.0, self._wall_s)


@pytest.fixture
def subject(runtime_root: Path, tmp_path: Path) -> Iterator[Subject]:
    runtime_root.mkdir()
    options = EngineOptions(str(runtime_root / "e.sock"), "", n_ctx=512, n_slots=2, n_threads=1)
    header = read_header(write_gguf(tmp_path / "m.gguf"))
    engine = LlamaCpp().start(header, options)
    yield Subject(engine, Wire(options.socket_path), LARGE, choose_ids(header), START, is_fixed=False)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(module, "QUIET_S", 0.0)
    monkeypatch.setattr(module, "count_cores", lambda: 2)
    return Machine()


def govern(
    subject: Subject, machine: Machine, file: FitFile, **options: object
) -> tuple[Governor, list[Pace]]:
    told: list[Pace] = []
    contention = Contention(2, machine)
    return Governor(subject, file, contention=contention, tell=told.append, **options), told  # type: ignore[arg-type]


def test_the_speed_is_measured_once_and_remembered(
    subject: Subject, machine: Machine, tmp_path: Path
) -> None:
    file = FitFile(tmp_path / "fit", "m")
    governor, told = govern(subject, machine, file)
    governor.tick()
    fit = file.read()
    assert fit.is_known
    assert (told[-1].prompt_per_s, told[-1].n_threads) == (round(fit.prompt_per_s, 1), fit.n_threads)
    governor.tick()
    assert file.read() == fit


def test_threads_are_given_up_while_others_need_them(
    subject: Subject, machine: Machine, tmp_path: Path
) -> None:
    file = FitFile(tmp_path / "fit", "m")
    file.write(Fit(2, 300.0, 100.0))
    governor, told = govern(subject, machine, file)
    governor.tick()
    assert told[-1].n_threads == 2
    machine.others = 1.0
    for _ in range(8):
        governor.tick()
    assert (told[-1].n_threads, told[-1].is_contended, told[-1].max_tokens) == (1, True, 20)
    machine.others = 0.0
    for _ in range(20):
        governor.tick()
    assert (told[-1].n_threads, told[-1].is_contended, told[-1].max_tokens) == (2, False, 0)


def test_threads_that_the_user_named_stay(subject: Subject, machine: Machine, tmp_path: Path) -> None:
    file = FitFile(tmp_path / "fit", "m")
    file.write(Fit(2, 300.0, 100.0))
    fixed = Subject(subject.engine, subject.wire, LARGE, subject.ids, START, is_fixed=True)
    governor, told = govern(fixed, machine, file)
    governor.tick()
    assert (told[-1].n_threads, told[-1].n_batch) == (1, 32)


def test_economy_takes_one_thread(subject: Subject, machine: Machine, tmp_path: Path) -> None:
    file = FitFile(tmp_path / "fit", "m")
    file.write(Fit(2, 300.0, 100.0))
    governor, told = govern(subject, machine, file, economy=Economy.ALWAYS)
    governor.tick()
    assert (told[-1].n_threads, told[-1].saves_energy, told[-1].max_tokens) == (1, True, 20)


def test_beside_a_build_a_speed_is_not_remembered(
    subject: Subject, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = FitFile(tmp_path / "fit", "m")
    monkeypatch.setattr(module, "QUIET_S", 1e9)
    monkeypatch.setattr(module, "BUSY_S", 0.0)
    governor, told = govern(subject, machine, file)
    machine.others = 2.0
    for _ in range(6):
        governor.tick()
    assert told[-1].prompt_per_s > 0
    assert not file.read().is_known
    monkeypatch.setattr(module, "QUIET_S", 0.0)
    machine.others = 0.0
    for _ in range(20):
        governor.tick()
    assert file.read().is_known
