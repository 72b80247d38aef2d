"""Which files are found, and what their bytes are as text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lsp_server.index.crawl import FoundFile, Limits, Skipped, SkipReason, crawl, decode, find, read_source
from tests.lsp_server.index.conftest import write_files


def found(root: Path, limits: Limits | None = None) -> list[str]:
    return [item.path for item in crawl(root, limits or Limits()) if isinstance(item, FoundFile)]


def skipped(root: Path, limits: Limits | None = None) -> dict[str, SkipReason]:
    return {item.path: item.reason for item in crawl(root, limits or Limits()) if isinstance(item, Skipped)}


def test_source_files_in_a_stable_order(root: Path) -> None:
    write_files(
        root, {"b.py": "", "a/z.ts": "", "a/b/c.go": "", "notes.txt": "", "A.java": "", "data.json": ""}
    )
    assert found(root) == ["A.java", "b.py", "a/z.ts", "a/b/c.go"]


def test_too_large_and_too_many(root: Path) -> None:
    write_files(root, {"big.py": "#" * 2000, "a.py": "", "b.py": "", "c.py": ""})
    limits = Limits(max_files=2, max_file_bytes=1000)
    assert found(root, limits) == ["a.py", "b.py"]
    assert skipped(root, limits) == {"big.py": SkipReason.TOO_LARGE, "c.py": SkipReason.TOO_MANY}


def test_symbolic_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "outside", {"secret.py": ""})
    write_files(root, {"real/a.py": ""})
    (root / "real" / "loop").symlink_to(root, target_is_directory=True)
    (root / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "link.py").symlink_to(root / "real" / "a.py")
    (root / "dead.py").symlink_to(root / "nowhere.py")
    assert found(root) == ["real/a.py"]
    assert find(root, "real/loop/real/a.py", Limits()) is None
    assert find(root, "link.py", Limits()) is None


def test_pipes_and_folders_called_like_source_are_no_files(root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    write_files(root, {"folder.py/a.py": ""})
    assert found(root) == ["folder.py/a.py"]


def test_environments_and_caches_are_out_whatever_their_name(root: Path) -> None:
    write_files(
        root, {"my-env/pyvenv.cfg": "", "my-env/lib/a.py": "", "target/CACHEDIR.TAG": "", "target/b.rs": ""}
    )
    assert found(root) == []
    assert find(root, "my-env/lib/a.py", Limits()) is None


def test_folder_that_cannot_be_read_is_listed(root: Path) -> None:
    """A path longer than the system takes is unreadable even to an administrator."""
    write_files(root, {"z.py": ""})
    start = Path.cwd()
    try:
        os.chdir(root)
        for _ in range(25):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
    finally:
        os.chdir(start)
    assert found(root) == ["z.py"]
    assert set(skipped(root).values()) == {SkipReason.UNREADABLE}


def test_names_that_are_no_text_are_left_out(root: Path) -> None:
    try:
        Path(os.fsdecode(bytes(root) + b"/\xff.py")).write_text("")
    except OSError:
        return  # a file system that takes only text has none of them
    assert found(root) == []


def test_vanished_root_finds_nothing(root: Path) -> None:
    root.rmdir()
    assert found(root) == []
    assert list(skipped(root).values()) == [SkipReason.UNREADABLE]


def test_vanished_file_is_none(root: Path) -> None:
    assert read_source(root / "gone.py", 100) is None
    assert find(root, "gone.py", Limits()) is None
    assert find(root, "no/such/folder/gone.py", Limits()) is None


def test_file_that_grew_is_too_large(root: Path) -> None:
    write_files(root, {"a.py": "x" * 200})
    grown = read_source(root / "a.py", 100)
    assert isinstance(grown, Skipped)
    assert grown.reason is SkipReason.TOO_LARGE


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a = 1", "a = 1"),
        ("é = 1".encode(), "é = 1"),
        (b"\xef\xbb\xbfa = 1", "a = 1"),
        ("é = 1".encode("latin-1"), "é = 1"),
        ("é = 1".encode("utf-16"), "é = 1"),
        (b"\xfe\xff" + "é = 1".encode("utf-16-be"), "é = 1"),
        ("\U0001f600".encode("utf-32"), "\U0001f600"),
        (b"a\0b", SkipReason.BINARY),
        (b"\x7fELF\0\0\0", SkipReason.BINARY),
        (b"var a=1;" * 2000, SkipReason.MINIFIED),
        (b"x" * 5_000_000, SkipReason.MINIFIED),
        (b"", ""),
    ],
    ids=range(12),
)
def test_decode(content: bytes, text: str) -> None:
    assert decode(content) == text
