"""Which framework the tests of a workspace are written for, and where the tests of a file belong.

Runs in the session, in a thread: reads a few small files of known names between the document and the
workspace's root. Parses them as data and runs nothing. Must not know the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lsp_server.types import Location

MAX_FILE_BYTES = 200_000
_MAX_FOLDERS = 12


@dataclass(frozen=True, slots=True)
class Framework:
    """`evidence` is the place that says so; None: it is the language's own habit. `path` is where the tests
    of the document belong, relative to the workspace's root."""

    name: str
    path: str
    evidence: Location | None = None


@dataclass(frozen=True, slots=True)
class _Sign:
    """A file of this name (a glob) with such a line, "" for any, speaks for the framework."""

    file: str
    pattern: str
    framework: str


_SCRIPTS = ("javascript", "javascriptreact", "typescript", "typescriptreact")
_SCRIPT_SIGNS = (
    _Sign("vitest.config.*", "", "vitest"),
    _Sign("jest.config.*", "", "jest"),
    _Sign("package.json", r'"vitest"\s*:', "vitest"),
    _Sign("package.json", r'"(?:jest|ts-jest|@jest/globals)"\s*:', "jest"),
    _Sign("package.json", r'"mocha"\s*:', "mocha"),
    _Sign("package.json", r"node --test", "node:test"),
)
_JAVA_SIGNS = (
    _Sign("pom.xml", r"junit", "JUnit"),
    _Sign("build.gradle*", r"junit|useJUnitPlatform", "JUnit"),
    _Sign("pom.xml", r"testng", "TestNG"),
)
SIGNS: Mapping[str, tuple[_Sign, ...]] = {
    "python": (
        _Sign("pytest.ini", "", "pytest"),
        _Sign("conftest.py", "", "pytest"),
        _Sign("tests/conftest.py", "", "pytest"),
        _Sign("pyproject.toml", r"^\[tool\.pytest|[\"']pytest\b", "pytest"),
        _Sign("setup.cfg", r"^\[tool:pytest\]|^\s*pytest\b", "pytest"),
        _Sign("tox.ini", r"^\[pytest\]|\bpytest\b", "pytest"),
        _Sign("*requirements*.txt", r"^pytest\b", "pytest"),
        _Sign("tests/test_*.py", r"^(?:import|from) pytest\b", "pytest"),
        _Sign("tests/test_*.py", r"^(?:import|from) unittest\b", "unittest"),
        _Sign("test_*.py", r"^(?:import|from) unittest\b", "unittest"),
    ),
    **dict.fromkeys(_SCRIPTS, _SCRIPT_SIGNS),
    "go": (_Sign("go.mod", r"^module\b", "go test"),),
    "rust": (_Sign("Cargo.toml", r"^\[(?:package|workspace)", "cargo test"),),
    "java": _JAVA_SIGNS,
    "kotlin": _JAVA_SIGNS,
}

_HABITS: Mapping[str, str] = {
    "python": "unittest",
    **dict.fromkeys(_SCRIPTS, "node:test"),
    "go": "go test",
    "rust": "cargo test",
    "java": "JUnit",
    "kotlin": "JUnit",
}


def find_framework(language_id: str, path: str, workspace_root: str) -> Framework | None:
    """The nearest sign above the document counts. None: edgewise knows no framework of this language."""
    if language_id not in _HABITS:
        return None
    root, document = Path(workspace_root or Path(path).parent), Path(path)
    for folder in _folders_above(document, root):
        for sign in SIGNS[language_id]:
            if (place := _find_sign(sign, folder, root)) is not None:
                return Framework(sign.framework, _test_path(language_id, document, root, folder), place)
    return Framework(_HABITS[language_id], _test_path(language_id, document, root, root))


def _folders_above(document: Path, root: Path) -> Iterator[Path]:
    """From the document's own up to the root; the root alone when the document is elsewhere."""
    if not document.is_relative_to(root):
        yield root
        return
    for folder in [*document.parents][:_MAX_FOLDERS]:
        yield folder
        if folder == root:
            return


def _find_sign(sign: _Sign, folder: Path, root: Path) -> Location | None:
    for file in sorted(folder.glob(sign.file))[:5]:
        line = _line_with(file, sign.pattern)
        if line:
            is_inside = file.is_relative_to(root)
            return Location((file.relative_to(root) if is_inside else file).as_posix(), line)
    return None


def _line_with(file: Path, pattern: str) -> int:
    """The number of the first line that fits, from 1; 0 for none, and for a file that cannot be read."""
    try:
        if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
            return 0
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return 0
    if not pattern:
        return 1
    return next((number for number, line in enumerate(lines, 1) if re.search(pattern, line)), 0)


def _test_path(language_id: str, document: Path, root: Path, project: Path) -> str:
    """Where the language's habit, or the project's folder for tests, has it."""
    relative = PurePosixPath(
        document.relative_to(root).as_posix() if document.is_relative_to(root) else document.name
    )
    stem, suffix, folder = relative.stem, relative.suffix, relative.parent
    if language_id == "python":
        tests = project / "tests"
        base = tests.relative_to(root).as_posix() if tests.is_dir() and tests.is_relative_to(root) else folder
        return str(PurePosixPath(base) / f"test_{stem}.py")
    if language_id == "go":
        return str(folder / f"{stem}_test.go")
    if language_id == "rust":
        return str(relative)  # unit tests stand in a module of the file itself
    if language_id in ("java", "kotlin"):
        moved = "/".join("test" if part == "main" else part for part in folder.parts)
        return str(PurePosixPath(moved) / f"{stem}Test{suffix}")
    return str(folder / f"{stem}.test{suffix}")
