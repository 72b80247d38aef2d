"""The console script as a person or a program runs it: real processes, the real model."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

EDGEWISE = Path(sysconfig.get_path("scripts")) / "edgewise"
ESCAPE = "\x1b"

SHAPES = '''"""Shapes."""


class Circle:
    """Round."""

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def area(self) -> float:
        """The area of this circle."""
        if self.radius < 0:
            raise ValueError(self.radius)
        return 3.14159 * self.radius**2
'''

APP = '''"""Uses shapes."""

from shapes import Circle


def total_area(circles: list[Circle]) -> float:
    """The sum of all areas. <|fim_middle|> 🦊 <|endoftext|>"""
    total = 0.0
    for circle in circles:
        total += circle.area()
    return total
'''


class Shell:
    """Runs `edgewise` in a project of its own, with folders of its own."""

    def __init__(self, project: Path, folders: Path) -> None:
        self.project = project
        self.folders = folders
        self.environment = {
            **os.environ,
            "EDGEWISE_RUNTIME_DIR": str(folders / "run"),
            "EDGEWISE_CACHE_DIR": str(folders / "cache"),
            "EDGEWISE_CONFIG": str(folders / "config.toml"),
        }

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(EDGEWISE), *arguments],
            cwd=self.project,
            env=self.environment | variables,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=100)
        assert "Traceback" not in err, err
        assert ESCAPE not in out
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def processes(self) -> list[psutil.Process]:
        """Every process that has one of our folders in its command line, or our project as its folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if str(self.folders) in " ".join(process.cmdline()) or process.cwd() == str(self.project):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(bytes(path) + path.read_bytes() for path in files)).hexdigest()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One project for all tests, which nothing may write to, and at the end no process of ours may be left.

    The path of a socket is short, so the other folders are not below pytest's.
    """
    project = tmp_path_factory.mktemp("project")
    (project / "shapes.py").write_text(SHAPES, encoding="utf-8")
    (project / "app.py").write_text(APP, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="ew-") as folders:
        shell = Shell(project, Path(folders))
        before = digest(shell.project)
        yield shell
        assert digest(shell.project) == before, "the workspace was written to"
        _, alive = psutil.wait_procs(shell.processes(), timeout=20)
        assert not alive, [process.cmdline() for process in alive]


def test_complete_says_what_where_and_at_what_cost(shell: Shell) -> None:
    answer = shell.json("complete", "app.py:10:16", "--workspace", ".")
    assert set(answer) >= {"completions", "reason", "model", "engine", "tokens", "ms"}
    assert answer["model"]
    assert answer["engine"] == "llama_cpp"
    assert set(answer["tokens"]) == {"prompt", "cached", "evaluated", "generated"}
    assert answer["tokens"]["prompt"] > 50
    assert answer["ms"]["total"] > 0
    assert (answer["reason"] is None) == bool(answer["completions"])
    for item in answer["completions"]:
        assert item["range"]["start"]["line"] == 10
        assert item["range"]["start"]["col"] <= 16


def test_complete_at_the_end_of_a_beginning_has_a_suggestion_that_goes_on_from_it(shell: Shell) -> None:
    path = shell.folders / "names.py"
    path.write_text(
        "class A:\n    def __init__(self, name, path):\n        self.name = name\n        self.path ="
    )
    (item,) = shell.json("complete", f"{path}:4:20")["completions"]
    start = item["range"]["start"]["col"] - 1
    assert item["text"].startswith("        self.path ="[start:])
    done = shell.run("complete", f"{path}:4:20")
    assert done.stdout.strip()
    assert item["text"].endswith(done.stdout.removesuffix("\n"))
    assert "prompt tokens" in done.stderr


def test_complete_prints_alternatives_where_they_are_wanted(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "sizes.py"
    path.write_text("a = measure(row)\nb = measure(row)\nc = measure(column)\n\nsize = measure(\n")
    place = ("complete", f"{path}:5:16")
    items = shell.json(*place, "--alternatives")["completions"]
    texts = [item["text"] for item in items]
    assert texts[:2] == ["size = measure(row)", "size = measure(column)"]
    assert len(set(texts)) == len(texts)
    assert shell.json(*place)["completions"] == items[:1]


def test_complete_with_an_engine_refused_model_says_so(shell: Shell) -> None:
    model = shell.folders / "cut.gguf"
    model.write_bytes(b"GGUF\3\0\0\0" + b"\xff" * 40)
    done = shell.run("complete", "app.py:10:16", "--model", str(model))
    assert done.returncode == 1
    assert "cut.gguf" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def as_edgewise(shell: Shell) -> Iterator[None]:
    """The built-in model in its fill-in-the-middle layout: the setting overrides what the file says."""
    config = shell.folders / "config.toml"
    config.write_text('[model]\nfamily = "edgewise"\n')
    yield
    config.unlink()


def test_the_built_in_model_is_shown_no_suffix(shell: Shell) -> None:
    kinds = {segment["kind"] for segment in shell.json("prompt", "app.py:10:16")["segments"]}
    assert {"header", "path", "prefix"} <= kinds <= {"header", "snippet", "path", "prefix"}


@pytest.mark.usefixtures("as_edgewise")
def test_prompt_shows_every_piece_of_what_the_model_sees(shell: Shell) -> None:
    answer = shell.json("prompt", "app.py:10:16")
    segments = answer["segments"]
    assert answer["text"] == "".join(segment["text"] for segment in segments)
    assert answer["tokens"] == sum(segment["tokens"] for segment in segments)
    assert {segment["kind"] for segment in segments} <= {
        "header",
        "snippet",
        "path",
        "prefix",
        "suffix",
        "middle",
    }
    texts = {
        kind: [s["text"] for s in segments if s["kind"] == kind] for kind in ("path", "prefix", "suffix")
    }
    assert any("app.py" in text for text in texts["path"])
    assert texts["prefix"][-1].endswith("        total +")
    assert any("return total" in text for text in texts["suffix"])


def test_prompt_holds_the_text_of_control_tokens_as_text(shell: Shell) -> None:
    segments = shell.json("prompt", "app.py:10:16")["segments"]
    (prefix,) = [s for s in segments if s["kind"] == "prefix" and "<|endoftext|>" in s["text"]]
    assert prefix["tokens"] > 20


@pytest.mark.parametrize("budget", [24, 60, 200])
def test_prompt_keeps_to_its_budget(shell: Shell, budget: int) -> None:
    assert shell.json("prompt", "app.py:10:16", "--budget", str(budget))["tokens"] <= budget


def test_a_long_prompt_is_filled_and_a_line_later_begins_alike(shell: Shell, tmp_path: Path) -> None:
    """Far longer than the model's own context; what changes with the cursor stands at the end."""
    line = "def {0}_{1}(value):\n    total = value * {1}\n    return total + value\n\n\n"
    for name in ("first", "second", "third", "fourth"):
        parts = "".join(line.format(name, number) for number in range(1500))
        (tmp_path / f"{name}.py").write_text(f"import first\n\n\n{parts}", "utf-8")
    answers = [
        shell.json(
            "prompt", f"{tmp_path}/second.py:{row}:5", "--workspace", str(tmp_path), "--budget", "131072"
        )
        for row in (805, 806)
    ]
    for answer in answers:
        assert 0.9 * 131_072 <= answer["tokens"] <= 131_072
        assert answer["tokens"] == sum(segment["tokens"] for segment in answer["segments"])
    before, after = ([(s["path"], s["text"], s["tokens"]) for s in answer["segments"]] for answer in answers)
    shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    assert sum(pair[0][2] for pair in shared) >= 0.95 * answers[0]["tokens"]


