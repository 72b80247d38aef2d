"""`edgewise model tune`: which files are learned from, what is said when that fails, the way to the host."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli import run
from lsp_server.commands.tune import read_texts
from lsp_server.engine import build_spec
from lsp_server.settings import IndexSettings, Layer, ModelSettings, merge
from model import adapters, catalog, store
from model.adapters import AdapterNote
from model.commands import tuning
from model.gguf import read_header
from model.lab.tune_judge import Figures, Outcome
from model.protocol import ModelRefused

CODE = "def work(value):\n    return value + 1\n\n\n"
Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {"MODELS_DIR": "models", "CACHE_DIR": "cache", "CONFIG": "config.toml"}.items():
        monkeypatch.setenv(f"EDGEWISE_{name}", str(tmp_path / value))
    monkeypatch.setattr(tuning, "NICENESS", 0)  # the process is the suite's: it cannot be raised again
    return tmp_path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    for name in ("a.py", "inner/b.py", "inner/c.js", ".env.py", "kept/secret.pem", "ignored/d.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(CODE, encoding="utf-8")
    (root / ".gitignore").write_text("ignored/\n", encoding="utf-8")
    (root / "binary.py").write_bytes(b"\0\1\2")
    (root / "empty.py").touch()
    return root


@pytest.fixture
def tune(capsys: pytest.CaptureFixture[str]) -> Answer:
    def tune(*arguments: str) -> tuple[int, str, str]:
        code = run(["model", "tune", *arguments])
        return code, *capsys.readouterr()

    return tune


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few small steps instead of minutes."""
    from model.lab.tune import TunePlan

    def build_plan(request: tuning.Request) -> TunePlan:
        return TunePlan(n_time=48, n_rows=2, max_steps=4, n_cases=request.n_cases)

    monkeypatch.setattr(tuning, "_build_plan", build_plan)


def test_only_what_the_index_would_read_is_learned_from(workspace: Path) -> None:
    found = dict(read_texts(workspace, IndexSettings()))
    assert {"a.py", "inner/b.py", "inner/c.js"} <= set(found)
    assert not [path for path in found if "secret" in path or "ignored" in path or path.startswith("binary")]
    assert "empty.py" not in found
    assert found["a.py"] == CODE
    fewer = dict(read_texts(workspace, IndexSettings(exclude=("inner/",))))
    assert "a.py" in fewer and "inner/b.py" not in fewer


def test_too_little_code_is_said(tune: Answer, workspace: Path) -> None:
    code, out, err = tune(str(workspace))
    assert (code, out) == (1, "")
    assert "has too little code to learn from (" in err and "name a larger folder" in err
    assert "error" in json.loads(tune(str(workspace), "--json")[1])


