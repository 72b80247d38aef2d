"""`edgewise model ...` through the console script's own entry: output, exit codes, errors as one sentence."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli import run
from model import quantize, store
from model.commands.terminal import Terminal
from model.memory import FORMULA
from tests.model.factory import write_gguf
from tests.model.hosting import BUILTIN, running_host

Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("EDGEWISE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def model(capsys: pytest.CaptureFixture[str]) -> Answer:
    """Runs `edgewise model ...`; gives the exit code, stdout and stderr."""

    def model(*arguments: str) -> tuple[int, str, str]:
        code = run(["model", *arguments])
        return code, *capsys.readouterr()

    return model


@pytest.fixture
def read(model: Answer) -> Callable[..., dict[str, Any]]:
    """The JSON of a command that goes well."""

    def read(*arguments: str) -> dict[str, Any]:
        code, out, err = model(*arguments, "--json")
        assert (code, err) == (0, ""), out
        document = json.loads(out)
        assert isinstance(document, dict)
        return document

    return read


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes at the first step of whatever takes long."""

    @contextmanager
    def track(*_: object) -> Iterator[store.Advance]:
        yield lambda _: signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Terminal, "track", track)


def test_list_has_the_model_that_ships_and_the_catalogue(model: Answer, read: Callable[..., Any]) -> None:
    document = read("list")
    rows = {row["name"]: row for row in document["models"]}
    builtin, remote = rows["builtin"], rows["deepseek-coder-1.3b"]
    assert builtin["size_bytes"] == Path(builtin["path"]).stat().st_size
    assert (builtin["family"], builtin["engine"], builtin["room"]) == ("edgewise-prefix", "llama_cpp", "yes")
    assert (remote["path"], remote["size_bytes"], remote["licence"]) == ("", 874_000_000, "DeepSeek")
    assert remote["memory_bytes"] == 874_000_000 + 4 * 24 * 2048 * 4096 + (128 << 20)
    assert document["formula"] == FORMULA
    _, shown, _ = model("list")
    assert "builtin  (" in shown
    assert "deepseek-coder-1.3b  (not here, 874 MB)" in shown
    assert FORMULA in shown


def test_list_has_files_that_were_laid_into_the_models_folder(model: Answer, home: Path) -> None:
    write_gguf(store.staging_folder().parent / "mine.gguf")
    (home / "models" / "broken.gguf").write_bytes(b"GGUF")
    code, shown, _ = model("list")
    assert code == 0
    assert "mine  (0 MB)  mine" in shown
    assert "broken.gguf is cut short or damaged" in shown


def test_list_says_what_unfinished_pulls_keep(model: Answer, read: Callable[..., Any]) -> None:
    assert "Unfinished pulls" not in model("list")[1]
    (store.staging_folder() / "0123.part").write_bytes(bytes(2_000_000))
    assert "Unfinished pulls keep 2 MB in" in model("list")[1]
    assert read("list")["partial_bytes"] == 2_000_000


def test_info_of_the_model_that_ships(model: Answer, read: Callable[..., Any]) -> None:
    report = read("info")
    assert (report["architecture"], report["family"]) == ("llama", "edgewise-prefix")
    assert report["engines"] == {"llama_cpp": "", "ctransformers": ""}
    assert set(report["tensor_types"]) == {"Q8_0", "F32"}
    _, shown, _ = model("info", "builtin")
    assert "engine llama_cpp runs it" in shown


def test_info_names_the_engine_that_refuses_and_why(bpe_file: Path, model: Answer) -> None:
    _, shown, _ = model("info", str(bpe_file))
    assert "engine llama_cpp runs it" in shown
    assert "engine ctransformers runs GGUF files of the architecture llama only, this is qwen2" in shown


def test_import_verify_use_remove(
    sentencepiece_file: Path, model: Answer, read: Callable[..., Any], home: Path
) -> None:
    imported = read("import", str(sentencepiece_file), "--as", "mine", "--licence", "MIT")
    assert (imported["name"], imported["engine"]) == ("mine", "llama_cpp")
    assert imported["manifest"]["source"] == str(sentencepiece_file)
    assert imported["manifest"]["licence"] == "MIT"
    again = model("import", str(sentencepiece_file), "--as", "mine")
    assert (again[0], "Installed mine" in again[1]) == (0, True)
    assert read("verify")["models"] == [{"name": "mine", "problem": ""}]
    chosen = read("use", "mine")
    assert chosen["settings_file"] == str(home / "config.toml")
    assert (home / "config.toml").read_text(encoding="utf-8") == '[model]\nname = "mine"\n'
    assert read("remove", "mine")["removed"] == "mine"
    assert model("info", "mine")[0] == 1


def test_the_chosen_model_is_what_the_settings_say(
    sentencepiece_file: Path, read: Callable[..., Any]
) -> None:
    from lsp_server.settings import load

    read("use", str(sentencepiece_file))
    settings, problems = load()
    assert (settings.model.name, problems) == (str(sentencepiece_file), ())
    read("use", "builtin")
    assert load()[0].model.name == "builtin"


def test_a_changed_model_fails_to_verify(sentencepiece_file: Path, model: Answer) -> None:
    copy = store.models_folder() / "mine.gguf"
    model("import", str(sentencepiece_file), "--as", "mine")
    content = bytearray(copy.read_bytes())
    copy.unlink()  # it may be a link to the file that other tests use
    content[-1] ^= 1
    copy.write_bytes(content)
    code, shown, _ = model("verify", "mine")
    assert code == 1
    assert "its SHA-256 differs" in shown


