"""The engine of the evaluations: what a killed one leaves behind is swept by the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from model.lab.engine import FOLDER, sweep_folders


def test_folders_of_killed_evaluations_are_swept(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    left, own, other = (
        tmp_path / name for name in (f"{FOLDER}{gone.pid}-a", f"{FOLDER}{os.getpid()}-b", "c")
    )
    for folder in (left, own, other):
        folder.mkdir()
    (left / "engine.sock").touch()
    sweep_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted((own, other))