def test_a_missing_extra_is_said_in_a_sentence(
    tune: Answer, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    code, _, err = tune(str(workspace))  # which has too little code besides: what is missing is said first
    assert code == 1
    assert err == (
        "edgewise: `edgewise model tune` trains with torch, not installed here: "
        'run `pip install "edgewise[train]"` and try again.\n'
    )


def test_what_is_no_folder(tune: Answer, home: Path) -> None:
    assert tune(str(home / "nothing"))[0] == 2


def large(workspace: Path) -> Path:
    """Enough code to learn from, and quick to learn a little of."""
    for number in range(12):
        lines = "".join(f"def step_{number}_{i}(value):\n    return value + {i}\n\n\n" for i in range(80))
        (workspace / f"step{number}.py").write_text(lines, encoding="utf-8")
    return workspace


@pytest.mark.usefixtures("quick")
def test_a_run_on_a_workspace_writes_nothing_into_it(tune: Answer, workspace: Path, home: Path) -> None:
    before = snapshot(large(workspace))
    code, out, err = tune(str(workspace), "--lines", "10", "--json")
    assert (code, err) == (0, "")
    figures = json.loads(out)
    assert (figures["n_cases"], figures["n_train_files"] > figures["n_held_out_files"] > 0) == (10, True)
    assert figures["n_steps"] > 0 and bool(figures["installed"]) is bool(adapters.list_adapters())
    assert snapshot(workspace) == before
    assert not [path for path in (home / "cache").rglob("*") if path.is_file()]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make_adapter(folder: Path, rank: int) -> Path:
    """One of the built-in model that changes nothing: B is zero."""
    import gguf
    import numpy

    made = folder / "made.gguf"
    writer = gguf.GGUFWriter(made, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 1.0)
    n_in, n_out = read_header(store.resolve_model(catalog.BUILTIN)).tensors["blk.0.ffn_down.weight"].shape
    writer.add_tensor("blk.0.ffn_down.weight.lora_a", numpy.ones((rank, n_in), numpy.float32))
    writer.add_tensor("blk.0.ffn_down.weight.lora_b", numpy.zeros((n_out, rank), numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return made


def install_something() -> adapters.Adapter:
    model = store.resolve_model(catalog.BUILTIN)
    made = make_adapter(store.staging_folder(), rank=2)
    sha256 = store.hash_file(model, lambda _: None)
    note = AdapterNote("builtin", sha256, model.stat().st_size, "/my/code", 9, 100, 3.0, 5.5, "now")
    return adapters.install(made, model, note)


def test_the_host_gets_the_adapter_that_the_settings_mean() -> None:
    assert build_spec(ModelSettings()).adapter == ""
    installed = install_something()
    assert build_spec(ModelSettings()).adapter == str(installed.path)
    assert build_spec(ModelSettings(adapter="none")).adapter == ""
    assert build_spec(ModelSettings(adapter=str(installed.path))).adapter == str(installed.path)
    with pytest.raises(ModelRefused, match=r"/no/such\.gguf"):
        build_spec(ModelSettings(adapter="/no/such.gguf"))


def test_only_the_user_may_choose_an_adapter() -> None:
    settings, problems = merge(Layer("here", {"model": {"adapter": "none"}}))
    assert (settings.model.adapter, problems) == ("none", ())
    extra = ModelSettings.model_fields["adapter"].json_schema_extra
    assert extra == {"scope": "machine"}


def test_list_shows_it_and_remove_takes_it_away(
    tune: Answer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = install_something()
    assert run(["model", "list"]) == 0
    shown = capsys.readouterr().out
    assert "adapter learned from /my/code: 3 % of held-out lines exact before, 5.5 % after" in shown
    code, out, _ = tune("--remove")
    assert (code, out) == (0, f"Removed {installed.path}, which had learned from /my/code.\n")
    assert adapters.list_adapters() == []
    assert "has no adapter: nothing was removed" in tune("--remove")[2]


def outcome_of(after: str, seconds: float, adapter: Path) -> Outcome:
    hits = [Figures(tuple(mark == "1" for mark in marks)) for marks in ("000", after)]
    return Outcome(hits[0], hits[1], 8, 2, 10, 1000, seconds, (3.0, 2.9), adapter)


@pytest.mark.parametrize(
    ("after", "seconds", "words"),
    [
        ("110", 480.0, "in the place of the one that had learned from /my/code: "),
        ("000", 480.0, "the model stays as it was. `--minutes 24` gives it more time."),
        ("000", 100.0, "because it does not help: the model stays as it was.\n"),
    ],
)
def test_what_is_said_at_the_end(
    after: str, seconds: float, words: str, tune: Answer, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.lab import tune as lab

    earlier = install_something()
    outcome = outcome_of(after, seconds, make_adapter(store.staging_folder(), rank=3))
    monkeypatch.setattr(lab, "tune", lambda *_: outcome)
    code, out, err = tune(str(large(workspace)))
    assert (code, words in out) == (0, True)
    assert "for at most 8 minutes" in err
    found = adapters.find_adapter(store.resolve_model(catalog.BUILTIN))
    assert found is not None and (found.path == earlier.path) is (after == "000")


@pytest.mark.usefixtures("quick")
def test_ctrl_c_keeps_what_was_learned(
    tune: Answer, workspace: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal
    from contextlib import contextmanager

    real = tuning.TuneWatcher.track

    @contextmanager
    def track(self: tuning.TuneWatcher, label: str, total: int) -> Any:
        with real(self, label, total) as advance:
            yield lambda n: signal.raise_signal(signal.SIGINT) if n > 100 else advance(n)

    monkeypatch.setattr(tuning.TuneWatcher, "track", track)
    code, out, err = tune(str(large(workspace)))
    assert (code, out) == (130, "")
    assert err.endswith(
        "edgewise: Stopped: what was learned so far is kept, the same command goes on from there.\n"
    )
    assert [path.name for path in (home / "cache").rglob("*.pt")] == ["tune.pt"]
    monkeypatch.setattr(tuning.TuneWatcher, "track", real)
    code, _, err = tune(str(workspace), "--lines", "10")
    assert (code, "Going on from" in err) == (0, True)
