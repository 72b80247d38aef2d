"""The rules of `.gitignore`, held against git itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsp_server.index.crawl import FoundFile, Limits, crawl, find
from tests.lsp_server.index.conftest import write_files


def run_git(root: Path, *arguments: str, text: str = "") -> str:
    environment = {**os.environ, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(root)}
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def kept_by_git(root: Path, paths: Iterable[str]) -> set[str]:
    paths = set(paths)
    ignored = run_git(root, "check-ignore", "--no-index", "--stdin", text="\n".join(sorted(paths)) + "\n")
    return paths - set(ignored.splitlines())


def kept_by_crawl(root: Path, limits: Limits | None = None) -> set[str]:
    return {item.path for item in crawl(root, limits or Limits()) if isinstance(item, FoundFile)}


FILES = ["a.py", "b.py", "x/a.py", "x/b.py", "x/y/a.py", "x/y/c.py", "z/a.py", "z/y/b.py"]
PATTERNS = st.sampled_from(
    [
        "*.py",
        "a.py",
        "/a.py",
        "x",
        "x/",
        "/x/",
        "y/",
        "x/y",
        "x/*",
        "x/**",
        "**/y",
        "**/a.py",
        "*",
        "/*",
        "*/",
        "z/y/b.py",
        "?.py",
        "[ab].py",
        "[!a].py",
        "x/y/",
        "**",
        "x/**/a.py",
        "#",
        "#comment",
        "\\#a",
        "x/a*",
        "!a.py",
        "!/a.py",
        "!x",
        "!x/",
        "!*/",
        "!x/y",
        "!**/a.py",
        "!*.py",
        "!x/y/",
        "!/x/*",
    ]
)
IGNORE_FILE = st.lists(PATTERNS, max_size=5).map("\n".join)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at_root=IGNORE_FILE, in_x=IGNORE_FILE, in_y=IGNORE_FILE)
def test_same_files_as_git(
    tmp_path_factory: pytest.TempPathFactory, at_root: str, in_x: str, in_y: str
) -> None:
    root = write_files(tmp_path_factory.mktemp("repository"), dict.fromkeys(FILES, ""))
    run_git(root, "init", "-q")
    write_files(root, {".gitignore": at_root, "x/.gitignore": in_x, "x/y/.gitignore": in_y})
    expected = kept_by_git(root, FILES)
    assert kept_by_crawl(root) == expected
    assert {path for path in FILES if isinstance(find(root, path, Limits()), FoundFile)} == expected


def test_repository_above_the_workspace_counts(tmp_path: Path) -> None:
    files = {"sub/a.py": "", "sub/b.py": "", "sub/gen/c.py": "", ".gitignore": "b.py\n/sub/gen/\n"}
    write_files(tmp_path, files)
    run_git(tmp_path, "init", "-q")
    assert kept_by_crawl(tmp_path / "sub") == {"a.py"}


def test_opening_an_ignored_folder_shows_its_files(tmp_path: Path) -> None:
    write_files(tmp_path, {"out/a.py": "", ".gitignore": "out/\n"})
    run_git(tmp_path, "init", "-q")
    assert kept_by_crawl(tmp_path / "out") == {"a.py"}


def test_info_exclude_counts(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    write_files(tmp_path, {"a.py": "", "b.py": "", ".git/info/exclude": "b.py\n"})
    assert kept_by_crawl(tmp_path) == {"a.py"}


def test_edgewiseignore_weighs_more_than_gitignore(root: Path) -> None:
    write_files(root, {"a.py": "", "b.py": "", ".gitignore": "a.py\n", ".edgewiseignore": "!a.py\nb.py\n"})
    assert kept_by_crawl(root) == {"a.py"}


def test_vendored_folders_are_out_unless_brought_back(root: Path) -> None:
    write_files(root, {"node_modules/m/a.js": "", "vendor/a.py": "", "src/vendor/b.py": "", "c.py": ""})
    assert kept_by_crawl(root) == {"c.py"}
    write_files(root, {".edgewiseignore": "!/vendor/\n"})
    assert kept_by_crawl(root) == {"c.py", "vendor/a.py"}


def test_setting_excludes(root: Path) -> None:
    write_files(root, {"a.py": "", "gen/b.py": ""})
    assert kept_by_crawl(root, Limits(exclude=("gen/",))) == {"a.py"}


def test_git_folder_and_secrets_cannot_be_brought_back(root: Path) -> None:
    write_files(
        root,
        {".git/hooks/a.py": "", ".env.py": "", ".ssh/x.py": "", ".gitignore": "!.git\n!.env.py\n!.ssh\n"},
    )
    assert kept_by_crawl(root) == set()


def test_bad_pattern_and_bad_bytes_spoil_no_other(root: Path) -> None:
    write_files(root, {"a.py": "", "b.py": ""})
    (root / ".gitignore").write_bytes(b"!\n\xff\xfe[\n/\n[z-a].py\na.py\n")
    assert kept_by_crawl(root) == {"b.py"}
