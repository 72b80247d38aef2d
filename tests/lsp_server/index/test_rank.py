"""The pure ends of retrieval: ranking and filling."""

from __future__ import annotations

from dataclasses import replace

from lsp_server.index.candidates import Candidate
from lsp_server.index.fill import fill
from lsp_server.index.live import LiveTexts
from lsp_server.index.place import Place, cut_line, read_place, word_parts
from lsp_server.index.rank import rank
from lsp_server.index.weights import MEANINGS, SCRIPT_WEIGHTS, WEIGHTS
from lsp_server.types import Span, Symbol, SymbolKind


def place_of(marked: str) -> Place:
    offset = marked.index("|")
    text = cut_line(marked.replace("|", "", 1), offset)
    return read_place(LiveTexts().read("python", text), offset)


def symbol(
    name: str, kind: SymbolKind = SymbolKind.FUNCTION, container: str = "", path: str = "a.py"
) -> Symbol:
    head = "class" if kind is SymbolKind.CLASS else "def"
    return Symbol(name, kind, path, Span(hash(name) % 1000, 2000), 0, f"{head} {name}:", container)


def names_in_order(place: Place, *candidates: Candidate) -> list[str]:
    return [item.candidate.symbol.name for item in rank(candidates, place, "main.py")]


def test_every_weight_has_a_meaning() -> None:
    assert not [name for name in {**WEIGHTS, **SCRIPT_WEIGHTS} if not name.startswith(tuple(MEANINGS))]


def test_members_of_the_receiver_come_before_imports_behind_a_dot() -> None:
    place = place_of("def f(s):\n    s.|")
    member = Candidate(symbol("write", SymbolKind.METHOD, "Store"), {"receiver": 1.0, "behind": 0.3})
    imported = Candidate(symbol("other"), {"import used": 1.0})
    assert names_in_order(place, imported, member) == ["write", "other"]


def test_what_the_text_names_already_comes_later() -> None:
    place = place_of("def f():\n    first()\n    |\n    third()\n")
    candidates = [Candidate(symbol(name), {"import unused": 1.0}) for name in ("first", "other", "third")]
    assert names_in_order(place, *candidates)[0] == "other"


def test_errors_come_first_behind_raise() -> None:
    place = place_of("def f():\n    raise |")
    candidates = [
        Candidate(symbol(name, SymbolKind.CLASS), {"import unused": 1.0}) for name in ("Store", "StoreError")
    ]
    assert names_in_order(place, *candidates) == ["StoreError", "Store"]


def test_names_like_the_line_come_first() -> None:
    place = place_of("def f():\n    parser = |")
    candidates = [Candidate(symbol(name), {"import unused": 1.0}) for name in ("build_report", "make_parser")]
    assert names_in_order(place, *candidates) == ["make_parser", "build_report"]


def test_ties_are_broken_by_place() -> None:
    place = place_of("|")
    candidates = [Candidate(symbol("f", path=path)) for path in ("b.py", "a.py")]
    assert [item.candidate.symbol.path for item in rank(candidates, place, "main.py")] == ["a.py", "b.py"]


def test_a_place_knows_its_scopes() -> None:
    inner = place_of("class A:\n    def m(self):\n        def g():\n            x = self.store.wri|")
    assert (inner.scope, inner.function) == ("A.m.g", "A.m")
    assert (inner.receiver, inner.has_dot, inner.typed) == ("self.store", True, "wri")
    below = place_of("class A:\n    def m(self):\n        pass\n\n    |")
    assert below.scope == "A"
    outside = place_of("class A:\n    def m(self):\n        pass\n\nx = |")
    assert outside.scope == ""


def test_words_are_sorted_by_where_they_stand() -> None:
    lines = "\n".join(f"    line{number}" for number in range(30))
    place = place_of(f"def before():\n    '''quoted'''\n    x = |hidden\n{lines}\n")
    assert "before" in place.before and "quoted" not in place.before
    assert "line3" in place.soon and "line28" in place.later
    assert not any("hidden" in words for words in (place.before, place.soon, place.later, place.near))


def test_parts_of_names() -> None:
    assert word_parts("read_HTTPHeader2x") == ("read", "http", "header")


def header(path: str, container: str) -> str:
    return f"class {container}(Base):"


def test_lines_are_grouped_by_file_and_class() -> None:
    symbols = [
        symbol("write", SymbolKind.METHOD, "Store"),
        symbol("other", path="b.py"),
        symbol("read", SymbolKind.METHOD, "Store"),
        symbol("Store", SymbolKind.CLASS),
    ]
    first, second = fill(symbols, 1000, header)
    assert first.text == "class Store(Base):\n    def write:\n    def read:"
    assert (second.path, second.text) == ("b.py", "def other:")


def test_a_class_that_stands_alone_takes_its_members_later() -> None:
    symbols = [symbol("Store", SymbolKind.CLASS), symbol("write", SymbolKind.METHOD, "Store")]
    assert fill(symbols, 1000, header)[0].text == "class Store:\n    def write:"


def test_no_budget_is_exceeded() -> None:
    symbols = [symbol(f"function_{number}", path=f"{number % 7}.py") for number in range(100)]
    for budget_chars in range(0, 1500, 37):
        found = fill(symbols, budget_chars, header)
        assert sum(len(f"# {item.path}\n{item.text}\n") for item in found) <= budget_chars


def test_what_begins_as_the_typed_word_comes_first() -> None:
    place = place_of("def f(s):\n    s.wri|")
    members = [
        Candidate(symbol(name, SymbolKind.METHOD, "Store"), {"receiver": 1.0}) for name in ("read", "write")
    ]
    assert names_in_order(place, *members) == ["write", "read"]


def test_what_its_class_alone_sees_comes_last() -> None:
    place = place_of("def f(s):\n    s.|")
    members = [Candidate(symbol(name, SymbolKind.METHOD, "Store"), {"receiver": 1.0}) for name in ("a", "b")]
    members[0].symbol = replace(members[0].symbol, signature="private a(): void")
    assert names_in_order(place, *members) == ["b", "a"]