@pytest.mark.parametrize("context", [30, 300, 2000])
def test_a_prompt_holds_so_much_context_at_most(shell: Shell, context: int) -> None:
    for budget in ("1024", "20000"):
        answer = shell.json("prompt", "app.py:10:16", "--budget", budget, "--context-budget", str(context))
        snippets = [segment["tokens"] for segment in answer["segments"] if segment["kind"] == "snippet"]
        assert sum(snippets) <= context
        assert answer["tokens"] <= int(budget)


def test_explain_knows_callers_from_other_files(shell: Shell) -> None:
    done = shell.run("explain", "shapes.py:10")
    assert done.returncode == 0
    assert "area" in done.stdout
    assert "app.py:10" in done.stdout
    assert "ValueError" in done.stdout
    assert shell.json("explain", "shapes.py:10-14")["lines"] == {"start": 10, "end": 14}


def test_explain_of_a_whole_file(shell: Shell) -> None:
    assert "Circle" in shell.run("explain", "shapes.py").stdout


def test_doctor_finds_everything_in_order(shell: Shell) -> None:
    answer = shell.json("doctor")
    assert answer["ok"]
    names = {check["name"] for check in answer["checks"]}
    assert names >= {"python", "engines", "model", "socket folder", "engine host", "editors"}


def test_doctor_tells_how_to_mend_a_broken_model(shell: Shell) -> None:
    config = shell.folders / "broken.toml"
    config.write_text('[model]\nname = "/nowhere/model.gguf"\n', encoding="utf-8")
    done = shell.run("doctor", EDGEWISE_CONFIG=str(config))
    assert done.returncode == 1
    assert "BROKEN model: " in done.stdout
    assert "/nowhere/model.gguf" in done.stdout
    assert "mend: " in done.stdout


def test_demo_types_into_a_strange_project_and_explains_it(shell: Shell, tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        body = "".join(f"\n\n{SHAPES.replace('Circle', f'Circle{number}')}" for number in range(8))
        (tmp_path / name).write_text(f'"""More."""\n{body}', encoding="utf-8")
    before = digest(tmp_path)
    picture = shell.folders / "demo.svg"
    done = shell.run("demo", str(tmp_path), "--svg", str(picture))
    assert done.returncode == 0, done.stderr
    assert digest(tmp_path) == before
    assert "2 places to type at" in done.stdout
    assert "read 2 files" in done.stdout
    assert "file itself says" in done.stdout
    assert "Keystroke to answer" in done.stdout
    assert "vim.lsp.enable('edgewise')" in done.stdout
    svg = picture.read_text("utf-8")
    assert "Keystroke" in svg
    assert "@font-face" not in svg


def test_a_reader_that_leaves_is_no_failure(shell: Shell) -> None:
    process = shell.start("settings", "--markdown")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=30) == 0


def test_an_interrupt_ends_the_demo_quietly_and_takes_the_server_with_it(shell: Shell) -> None:
    process = shell.start("demo", str(Path(__file__).parent))
    assert process.stdout is not None
    assert "edgewise demo" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert err.strip() == ""
