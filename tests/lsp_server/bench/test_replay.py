"""Every contender types a few keys, each against a real host; and the two commands from end to end. No time
is judged."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsp_server.bench import overhead, replay
from lsp_server.bench.keys import cut, write_script
from lsp_server.bench.plan import limited, plan
from lsp_server.bench.replay import CONTENDERS, Bench
from lsp_server.cli import run
from lsp_server.commands.bench import CONTENDERS as NAMES
from lsp_server.settings import ModelSettings, Settings
from lsp_server.types import Span
from model.fit import Fit

CODE = '''"""Shapes."""


def area(width, height):
    """The area of a rectangle of this width and height, which are both lengths."""
    if width < 0 or height < 0:
        raise ValueError(width)
    return width * height


def volume(width, height, depth):
    """The volume of a box of this width, height and depth, which are all lengths."""
    if depth < 0:
        raise ValueError(depth)
    return area(width, height) * depth
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shapes.py").write_text(CODE)
    (tmp_path / "use.py").write_text("from shapes import volume\n\nprint(volume(1, 2, 3))\n")
    return tmp_path


@pytest.fixture
def bench(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(replay, "OPENING_S", 0.2)
    settings = Settings(model=ModelSettings(n_threads=1, idle_exit_s=0.5))
    hole = Span(CODE.index("    return width"), CODE.index("\n\n\ndef volume"))
    script = cut(write_script("shapes.py", CODE, [hole], random.Random(1)), 8)
    with tempfile.TemporaryDirectory(prefix="ew-") as scratch:
        yield Bench(project, Path(scratch), settings, (script,), Fit(1, 1500.0, 300.0))


@pytest.mark.parametrize("name", CONTENDERS)
async def test_a_contender_types_and_is_counted(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LAST_S", 4.0)  # a busy machine may take longer for the last answer
    found = await replay.replay(bench, name)
    assert found.name == CONTENDERS[name].title
    assert found.n_keys == 8
    assert found.n_answered >= 1
    assert found.n_evaluated > 0
    assert found.cpu_s > 0
    assert found.host_mb > 10


def test_the_command_names_every_contender() -> None:
    assert tuple(CONTENDERS) == NAMES


def test_a_plan_has_so_many_keys_and_a_copy_without_them(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    scripts = plan(project, copy, 100, seed=1)
    assert sum(len(script.keys) for script in scripts) == 100
    assert all((copy / script.path).read_text() == script.start for script in scripts)
    assert plan(project, tmp_path / "again", 100, seed=1) == scripts
    assert limited(scripts, 10)[0].keys == scripts[0].keys[:10]


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_bench(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overhead, "N_STARTS", 1)
    page = tmp_path / "page.html"
    asked = ["bench", "--dir", str(project), "--keystrokes", "6", "--overhead", "6", "--only", "vscode"]
    assert run([*asked, "--html", str(page), "--json"]) == 0
    report = read_json(capsys)
    assert report["n_keys"] == 6
    assert [one["name"] for one in report["contenders"]] == ["edgewise, as VS Code asks"]
    assert report["overhead"]["n_asked"] >= 1
    assert report["overhead"]["start_p50_ms"] > 0
    assert "edgewise, as VS Code asks" in page.read_text()
    assert "://" not in page.read_text()


def test_eval(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", str(project), "--functions", "1", "--json"]) == 0
    found = read_json(capsys)
    assert found["n_functions"] == 1
    assert found["n_retained"] <= found["n_inserted"]
    assert 0 <= found["completed_ratio"] <= 1
    assert found["answer_ms"]["n"] > 0
    assert (project / "shapes.py").read_text() == CODE


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bench", "--dir", "{empty}"], "holds no function to type"),
        (["bench", "--dir", "{empty}/missing"], "is not a folder"),
        (["bench", "--model", "a", "--shape", "b"], "give one of them"),
        (["bench", "--shape", "nonsense"], "There is no model named"),
        (["eval", "{empty}"], "holds no function to write"),
        (["eval", "{empty}/missing"], "is not a folder"),
    ],
)
def test_what_cannot_be_measured_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert run([argument.format(empty=tmp_path) for argument in arguments]) in (1, 2)
    assert sentence in capsys.readouterr().err
