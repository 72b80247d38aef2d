"""What a file imports from its workspace: the definitions, and the lines that go into a prompt.

Runs in the session, in the thread that all questions to the index run in. Pure over a `View`. The same
state of
the files gives the same answer in the same order: prompts are cached by their beginning.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsp_server.index.imports import STAR, Import
from lsp_server.index.languages import language_of
from lsp_server.index.resolve import resolve, resolve_member
from lsp_server.index.view import View
from lsp_server.types import Snippet, Span, Symbol, SymbolKind

REASON_IMPORT = "import"
REASON_MODULE = "imported module"

_MAX_HOPS = 4
_MAX_SYMBOLS = 64
_MAX_OF_MODULE = 12
_MAX_FIELDS = 8
_MAX_OVERLOADS = 4
CONSTRUCTORS = frozenset({"__init__", "constructor"})


@dataclass(frozen=True, slots=True)
class Imported:
    """A symbol of the workspace that a file imports. `alias` is what the file calls it."""

    alias: str
    symbol: Symbol
    reason: str


def imported_snippets(
    view: View, path: str, imports: Sequence[Import], text: str, cursor_line: Span
) -> tuple[Snippet, ...]:
    """One line for each imported symbol, by file; first the files with symbols that the text does not use
    yet.

    What the line at the cursor uses does not count as used: else the order would change while it is typed.
    """
    unseen = sorted({*(item.span for item in imports), cursor_line})
    by_file: dict[str, list[tuple[bool, Imported]]] = {}
    seen: set[tuple[str, int]] = set()
    for item in imported_symbols(view, path, imports, text):
        place = (item.symbol.path, item.symbol.span.start)
        if place not in seen and len(seen) < _MAX_SYMBOLS:
            seen.add(place)
            is_used = _is_used(item.alias.rpartition(".")[2], text, unseen)
            by_file.setdefault(item.symbol.path, []).append((is_used, item))
    files = sorted(by_file.items(), key=lambda entry: all(is_used for is_used, _ in entry[1]))
    return tuple(_snippet(view, file, items) for file, items in files)


def _snippet(view: View, path: str, items: list[tuple[bool, Imported]]) -> Snippet:
    in_order = [item for _, item in sorted(items, key=lambda entry: entry[0])]
    lines = [line for item in in_order for line in symbol_lines(view, item.symbol)]
    return Snippet(path, "\n".join(lines), in_order[0].reason)


def _is_used(word: str, text: str, unseen: Sequence[Span]) -> bool:
    """Whether a text has a word outside of some spans. By searches for the word: they cost less than a list
    of all."""
    position = text.find(word)
    while word and position >= 0:
        end = position + len(word)
        around = bisect_right(unseen, Span(position, len(text))) - 1
        is_hidden = around >= 0 and position < unseen[around].end
        if (
            not is_hidden
            and not _is_word(text[position - 1 : position])
            and not _is_word(text[end : end + 1])
        ):
            return True
        position = text.find(word, end)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def imported_symbols(view: View, path: str, imports: Sequence[Import], text: str) -> Iterator[Imported]:
    """Named symbols first, in the order of the imports, then the outlines of modules that are imported
    whole."""
    modules: list[tuple[str, str]] = []
    for item in imports:
        if not item.module:
            continue
        symbols = find_import(view, path, item) if item.name and item.name != STAR else []
        if symbols:
            yield from (Imported(item.alias, symbol, REASON_IMPORT) for symbol in symbols[:_MAX_OVERLOADS])
        elif module := module_file(view, path, item):
            modules.append((item.alias, module))
    for alias, module in modules:
        if module != path:
            yield from _outline(view, module, alias, text)


def find_import(view: View, importer: str, item: Import) -> list[Symbol]:
    """The definitions of an imported name, through re-exports."""
    target = resolve(resolver_of(importer), item.module, importer, view, item.name)
    return find_in_module(view, target, item.name) if target and target != importer else []


def find_in_module(view: View, path: str, name: str) -> list[Symbol]:
    """The definitions of what a module calls `name`: its own, or those that it imports itself."""
    todo = [(path, name, 0)]
    seen: set[tuple[str, str]] = set()
    while todo:
        path, name, n_hops = todo.pop(0)
        if (path, name) in seen or n_hops > _MAX_HOPS:
            continue
        seen.add((path, name))
        symbols = view.named(path, name)
        if symbols:
            return symbols
        todo += [(target, wanted, n_hops + 1) for target, wanted in _handed_on(view, path, name)]
    return []


def _handed_on(view: View, path: str, name: str) -> Iterator[tuple[str, str]]:
    """(file, name there) for everything that `name` of a module may be taken from."""
    imports = view.imports_of(path)
    for item in imports:
        if item.alias == name and item.name and not item.module:
            yield path, item.name
        elif item.alias == name and item.name:
            yield resolve(resolver_of(path), item.module, path, view, item.name), item.name
    for item in imports:
        if item.name == STAR:
            yield resolve(resolver_of(path), item.module, path, view), name


def module_file(view: View, importer: str, item: Import) -> str:
    """The file of an import that binds a module, or everything in one."""
    resolver = resolver_of(importer)
    if item.name and item.name != STAR:
        return resolve_member(resolver, item.module, item.name, importer, view)
    return resolve(resolver, item.module, importer, view)


def _outline(view: View, module: str, alias: str, text: str) -> Iterator[Imported]:
    """What a module offers: first what the text does not use of it."""
    wanted = (SymbolKind.CLASS, SymbolKind.FUNCTION)
    symbols = [s for s in view.top_level(module) if s.kind in wanted and not s.name.startswith("_")]
    pattern = rf"(?<![\w.]){re.escape(alias)}\s*\.\s*(\w+)" if alias else None
    used = set(re.findall(pattern, text)) if pattern else set()
    symbols.sort(key=lambda symbol: symbol.name in used)
    for symbol in symbols[:_MAX_OF_MODULE]:
        yield Imported(f"{alias}.{symbol.name}" if alias else symbol.name, symbol, REASON_MODULE)


def resolver_of(path: str) -> str:
    language = language_of(path)
    return language.resolver if language is not None else ""


def symbol_lines(view: View, symbol: Symbol) -> list[str]:
    """The signature; for a class also how it is made: its constructor, or else its fields."""
    lines = [symbol.signature]
    if symbol.kind is SymbolKind.CLASS:
        members = view.members(symbol.path, symbol.name)
        makers = [m for m in members if m.name in CONSTRUCTORS or m.name == symbol.name]
        fields = [m for m in members if m.kind is SymbolKind.FIELD and ":" in m.signature]
        lines += [f"    {member.signature}" for member in makers[:1] or fields[:_MAX_FIELDS]]
    return lines
