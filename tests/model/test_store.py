"""Names of models become files, or a sentence; what is installed is whole, checked and removable."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from model import catalog, store
from model.protocol import ModelRefused
from model.store import name_of, resolve_model
from tests.model.hosting import BUILTIN


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def ignore(_: int) -> None:
    """Nobody watches."""


def install(name: str, content: bytes) -> store.InstalledModel:
    digest = hashlib.sha256(content).hexdigest()
    with store.stage() as staged:
        staged.write_bytes(content)
        return store.install(staged, name, store.build_manifest(digest, len(content), "here", "MIT", "none"))


@pytest.mark.parametrize("name", ["builtin", "", " builtin "])
def test_the_built_in_model(name: str) -> None:
    assert resolve_model(name) == BUILTIN


def test_every_packaged_entry_has_its_file() -> None:
    packaged = [entry for entry in catalog.entries().values() if entry.is_packaged]
    assert [entry.name for entry in packaged] == [catalog.BUILTIN]
    assert all((catalog.PACKAGE / entry.file).is_file() for entry in packaged)


def test_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.gguf").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in (str(tmp_path / "own.gguf"), "own.gguf", "./own.gguf", "~/own.gguf"):
        assert resolve_model(text) == tmp_path / "own.gguf"
    with pytest.raises(ModelRefused, match=r"gone\.gguf does not exist: check the path"):
        resolve_model("gone.gguf")


def test_a_name_that_is_not_installed() -> None:
    with pytest.raises(ModelRefused, match=r"not installed: run `edgewise model pull starcoder2-3b`"):
        resolve_model("starcoder2-3b")
    with pytest.raises(ModelRefused, match=r"no model named 'starcoder2': did you mean starcoder2-3b\?"):
        resolve_model("starcoder2")
    with pytest.raises(ModelRefused, match=r"no model named 'zzzz': see `edgewise model list`"):
        resolve_model("zzzz")


def test_the_name_that_a_file_is_known_by(folder: Path, tmp_path: Path) -> None:
    assert name_of(BUILTIN) == "builtin"
    assert name_of(install("mine", b"weights").path) == "mine"
    assert name_of(tmp_path / "elsewhere.gguf") == ""


def test_an_installed_model(folder: Path) -> None:
    model = install("mine", b"weights")
    assert resolve_model("mine") == folder / "mine.gguf" == model.path
    assert store.list_installed() == [model]
    assert store.find_installed("mine") == model
    assert model.manifest and model.manifest.size_bytes == 7
    assert sorted(path.name for path in folder.iterdir()) == [".partial", "mine.gguf", "mine.json"]
    store.verify(model, ignore)
    store.remove(model)
    assert store.list_installed() == []
    assert [path.name for path in folder.rglob("*")] == [".partial"]


def test_a_catalogue_name_that_is_installed(folder: Path) -> None:
    install("starcoder2-3b", b"weights")
    assert resolve_model("starcoder2-3b") == folder / "starcoder2-3b.gguf"


def test_a_file_laid_there_by_hand_is_a_model_without_a_manifest(folder: Path) -> None:
    folder.mkdir()
    (folder / "own.gguf").touch()
    (folder / "own.json").write_text('{"unknown": 1}', encoding="utf-8")
    assert store.list_installed() == [store.InstalledModel("own", folder / "own.gguf", None)]
    with pytest.raises(ModelRefused, match=r"has no manifest .* run `edgewise model import`"):
        store.verify(store.find_installed("own"), ignore)


def test_a_changed_file_is_found() -> None:
    model = install("mine", b"weights")
    model.path.write_bytes(b"weightz")
    with pytest.raises(ModelRefused, match=r"its SHA-256 differs.*get it again from here"):
        store.verify(model, ignore)


def test_an_install_that_is_stopped_leaves_nothing(folder: Path) -> None:
    def stop(_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.stage() as staged:
        staged.write_bytes(b"half")
        stop(staged)
    assert store.list_installed() == []
    assert list((folder / ".partial").iterdir()) == []


def test_what_a_killed_command_left_is_swept_away(folder: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    leftovers = store.staging_folder()
    (leftovers / f".model.{process.pid}.abcd1234").touch()
    (leftovers / f".model.{os.getpid()}.abcd1234").touch()
    (leftovers / "0123.part").write_bytes(b"12345")
    with store.stage():
        pass
    assert sorted(path.name for path in leftovers.iterdir()) == [
        f".model.{os.getpid()}.abcd1234",
        "0123.part",
    ]
    assert store.count_partial_bytes() == 5


def test_another_content_under_a_name_is_refused() -> None:
    model = install("mine", b"weights")
    assert model.manifest
    assert store.find_same("mine", model.manifest.sha256) == model
    assert store.find_same("other", model.manifest.sha256) is None
    with pytest.raises(ModelRefused, match=r"run `edgewise model remove mine` first, or .* --as"):
        store.find_same("mine", "0" * 64)


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "builtin", "x" * 200, "a b", "-x"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(ModelRefused, match="cannot be a model's name"):
        store.choose_name(name)


def test_a_name_cannot_leave_the_folder(folder: Path) -> None:
    folder.mkdir()
    (folder.parent / "outside.gguf").touch()
    with pytest.raises(ModelRefused, match="There is no model named"):
        store.find_installed("../outside")


def test_bringing_a_file_links_it_where_it_can(tmp_path: Path) -> None:
    source = tmp_path / "source.gguf"
    source.write_bytes(b"weights")
    with store.stage() as staged:
        digest = store.bring_copy(source, staged, ignore)
        assert digest == hashlib.sha256(b"weights").hexdigest()
        assert staged.stat().st_ino == source.stat().st_ino


def test_bringing_a_file_from_another_disk_copies_it(tmp_path: Path) -> None:
    memory_disk = Path("/dev/shm")
    source = memory_disk / f"edgewise-test-{os.getpid()}.gguf"
    assert memory_disk.stat().st_dev != tmp_path.stat().st_dev
    try:
        source.write_bytes(b"weights" * 300_000)
        seen: list[int] = []
        with store.stage() as staged:
            digest = store.bring_copy(source, staged, seen.append)
            assert staged.read_bytes() == source.read_bytes()
        assert digest == store.hash_file(source, ignore)
        assert sum(seen) == source.stat().st_size
    finally:
        source.unlink(missing_ok=True)


def test_too_little_room(folder: Path) -> None:
    store.staging_folder()
    store.check_free(folder, 1)
    with pytest.raises(store.StoreFailed, match=r"not enough room in .*: make .* GB of room"):
        store.check_free(folder, 1 << 50)


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGEWISE_MODELS_DIR", str(tmp_path / "file"))
    with pytest.raises(store.StoreFailed, match=r"cannot be written \(Not a directory\): check the folder"):
        store.staging_folder()
