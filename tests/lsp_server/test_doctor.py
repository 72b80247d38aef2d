"""Each check says what it found; what is broken has a cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server import doctor
from lsp_server.doctor import Check, Verdict
from lsp_server.index.service import IndexService
from lsp_server.settings import ModelSettings, Settings

SETTINGS = Settings()


def _only(checks) -> Check:
    (check,) = checks
    return check


def _write_program(folder: Path, name: str, output: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{output}'\n", encoding="utf-8")
    program.chmod(0o755)


def test_this_python_will_do() -> None:
    assert _only(doctor.check_python(SETTINGS)).verdict is Verdict.OK


def test_a_python_that_is_too_old_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_PYTHON", (9, 0))
    check = _only(doctor.check_python(SETTINGS))
    assert check.verdict is Verdict.BROKEN
    assert "9.0" in check.cure


def test_wrong_settings_are_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[completion]\nmax_tokens = 'many'\n", encoding="utf-8")
    monkeypatch.setenv("EDGEWISE_CONFIG", str(file))
    check = _only(doctor.check_settings(SETTINGS))
    assert check.verdict is Verdict.NOTE
    assert "max_tokens" in check.message


def test_engines_are_loaded_for_proof() -> None:
    verdicts = {check.message.split(":")[0]: check.verdict for check in doctor.check_engines(SETTINGS)}
    assert verdicts["llama_cpp"] is Verdict.OK


def test_an_engine_that_kills_its_importer_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    (tmp_path / "ctransformers.py").write_text("raise ImportError('no such library')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    checks = list(doctor.check_engines(SETTINGS))
    assert "ended with code" in checks[0].message
    assert "no such library" in checks[1].message
    assert checks[-1].verdict is Verdict.BROKEN
    assert checks[-1].cure


@pytest.mark.parametrize("name", ["missing.gguf", "no-such-model"])
def test_a_model_that_is_not_there_is_broken(name: str) -> None:
    check = _only(doctor.check_model(Settings(model=ModelSettings(name=name))))
    assert check.verdict is Verdict.BROKEN
    assert name in check.message
    assert "model.name" in check.cure


def test_the_model_that_ships_is_found() -> None:
    assert "FIM family edgewise" in _only(doctor.check_model(SETTINGS)).message


def test_a_socket_folder_that_others_can_read_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    monkeypatch.setenv("EDGEWISE_RUNTIME_DIR", str(folder))
    check = _only(doctor.check_socket_folder(SETTINGS))
    assert check.verdict is Verdict.BROKEN
    assert "755" in check.message
    folder.chmod(0o700)
    assert _only(doctor.check_socket_folder(SETTINGS)).verdict is Verdict.OK


def test_a_cache_folder_that_cannot_be_written_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", "/proc/edgewise")
    check = _only(doctor.check_cache_folder(SETTINGS))
    assert check.verdict is Verdict.BROKEN
    assert "EDGEWISE_CACHE_DIR" in check.cure


def test_editors_on_the_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_program(tmp_path, "nvim", "NVIM v0.12.4")
    _write_program(tmp_path, "hx", "helix")
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = list(doctor.check_editors(SETTINGS))
    assert [check.verdict for check in checks] == [Verdict.OK, Verdict.OK]
    assert "Neovim 0.12" in checks[0].message


def test_a_neovim_that_is_too_old_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_program(tmp_path, "nvim", "NVIM v0.9.5")
    monkeypatch.setenv("PATH", str(tmp_path))
    check = _only(doctor.check_editors(SETTINGS))
    assert check.verdict is Verdict.NOTE
    assert "0.12" in check.cure


def test_no_editor_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _only(doctor.check_editors(SETTINGS)).verdict is Verdict.NOTE


def test_index_that_is_not_there_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    check = _only(doctor.check_index(SETTINGS))
    assert check.verdict is Verdict.NOTE
    assert "edgewise index" in check.cure


async def test_what_the_index_leaves_out_is_said_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text("def f(): pass\n")
    (root / "big.py").write_text("x = 1\n" * 300_000)
    for number in range(7):
        (root / f"m{number}.js").write_text("x;" * 9000)
    service = IndexService([root], tmp_path / "cache")
    await service.start(watch=False)
    await service.wait_ready()
    await service.aclose()
    monkeypatch.setenv("EDGEWISE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(root)
    found, minified, large = doctor.check_index(SETTINGS)
    assert found.verdict is Verdict.OK
    assert "1 files, 1 symbols, 8 files left out" in found.message
    assert minified.message == "left out, minified: m0.js, m1.js, m2.js, m3.js, m4.js and 2 more"
    assert large.message == "left out, too large: big.py (1800000 bytes)"
    assert "index.max_file_bytes" in large.cure
