"""The Neovim plugin's annotations are those of the settings as they are now."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "editors" / "neovim" / "scripts" / "settings.py"


def test_annotations_are_not_stale():
    script = runpy.run_path(str(SCRIPT))
    found = script["TARGET"].read_text("utf-8")
    assert found == script["build_lua"](), "run `python editors/neovim/scripts/settings.py`"
