"""The code that is typed by default is the same for every version."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lsp_server.bench.plan import plan
from lsp_server.bench.snapshot import ARCHIVE, unpack_snapshot

SHA256 = "149a9ab87a6fef3842fd002cad7d0b016e08b5abc68c2c4a396d13d84dbb0147"


def test_the_archive_never_changes() -> None:
    assert hashlib.sha256(ARCHIVE.read_bytes()).hexdigest() == SHA256


def test_its_traces_are_long_enough_and_its_files_need_no_others(tmp_path: Path) -> None:
    folder = unpack_snapshot(tmp_path / "snapshot")
    assert len(list(folder.rglob("*.py"))) == 45
    assert not any("lsp_server" in line for path in folder.rglob("*.py") for line in imports_of(path))
    scripts = plan(folder, tmp_path / "copy", 260, seed=3)
    assert sum(len(script.keys) for script in scripts) == 260


def imports_of(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
