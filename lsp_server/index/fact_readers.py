"""From a text to its facts, by language: the table to which a language's reader is added.

Runs in the index worker and in the session. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lsp_server.index import (
    curly,
    go_exprs,
    go_facts,
    python_facts,
    rust_exprs,
    rust_facts,
    ts_exprs,
    ts_facts,
    typed_exprs,
    typed_facts,
)
from lsp_server.index.facts import NO_FACTS, Facts, Scope
from lsp_server.index.python_exprs import receiver
from lsp_server.index.uses import blank, read_uses
from lsp_server.types import Symbol, SymbolKind, dotted_name

_SCOPES = (SymbolKind.CLASS, SymbolKind.FUNCTION, SymbolKind.METHOD)


@dataclass(frozen=True, slots=True)
class FactReader:
    """What is asked of a language. `code` blanks strings, comments and imports, of the same length; `types`
    reads all facts but the uses; `split` finds where blocks begin that can be read each by itself; `receiver`
    gives the expression before the dot that a line ends with, and whether there is a dot."""

    code: Callable[[str], str]
    types: Callable[[str, str], Facts]
    split: Callable[[str], Iterator[int]]
    receiver: Callable[[str], tuple[str, bool]] = receiver


def _no_types(text: str, code: str) -> Facts:
    return NO_FACTS


def _one_block(text: str) -> Iterator[int]:
    return iter(())


WITHOUT_TYPES = FactReader(blank, _no_types, _one_block)
_CURLY = FactReader(curly.blank, _no_types, _one_block)
_SCRIPT = FactReader(ts_facts.read_code, ts_facts.read_types, ts_facts.split, ts_exprs.receiver)
_GO = FactReader(go_facts.read_code, go_facts.read_types, go_facts.split, go_exprs.receiver)
_TYPED = FactReader(typed_facts.read_code, typed_facts.read_types, typed_facts.split, typed_exprs.receiver)
_RUST = FactReader(rust_facts.read_code, rust_facts.read_types, rust_facts.split, rust_exprs.receiver)

READERS: Mapping[str, FactReader] = {
    "python": FactReader(python_facts.read_code, python_facts.read_types, python_facts.split),
    "go": _GO,
    "rust": _RUST,
    **dict.fromkeys(("typescript", "typescriptreact", "javascript"), _SCRIPT),
    **dict.fromkeys(("java", "csharp"), _TYPED),
    **dict.fromkeys(("kotlin", "scala", "swift", "zig", "c", "cpp"), _CURLY),
}


def reader_of(language_id: str) -> FactReader:
    return READERS.get(language_id, WITHOUT_TYPES)


def read_facts(language_id: str, text: str, symbols: Sequence[Symbol] = ()) -> Facts:
    """Of a whole file. Of a language without a reader: what its functions use, and nothing about types."""
    reader = reader_of(language_id)
    code = reader.code(text)
    facts = reader.types(text, code)
    scopes = facts.scopes or tuple(
        Scope(dotted_name(symbol), symbol.kind is SymbolKind.CLASS, symbol.span.start, symbol.span.end)
        for symbol in symbols
        if symbol.kind in _SCOPES
    )
    return replace(facts, uses=read_uses(code, scopes))
