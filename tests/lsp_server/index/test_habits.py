from __future__ import annotations

from lsp_server.index.facts import Facts
from lsp_server.index.habits import Users
from lsp_server.index.outline import Outline


def outline(path: str, uses: str) -> Outline:
    return Outline(path, facts=Facts(uses={"f": uses}))


ONE, TWO, THREE = outline("1.py", "a store.b"), outline("2.py", "b c"), outline("3.py", "c d")


class TestUsers:
    """Counted again only for files that come or go, and never otherwise than from the start."""

    def test_names_are_counted_once_a_file(self) -> None:
        assert dict(Users().count([ONE, TWO])) == {"a": 1, "b": 2, "c": 1}

    def test_files_that_come_and_go(self) -> None:
        users = Users()
        for outlines in ([ONE, TWO], [TWO, THREE], [ONE, TWO, THREE], [THREE], []):
            counted = {name: count for name, count in users.count(outlines).items() if count}
            assert counted == dict(Users().count(outlines))

    def test_the_most_used_come_first(self) -> None:
        users = Users()
        users.count([ONE, TWO, THREE])
        assert set(users.most_used(2)) == {"b", "c"}
