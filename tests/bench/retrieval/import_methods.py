"""Simple methods that follow imports, by what is written in them: no resolver, no types.

What an import means is found by names: a definition of the imported name in a file, or all of a folder, that
the path of the import ends with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from lsp_server.types import Symbol, SymbolKind
from tests.bench.retrieval.cases import Case, Package
from tests.bench.retrieval.methods import last_lines, pack


class ImportMethod(Protocol):
    def __call__(self, case: Case, package: Package, budget_chars: int) -> str: ...


_WORD = re.compile(r"\w+")
_SHOWN = (SymbolKind.CLASS, SymbolKind.FUNCTION, SymbolKind.VARIABLE)


def imports_near(case: Case, package: Package, budget_chars: int) -> str:
    """The whole definitions of the imported names that stand in the last lines (Continue)."""
    near = set(_WORD.findall(last_lines(case)))
    symbols = [symbol for alias, symbol in _imported(case, package) if alias in near]
    texts = ((s.path, package.files[s.path][s.span.start : s.span.end]) for s in symbols)
    return pack(texts, budget_chars)


def import_lines(case: Case, package: Package, budget_chars: int) -> str:
    """One line for each imported symbol, those that the text does not use yet first; then the members of the
    classes among them."""
    used = set(_WORD.findall(case.text))
    found = sorted(_imported(case, package), key=lambda item: item[0] in used)
    lines = [(symbol.path, symbol.signature) for _, symbol in found]
    for _, symbol in found:
        members = _members(package, symbol) if symbol.kind is SymbolKind.CLASS else ()
        lines += [(symbol.path, "\n".join(member.signature for member in members))] if members else []
    return pack(dict.fromkeys(lines), budget_chars)


def _imported(case: Case, package: Package) -> Iterator[tuple[str, Symbol]]:
    """(alias, definition); of a Go package all that it exports, and what lies in the same folder."""
    folder = PurePosixPath(case.file).parent.name
    for item in package.parsed[case.file].imports:
        if not item.module.startswith(package.prefixes):
            continue
        last = PurePosixPath(item.module).name.partition(".")[0]
        if package.source.has_packages:
            yield from (
                (item.alias, symbol) for symbol in _of_folder(package, last) if symbol.name[0].isupper()
            )
        else:
            for symbol in package.definitions.get(item.name, ()):
                if not symbol.container and _is_in(symbol, last):
                    yield item.alias, symbol
    if package.source.has_packages:
        yield from ((symbol.name, symbol) for symbol in _of_folder(package, folder))


def _of_folder(package: Package, name: str) -> Sequence[Symbol]:
    return [
        symbol
        for file, parsed in package.parsed.items()
        if PurePosixPath(file).parent.name == name
        for symbol in parsed.symbols
        if not symbol.container and symbol.kind in _SHOWN
    ]


def _is_in(symbol: Symbol, last: str) -> bool:
    """A file of that name, or anything where the import names a folder or an index."""
    path = PurePosixPath(symbol.path)
    return last in (path.name.partition(".")[0], path.parent.name) or last in ("index", "internal", "")


def _members(package: Package, owner: Symbol) -> Sequence[Symbol]:
    return [s for s in package.parsed[owner.path].symbols if s.container == owner.name]


BY_IMPORTS: Mapping[str, ImportMethod] = {
    "imports named near the cursor (Continue)": imports_near,
    "one line per import, then class outlines": import_lines,
}
