"""Annotations and values as type expressions."""

from __future__ import annotations

import pytest

from lsp_server.index.python_exprs import annotation, receiver, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Store", ("Store()",)),
        ("'Store'", ("Store()",)),
        ("store.Store | None", ("store.Store()",)),
        ("Optional[Store]", ("Store()",)),
        ("Union[Store, Cache]", ("Store()", "Cache()")),
        ("list[Store]", ("*Store()",)),
        ("dict[str, list[Store]]", ("**Store()",)),
        ("type[Store]", ("Store",)),
        ("Self", ("self",)),
        ("Callable[..., Store]", ("Callable()",)),
        ("Iterator['Store']", ("*Store()",)),
        ("str | None", ()),
        ("", ()),
        ("[", ()),
    ],
)
def test_annotation(text: str, expected: tuple[str, ...]) -> None:
    assert annotation(text) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Store(a, (b))", ("Store()",)),
        ("await open_store(path).reader\n", ("open_store().reader",)),
        ("given or Store()", ("given", "Store()")),
        ("a.b if c else D()", ("a.b", "D()")),
        ("items[0].name", ("items[].name",)),
        ("[Store(), Store()]", ("*Store",)),
        ("cast(Store, x).y", ("Store()",)),
        ("1 + 2", ()),
        ("not x", ()),
        ("Store(", ("Store()",)),
    ],
)
def test_value(code: str, expected: tuple[str, ...]) -> None:
    found = value(code, 0)
    assert [item.partition("(")[0] for item in found] == [item.partition("(")[0] for item in expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("    self.store.", ("self.store", True)),
        ("    x = make(a, b)[0].wri", ("make()[]", True)),
        ("    f(self._a.", ("self._a", True)),
        ("    return ", ("", False)),
        ('    "".', ("", True)),
        ("    )).", ("", True)),
    ],
)
def test_receiver(line: str, expected: tuple[str, bool]) -> None:
    assert receiver(line) == expected
