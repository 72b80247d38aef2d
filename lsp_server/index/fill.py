"""Fills a budget with one line for each symbol, the likeliest first, by file and class. Pure.

Runs in the session. Must not know tokens: whoever asks gives the budget in characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from lsp_server.types import Snippet, Symbol, SymbolKind

REASON = "likely"
_LINE_CHARS = 160
# What a prompt puts around a path: a comment mark, or a token of the model's own.
_HEADER_CHARS = 4
_SMALLEST_CHARS = 80
_INDENT = "    "
# So many in a row that did not fit: hardly any other will.
_MAX_PASSED = 16

# (path, dotted name of a class) -> its first line
Header = Callable[[str, str], str]


@dataclass(slots=True)
class _File:
    """Lines by container, "" for what lies in nothing; `headers` are the first lines of the classes."""

    groups: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        for container, lines in self.groups.items():
            if container:
                yield self.headers[container]
            yield from lines


def fill(symbols: Iterable[Symbol], budget_chars: int, header: Header) -> tuple[Snippet, ...]:
    """`symbols` best first. A file stands where its first symbol put it; what is too long is passed over."""
    files: dict[str, _File] = {}
    left = budget_chars
    n_passed = 0
    for symbol in symbols:
        if left < _SMALLEST_CHARS or n_passed > _MAX_PASSED:
            break
        file = files.get(symbol.path) or _File()
        added = _added(file, symbol, header)
        cost = sum(len(line) + 1 for line in added) + (len(symbol.path) + _HEADER_CHARS) * (not file.groups)
        n_passed = n_passed + 1 if cost > left else 0
        if added and cost <= left:
            left -= cost
            files[symbol.path] = file
            _put(file, symbol, added)
    return tuple(Snippet(path, "\n".join(file.lines()), REASON) for path, file in files.items())


def _added(file: _File, symbol: Symbol, header: Header) -> list[str]:
    """The lines that a symbol adds: of a member also its class's, once."""
    if symbol.kind is SymbolKind.CLASS and not symbol.container:
        return [] if symbol.name in file.groups else [shown(symbol.signature)]
    line = shown(symbol.signature, _INDENT if symbol.container else "")
    is_new = bool(symbol.container) and symbol.container not in file.groups
    return [shown(header(symbol.path, symbol.container)), line] if is_new else [line]


def _put(file: _File, symbol: Symbol, added: list[str]) -> None:
    if symbol.kind is SymbolKind.CLASS and not symbol.container:
        file.headers[symbol.name] = added[0]
        file.groups[symbol.name] = []
        return
    if len(added) > 1:
        file.headers[symbol.container] = added[0]
    file.groups.setdefault(symbol.container, []).append(added[-1])


def shown(signature: str, indent: str = "") -> str:
    line = signature if len(signature) <= _LINE_CHARS else signature[: _LINE_CHARS - 4].rstrip() + " ..."
    return indent + line
