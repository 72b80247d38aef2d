"""Kept KV caches: found by their tokens, trusted only when whole, gone by age and size.."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from model.kv_store import KvStore, clear, count_bytes, find_key, read_tokens
from model.protocol import ModelInfo
from model.sequences import count_common
from tests.model.hosting import BUILTIN, Host, running_host

IDS = tuple(range(400, 700))
OTHER = tuple(range(900, 1200))


@pytest.fixture(scope="module")
def saved() -> Callable[[tuple[int, ...], Path], Path]:
    """Writes what a real host saved of these tokens."""
    contents = {}
    with (
        tempfile.TemporaryDirectory(prefix="ew-") as folder,
        running_host(Path(folder) / "run", BUILTIN) as host,
    ):
        for number, ids in enumerate((IDS, OTHER)):
            contents[ids] = _save(host, ids, f"{number}.kv")

    def write(ids: tuple[int, ...], path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[ids])
        return path

    return write


def _save(host: Host, ids: tuple[int, ...], name: str) -> bytes:
    host.complete(list(ids), n_predict=1, id_slot=0)
    host.post("/slots/0?action=save", {"filename": name})
    path = host.meeting.kv_folder / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_bytes()


@pytest.fixture
def store(tmp_path: Path) -> KvStore:
    return KvStore(tmp_path / "kv", "key")


def test_the_tokens_of_an_engines_file_are_read(saved, tmp_path: Path) -> None:
    assert read_tokens(saved(IDS, tmp_path / "a.kv"))[: len(IDS)] == IDS


@pytest.mark.parametrize("content", [b"", b"qsgg", b"GGUF" + bytes(64), b"qsgg" + b"\xff" * 64])
def test_another_kind_of_file_has_no_tokens(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.kv").write_bytes(content)
    assert read_tokens(tmp_path / "x.kv") == ()


def test_what_was_put_is_found_by_its_beginning(saved, store: KvStore, tmp_path: Path) -> None:
    assert store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    assert store.put(saved(OTHER, tmp_path / "b.kv"), OTHER)
    assert not list(tmp_path.glob("*.kv"))
    found = store.find([*IDS[:250], 7, 8, 9], 128)
    assert found
    assert count_common(found.tokens, IDS) == len(IDS)
    assert store.find([1, 2, 3, *IDS], 128) is None


def test_files_belong_to_the_user_alone(saved, store: KvStore, tmp_path: Path) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    paths = list((tmp_path / "kv").rglob("*"))
    assert {path.suffix for path in paths} == {"", ".kv", ".json"}
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_slot_that_holds_something_else_is_not_kept(saved, store: KvStore, tmp_path: Path) -> None:
    assert not store.put(saved(OTHER, tmp_path / "a.kv"), IDS)
    assert not (tmp_path / "a.kv").exists()
    assert count_bytes(tmp_path / "kv") == 0


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1000] ^= 0xFF
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": _flip,
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "no note": lambda path: (path.with_suffix(".json").unlink(), os.utime(path, (1, 1))),
    "foreign note": lambda path: path.with_suffix(".json").write_text("[]"),
    "foreign": lambda path: (path.write_bytes(b"PK\3\4" * 100), os.utime(path, (1, 1))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_deleted_where_it_is_met(
    saved, store: KvStore, tmp_path: Path, damage: str
) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    (path,) = (tmp_path / "kv").rglob("*.kv")
    DAMAGES[damage](path)
    assert store.find(IDS, 128) is None
    assert not path.exists()
    assert not path.with_suffix(".json").exists()


def test_of_files_that_begin_alike_the_newest_stays(saved, store: KvStore, tmp_path: Path) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    store.put(saved(IDS, tmp_path / "b.kv"), IDS)
    assert len(list((tmp_path / "kv").rglob("*.kv"))) == 1


def test_the_oldest_go_when_there_are_too_many_bytes(saved, tmp_path: Path) -> None:
    size = saved(IDS, tmp_path / "a.kv").stat().st_size
    store = KvStore(tmp_path / "kv", "key", max_bytes=size + size // 2)
    store.put(tmp_path / "a.kv", IDS)
    (first,) = (tmp_path / "kv").rglob("*.kv")
    os.utime(first, (time.time() - 60, time.time() - 60))
    store.put(saved(OTHER, tmp_path / "b.kv"), OTHER)
    assert not first.exists()
    assert store.find(OTHER, 128)


def test_old_files_go(saved, store: KvStore, tmp_path: Path) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    (path,) = (tmp_path / "kv").rglob("*.kv")
    os.utime(path, (time.time() - 8 * 86400,) * 2)
    store.evict()
    assert not path.exists()


HOURS = 6 * 3600.0


def set_back(folder: Path, seconds: float) -> None:
    """As if the clock had jumped ahead so far since the files were written; or back, if negative."""
    for path in folder.rglob("*"):
        at = path.stat().st_mtime - seconds
        os.utime(path, (at, at))


@pytest.mark.parametrize("jumped_s", [-HOURS, HOURS])
def test_after_a_jump_of_the_clock_the_newest_stays(
    saved, store: KvStore, tmp_path: Path, jumped_s: float
) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    (first,) = (tmp_path / "kv").rglob("*.kv")
    set_back(tmp_path / "kv", jumped_s)
    store.put(saved(IDS, tmp_path / "b.kv"), IDS)
    (left,) = (tmp_path / "kv").rglob("*.kv")
    assert left != first
    found = store.find(IDS, 128)
    assert found and found.path == left


@pytest.mark.parametrize("jumped_s", [-HOURS, HOURS])
def test_after_a_jump_of_the_clock_what_was_just_put_is_not_evicted(
    saved, tmp_path: Path, jumped_s: float
) -> None:
    size = saved(IDS, tmp_path / "a.kv").stat().st_size
    store = KvStore(tmp_path / "kv", "key", max_bytes=size + size // 2)
    store.put(tmp_path / "a.kv", IDS)
    set_back(tmp_path / "kv", jumped_s)
    store.put(saved(OTHER, tmp_path / "b.kv"), OTHER)
    assert store.find(OTHER, 128)
    assert len(list((tmp_path / "kv").rglob("*.kv"))) == 1


@pytest.mark.parametrize("jumped_s", [-HOURS, HOURS])
def test_a_jump_of_hours_drops_nothing(saved, store: KvStore, tmp_path: Path, jumped_s: float) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    set_back(tmp_path / "kv", jumped_s)
    store.evict()
    assert store.find(IDS, 128)


def test_clear_leaves_nothing(saved, store: KvStore, tmp_path: Path) -> None:
    store.put(saved(IDS, tmp_path / "a.kv"), IDS)
    clear(tmp_path / "kv")
    assert not (tmp_path / "kv").exists()


def test_another_model_or_context_has_another_key() -> None:
    def key(**given: object) -> str:
        fields = {"n_ctx": 2048, "fingerprint": "ab", "kv_folder": "/x"} | given
        return find_key(
            ModelInfo("m", "/m", "llama", "llama", "none", engine="llama_cpp", n_slots=4, **fields)  # type: ignore[arg-type]
        )

    assert key() == key()
    assert len({key(), key(n_ctx=4096), key(fingerprint="cd")}) == 3
    assert key(kv_folder="") == key(fingerprint="") == ""
