"""What may be kept on disk: the index's word counts, and is not asked for at every keystroke."""

from __future__ import annotations

import pytest

from lsp_server import keeping
from lsp_server.keeping import Keeping


class Files:
    def __init__(self, *paths: str) -> None:
        self.paths, self.asked = set(paths), 0

    async def is_read(self, relative_path: str) -> bool:
        self.asked += 1
        return relative_path in self.paths


async def test_only_what_the_index_has_read() -> None:
    rules, files = Keeping(), Files("a.py")
    assert await rules.may_keep("a.py", files)
    assert not await rules.may_keep("secret.py", files)
    assert not await rules.may_keep("", files)
    assert not await rules.may_keep("a.py", None)


async def test_an_answer_is_good_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    rules, files = Keeping(), Files("a.py")
    for _ in range(3):
        assert await rules.may_keep("a.py", files)
    assert files.asked == 1
    files.paths.clear()
    monkeypatch.setattr(keeping, "GOOD_FOR_S", -1.0)
    assert not await rules.may_keep("a.py", files)


async def test_paths_are_forgotten_before_there_are_too_many() -> None:
    rules, files = Keeping(), Files()
    for number in range(keeping.MAX_PATHS * 2):
        await rules.may_keep(f"{number}.py", files)
    assert len(rules._known) <= keeping.MAX_PATHS
