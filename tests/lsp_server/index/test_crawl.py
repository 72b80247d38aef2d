"""Which files are found, and what their bytes are as text."""

from __future__ import annotations

import os
from pathlib import Path

from lsp_server.index.crawl import FoundFile, Limits, Skipped, SkipReason, crawl, find, read_source
from tests.lsp_server.index.conftest import write_files


def found(root: Path, limits: Limits | None = None) -> list[str]:
    return [item.path for item in crawl(root, limits or Limits()) if isinstance(item, FoundFile)]


def skipped(root: Path, limits: Limits | None = None) -> dict[str, SkipReason]:
    return {item.path: item.reason for item in crawl(root, limits or Limits()) if isinstance(item, Skipped)}


def test_source_files_in_a_stable_order(root: Path) -> None:
    write_files(
        root,
        {
            "b.py": "",
            "a/z.ts": "",
            "a/b/c.go": "",
            "notes.txt": "",
            "A.java": "",
            "Makefile": "",
            "x.png": "",
        },
    )
    assert found(root) == ["A.java", "Makefile", "b.py", "notes.txt", "a/z.ts", "a/b/c.go"]


def test_too_large_and_too_many(root: Path) -> None:
    write_files(root, {"big.py": "#" * 2000, "a.py": "", "b.py": "", "c.py": ""})
    limits = Limits(max_files=2, max_file_bytes=1000)
    assert found(root, limits) == ["a.py", "b.py"]
    assert skipped(root, limits) == {"big.py": SkipReason.TOO_LARGE, "c.py": SkipReason.TOO_MANY}
    *_, last = crawl(root, limits)
    assert last == Skipped("c.py", SkipReason.TOO_MANY, "2 are read; not this one, nor any after it")


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


def test_text_that_is_no_code_may_be_less_large(root: Path) -> None:
    write_files(root, {"data.json": "1" * 300_000, "a.py": "1" * 300_000, "n.ipynb": "1" * 300_000})
    assert found(root) == ["a.py", "n.ipynb"]
    assert skipped(root) == {"data.json": SkipReason.TOO_LARGE}


def test_generated_files_are_told_by_name_and_listed(root: Path) -> None:
    names = [
        "a_pb2.py",
        "x.pb.go",
        "package-lock.json",
        "Cargo.lock",
        "Form.Designer.cs",
        "api.gen.ts",
        "go.sum",
    ]
    write_files(root, {**dict.fromkeys(names, "x = 1"), "generate.py": "", "lock.py": "", "app.min.js": ""})
    assert found(root) == ["generate.py", "lock.py"]
    assert set(skipped(root).items()) == {(name, SkipReason.GENERATED) for name in names}


def test_vendored_folders_are_out(root: Path) -> None:
    folders = ["vendor", "third_party", "node_modules", "Pods", "lib/site-packages", ".venv"]
    write_files(root, {**{f"{folder}/a.py": "" for folder in folders}, "src/a.py": ""})
    assert found(root) == ["src/a.py"]


def test_pipe_or_link_that_takes_a_files_place_is_not_followed(root: Path, tmp_path: Path) -> None:
    """Between the crawl and the read: a pipe must not hold the worker up, a link must not lead outside."""
    write_files(tmp_path, {"outside.py": "secret = 1"})
    os.mkfifo(root / "pipe.py")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    assert read_source(root / "pipe.py", 100) is None
    link = read_source(root / "link.py", 100)
    assert isinstance(link, Skipped)
    assert link.reason is SkipReason.UNREADABLE


def test_file_in_a_folder_that_cannot_be_read_is_listed(root: Path) -> None:
    """A name longer than the system takes is unreadable even to an administrator."""
    unreadable = read_source(root / ("x" * 300 + ".py"), 100)
    assert isinstance(unreadable, Skipped)
    assert unreadable.reason is SkipReason.UNREADABLE
