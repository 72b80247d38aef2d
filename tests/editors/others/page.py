"""editors/others.md as the tests read it: they configure an editor with what a person would copy."""

from __future__ import annotations

import re

from tests.editors.neovim.driver import ROOT

PAGE = ROOT / "editors" / "others.md"


def blocks(heading: str, language: str) -> list[str]:
    """The code blocks of this language under a heading."""
    [section] = [
        part
        for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
        if part.startswith(f"{heading}\n")
    ]
    return re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL)
