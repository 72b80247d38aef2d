"""One file of the workspace as the search sees it: what it defines, imports, and says about types.

Runs in the session, in the thread that all questions to the index run in. Pure values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from sys import intern

from lsp_server.index.facts import NO_FACTS, Facts
from lsp_server.index.imports import STAR, Import
from lsp_server.types import Span, Symbol, SymbolKind, dotted_name


@dataclass
class Outline:
    """Not changed once it is made. `symbols` are in the order of the text."""

    path: str
    symbols: Sequence[Symbol] = ()
    imports: Sequence[Import] = ()
    facts: Facts = NO_FACTS

    @cached_property
    def by_container(self) -> Mapping[str, dict[str, Symbol]]:
        """The first definition of each name counts."""
        table: dict[str, dict[str, Symbol]] = {}
        for symbol in self.symbols:
            table.setdefault(symbol.container, {}).setdefault(symbol.name, symbol)
        return table

    @property
    def top(self) -> Mapping[str, Symbol]:
        return self.by_container.get("", {})

    def members(self, container: str) -> Mapping[str, Symbol]:
        return self.by_container.get(container, {})

    @cached_property
    def classes(self) -> frozenset[str]:
        named = {dotted_name(symbol) for symbol in self.symbols if symbol.kind is SymbolKind.CLASS}
        return frozenset(named | self.facts.bases.keys())

    @cached_property
    def imported(self) -> Mapping[str, Import]:
        """By the name that they are bound to; `import a.b` binds `a`. The last one wins, as when it runs."""
        return {item.alias.partition(".")[0]: item for item in self.imports if item.alias}

    @cached_property
    def stars(self) -> tuple[Import, ...]:
        return tuple(item for item in self.imports if item.name == STAR)

    @cached_property
    def functions(self) -> Sequence[tuple[str, frozenset[str]]]:
        """(last part of the scope's name, the names that it uses)"""
        return [
            (scope.rpartition(".")[2], frozenset(intern(use.rpartition(".")[2]) for use in uses.split()))
            for scope, uses in self.facts.uses.items()
        ]

    @cached_property
    def by_number(self) -> Mapping[int, frozenset[str]]:
        """What each function uses, by a number that no function of another file has."""
        return {id(names): names for _, names in self.functions}

    @cached_property
    def users(self) -> Mapping[str, list[int]]:
        """By name: the functions that use it, by number."""
        found: dict[str, list[int]] = {}
        for number, names in self.by_number.items():
            for name in names:
                found.setdefault(name, []).append(number)
        return found

    @cached_property
    def namesakes(self) -> Mapping[str, list[frozenset[str]]]:
        """By the name of a function: what the functions that are called so use."""
        found: dict[str, list[frozenset[str]]] = {}
        for name, names in self.functions:
            found.setdefault(name, []).append(names)
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        """All that the file uses."""
        return frozenset(self.users)

    @cached_property
    def behind(self) -> Mapping[str, list[str]]:
        """What stands behind each receiver's word: once for each function in which it does."""
        found: dict[str, list[str]] = {}
        for uses in self.facts.uses.values():
            for use in uses.split():
                word, dot, name = use.rpartition(".")
                if dot:
                    found.setdefault(word, []).append(name)
        return found


def outline_of_text(path: str, facts: Facts, imports: Iterable[Import]) -> Outline:
    """Of a text whose syntax is broken, as far as lines and words tell."""
    symbols = []
    for scope in facts.scopes:
        container, _, name = scope.name.rpartition(".")
        in_class = container in facts.bases
        kind = SymbolKind.CLASS if scope.is_class else SymbolKind.METHOD if in_class else SymbolKind.FUNCTION
        symbols.append(Symbol(name, kind, path, Span(scope.start, scope.end), 0, "", container))
    return Outline(path, tuple(symbols), tuple(imports), facts)