def test_quantize_installs_a_smaller_model(read: Callable[..., Any], model: Answer, home: Path) -> None:
    made = read("quantize", "builtin", "--to", "q4_0")
    assert made["name"] == "edgewise-builtin.Q4_0"
    assert made["engines"] == {"llama_cpp": "", "ctransformers": ""}
    assert made["manifest"]["licence"] == "Apache-2.0"
    assert made["manifest"]["size_bytes"] < BUILTIN.stat().st_size
    assert made["manifest"]["source"] == "edgewise-builtin.Q8_0.gguf, quantized to Q4_0"
    target = home / "out.gguf"
    assert read("quantize", "builtin", "--to", "Q5_0", "--output", str(target))["path"] == str(target)
    assert sorted(path.name for path in home.iterdir()) == ["models", "out.gguf"]
    code, _, err = model("quantize", "builtin", "--to", "Q5_0", "--output", str(target))
    assert (code, "exists already: name another file" in err) == (1, True)


def test_help_names_every_type_that_quantize_writes(model: Answer) -> None:
    code, out, _ = model("quantize", "--help")
    assert code == 0
    named = re.findall(r"\bF\d+|\bQ\d\w+", out)
    assert sorted(named) == sorted(quantize.FILE_TYPES)


def test_a_model_in_use_is_not_removed_unless_told_to(
    sentencepiece_file: Path, model: Answer, runtime_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWISE_RUNTIME_DIR", str(runtime_root))
    model("import", str(sentencepiece_file), "--as", "mine")
    with running_host(runtime_root, store.find_installed("mine").path) as host:
        code, _, err = model("remove", "mine")
        assert (code, f"in use by the engine host with the process id {host.pid}" in err) == (1, True)
        assert model("remove", "mine", "--force")[0] == 0
    assert store.list_installed() == []


def test_a_model_that_no_engine_runs_is_not_imported(model: Answer, home: Path) -> None:
    path = write_gguf(home / "bert.gguf", architecture="bert")
    code, out, err = model("import", str(path))
    assert (code, out) == (1, "")
    assert "cannot run here: llama_cpp finds no text to write in it" in err
    assert store.list_installed() == []


BAD = {
    "nothing.gguf": None,
    "empty.gguf": b"",
    "text.gguf": b"not a model at all",
    "short.gguf": b"GGUF\x03\0\0\0" + b"\xff" * 16,
    "old.gguf": b"tjgg" + b"\0" * 100,
}


@pytest.mark.parametrize("file", [*BAD, "."])
@pytest.mark.parametrize("command", [["info"], ["import"], ["quantize", "--to", "Q4_0"], ["use"]])
def test_bad_files(command: list[str], file: str, model: Answer, home: Path) -> None:
    path = home / file
    if content := BAD.get(file):
        path.write_bytes(content)
    elif file == "empty.gguf":
        path.touch()
    arguments = [command[0], str(path), *command[1:]]
    code, out, err = model(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("edgewise: ")
    assert str(path) in err
    code, out, err = model(*arguments, "--json")
    assert (code, err, list(json.loads(out))) == (1, "", ["error"])
    assert not (home / "config.toml").exists()
    assert store.list_installed() == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["info", "bultin"], 1, "did you mean builtin?"),
        (["verify", "bultin"], 1, "did you mean builtin?"),
        (["use", "starcoder2-3b"], 1, "run `edgewise model pull starcoder2-3b`"),
        (["remove", "builtin"], 1, "ships with edgewise and cannot be removed"),
        (["remove", "nothing"], 1, "There is no model named 'nothing'"),
        (["pull", "builtin"], 1, "it ships with edgewise"),
        (["quantize", "builtin", "--to", "Q2_K"], 1, "for another type run llama.cpp's llama-quantize"),
        (["import", str(BUILTIN), "--as", "../x"], 1, "cannot be a model's name"),
        (["import"], 2, "Missing argument 'FILE'"),
        (["quantize", "builtin"], 2, "Missing option '--to'"),
        (["pull", "a/b", "--timeout", "0"], 2, "--timeout"),
    ],
)
def test_bad_arguments(arguments: list[str], code: int, words: str, model: Answer) -> None:
    assert model(*arguments)[0] == code
    failed, out, err = model(*arguments)
    assert (failed, out) == (code, "")
    assert words in err
    _, out, _ = model(*arguments, "--json")
    assert words in json.loads(out)["error"]


@pytest.mark.parametrize(
    "arguments",
    [["import", str(BUILTIN), "--as", "mine"], ["quantize", "builtin", "--to", "Q4_0"]],
    ids=["import", "quantize"],
)
@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_leaves_nothing(arguments: list[str], model: Answer, home: Path) -> None:
    code, out, err = model(*arguments)
    assert (code, out) == (130, "")
    assert err.startswith("edgewise: Stopped: nothing was ")
    assert [path.name for path in (home / "models").rglob("*")] == [".partial"]
    code, out, err = model(*arguments, "--json")
    assert (code, err) == (130, "")
    assert json.loads(out)["error"].startswith("Stopped: ")
