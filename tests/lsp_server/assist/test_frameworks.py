"""Which framework the tests of a workspace are for, from its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.assist.frameworks import MAX_FILE_BYTES, find_framework
from lsp_server.types import Location

VITEST = '{\n  "devDependencies": {\n    "vitest": "^3"\n  }\n}\n'
JEST = '{\n  "devDependencies": {\n    "jest": "^30"\n  }\n}\n'


@pytest.mark.parametrize(
    ("language_id", "document", "files", "name", "path", "evidence"),
    [
        ("python", "src/a.py", {"pyproject.toml": "[x]\n[tool.pytest.ini_options]\n"}, "pytest",
         "src/test_a.py", Location("pyproject.toml", 2)),
        ("python", "a.py", {"tests/conftest.py": ""}, "pytest", "tests/test_a.py",
         Location("tests/conftest.py", 1)),
        ("python", "a.py", {"tests/test_b.py": "import unittest\n"}, "unittest", "tests/test_a.py",
         Location("tests/test_b.py", 1)),
        ("python", "a.py", {"requirements-dev.txt": "ruff\npytest==8\n"}, "pytest", "test_a.py",
         Location("requirements-dev.txt", 2)),
        ("python", "a.py", {"pyproject.toml": "[project]\n"}, "unittest", "test_a.py", None),
        ("typescript", "src/a.ts", {"package.json": VITEST}, "vitest", "src/a.test.ts",
         Location("package.json", 3)),
        ("javascript", "a.js", {"package.json": JEST}, "jest", "a.test.js", Location("package.json", 3)),
        ("typescript", "web/a.ts", {"package.json": JEST, "web/vitest.config.ts": ""}, "vitest",
         "web/a.test.ts", Location("web/vitest.config.ts", 1)),
        ("javascript", "a.js", {"package.json": "{}"}, "node:test", "a.test.js", None),
        ("go", "in/a.go", {"go.mod": "module example.org/a\n"}, "go test", "in/a_test.go",
         Location("go.mod", 1)),
        ("rust", "src/a.rs", {"Cargo.toml": "# it\n[package]\n"}, "cargo test", "src/a.rs",
         Location("Cargo.toml", 2)),
        ("java", "src/main/java/A.java", {"pom.xml": "<project>\n<artifactId>junit-jupiter</artifactId>\n"},
         "JUnit", "src/test/java/ATest.java", Location("pom.xml", 2)),
    ],
)  # fmt: skip
def test_found(
    tmp_path: Path,
    language_id: str,
    document: str,
    files: dict[str, str],
    name: str,
    path: str,
    evidence: Location | None,
) -> None:
    for file, text in {document: "", **files}.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    found = find_framework(language_id, str(tmp_path / document), str(tmp_path))
    assert found is not None
    assert (found.name, found.path, found.evidence) == (name, path, evidence)


def test_files_that_cannot_be_read_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    (tmp_path / "tox.ini").write_bytes(b"\xff[pytest]" + b"x" * MAX_FILE_BYTES)
    found = find_framework("python", str(tmp_path / "a.py"), str(tmp_path))
    assert found is not None
    assert found.evidence is None


def test_a_document_outside_of_the_workspace(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "conftest.py").write_text("")
    (tmp_path / "pytest.ini").write_text("")
    found = find_framework("python", str(tmp_path / "a.py"), str(root))
    assert found is not None
    assert (found.path, found.evidence) == ("test_a.py", Location("conftest.py", 1))


def test_a_language_without_a_framework() -> None:
    assert find_framework("lua", "/nowhere/a.lua", "") is None
