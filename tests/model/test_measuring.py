"""`edgewise model bench`, `recommend` and what `list` predicts: real hosts on tiny shapes, known rates."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli import run
from model import calibrate, check_shapes, store
from model.catalog import Shape
from model.check_shapes import Subject
from model.commands import measuring
from model.commands.measuring import parse_shape
from model.protocol import ModelRefused
from tests.model.hosting import BUILTIN
from tests.model.test_predict import RATES

TINY = "n_layer=2,n_embd=64,n_head=4,n_head_kv=2,n_ff=128,n_vocab=1000"
Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, runtime_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEWISE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr(calibrate, "N_TIMES", 1)
    return tmp_path / "cache"


@pytest.fixture
def known_rates() -> None:
    for n_threads in measuring.list_thread_counts():
        calibrate.write_rates(replace(RATES, n_threads=n_threads))


@pytest.fixture
def model(capsys: pytest.CaptureFixture[str]) -> Answer:
    def model(*arguments: str) -> tuple[int, str, str]:
        code = run(["model", *arguments])
        return code, *capsys.readouterr()

    return model


def read(answer: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = answer
    assert (code, err) == (0, ""), out
    document: dict[str, Any] = json.loads(out)
    return document


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_shape_is_measured_in_a_real_host_and_leaves_nothing(model: Answer, cache: Path) -> None:
    figures = read(model("bench", "--shape", TINY, "--type", "q4_0", "--threads", "1", "--json"))
    assert figures["prompt_per_s"] > 0 and figures["generated_per_s"] > 0 and figures["resident_mb"] > 1
    assert (figures["n_prompt"], figures["n_threads"], figures["predicted"]) == (256, 1, None)
    assert files_in(cache) == []


@pytest.mark.usefixtures("known_rates")
def test_a_prediction_stands_beside_it(model: Answer) -> None:
    code, shown, _ = model("bench", "--shape", TINY)
    assert code == 0
    assert shown.count("(predicted: ") == 3
    assert "a suggestion of 12 tokens after a keystroke: about" in shown


def test_a_file_is_measured(model: Answer) -> None:
    figures = read(model("bench", "builtin", "--threads", "1", "--json"))
    assert figures["resident_mb"] * 1e6 > BUILTIN.stat().st_size
    assert figures["n_generated"] == 32


def test_what_recommend_says(model: Answer, known_rates: None) -> None:
    document = read(model("recommend", "--within-ms", "2500", "--json"))
    names = [row["name"] for row in document["models"]]
    assert {"qwen2.5-coder-0.5b", "starcoder2-3b", "codellama-7b"} <= set(names)
    assert not {"zeta", "qwen2.5-coder-7b-instruct"} & set(names)
    code, shown, _ = model("recommend", "--within-ms", "2500")
    assert (code, shown.splitlines()[0]) == (0, shown.splitlines()[0])
    assert shown.startswith(f"For completion here: {names[0]}, about ")
    assert model("recommend", "--within-ms", "50")[1].startswith(
        "No model of the catalogue answers within 50"
    )


def test_list_says_what_this_machine_would_get(model: Answer, known_rates: None) -> None:
    rows = {row["name"]: row for row in read(model("list", "--json"))["models"]}
    assert rows["qwen2.5-coder-1.5b"]["forecast"]["generated_per_s"] > 0
    assert rows["builtin"]["forecast"]["resident_mb"] * 1e6 > BUILTIN.stat().st_size
    assert "(predicted)" in model("list")[1]


def test_list_says_how_to_get_predictions(model: Answer) -> None:
    assert "`edgewise model bench --calibrate` measures it" in model("list")[1]


def test_calibration_is_kept_for_this_machine(model: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Shape(2, 256, 4, 2, 512, 1000, is_tied=True)
    monkeypatch.setattr(calibrate, "DENSE", small)
    monkeypatch.setattr(calibrate, "SMALL", Shape(4, 128, 4, 2, 256, 1000, is_tied=True))
    monkeypatch.setattr(calibrate, "EXPERTS", Shape(2, 256, 4, 2, 256, 1000, n_expert=4, n_expert_used=2))
    monkeypatch.setattr(check_shapes, "list_subjects", lambda: (Subject("small", small, "Q8_0"),))
    (rates,) = read(model("bench", "--calibrate", "--threads", "1", "--json"))["rates"]
    assert rates["n_threads"] == 1 and set(rates["read_ns"]) == set(calibrate.TYPES)
    known = calibrate.read_rates(1)
    assert known and known.layer_us == rates["layer_us"]
    (row,) = read(model("bench", "--check", "--threads", "1", "--json"))["rows"]
    assert row["measured"]["generated_per_s"] > 0 and row["predicted"]["generated_per_s"] > 0
    assert calibrate.read_rates(1) == known


def test_damaged_rates_are_measured_again() -> None:
    path = calibrate.write_rates(RATES)
    path.write_text('{"n_threads": 2}', encoding="utf-8")
    assert calibrate.read_rates(2) is None


@pytest.mark.parametrize(
    ("text", "quant", "words"),
    [
        ("qwen2.5-coder-0.5", "", "did you mean qwen2.5-coder-0.5b?"),
        ("builtin", "", "The shape of builtin is not known"),
        ("n_layer=2", "", "lacks sizes: n_layer, n_embd"),
        ("n_layers=2", "", "'n_layers=2' is no size of a shape"),
        ("n_layer=-2", "", "is no size of a shape"),
        (TINY, "Q9_9", "There is no type Q9_9"),
        (TINY.replace("n_head_kv=2", "n_head_kv=3"), "", "cannot be run"),
        (TINY.replace("n_vocab=1000", "n_vocab=10"), "", "cannot be run"),
        (TINY + ",n_expert=4,n_expert_used=9", "", "cannot be run"),
    ],
)
def test_shapes_that_are_refused(text: str, quant: str, words: str) -> None:
    with pytest.raises(ModelRefused, match=words.replace("?", r"\?")):
        parse_shape(text, quant)


def test_a_shape_can_be_spelled_out() -> None:
    asked = parse_shape(TINY + ",is_tied=true,n_expert=4,n_expert_used=2")
    assert asked.shape == Shape(2, 64, 4, 2, 128, 1000, n_expert=4, n_expert_used=2, is_tied=True)
    assert asked.quant == "Q8_0"
    assert parse_shape("qwen2.5-coder-1.5b", "Q4_0").quant == "Q4_0"


def test_more_than_the_machine_carries_is_not_written(
    model: Answer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = "n_layer=200,n_embd=16384,n_head=128,n_head_kv=8,n_ff=65536,n_vocab=100000"
    code, _, err = model("bench", "--shape", huge)
    assert (code, "more than this machine has for it: choose a smaller type or model" in err) == (1, True)
    monkeypatch.setattr(store, "SPARE_BYTES", 1 << 60)
    code, _, err = model("bench", "--shape", TINY)
    assert (code, "There is not enough room in" in err) == (1, True)
    assert files_in(cache) == []


@pytest.mark.parametrize("arguments", [[], ["builtin", "--shape", TINY], ["builtin", "--check"]])
def test_one_thing_at_a_time(arguments: list[str], model: Answer) -> None:
    code, _, err = model("bench", *arguments)
    assert (code, "name a model, or give --shape" in err) == (2, True)


def test_ctrl_c_leaves_no_file(model: Answer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(calibrate, "measure_best", stop)
    code, out, err = model("bench", "--shape", TINY)
    assert (code, out, err) == (130, "", "edgewise: Stopped: nothing was kept.\n")
    assert files_in(cache) == []
