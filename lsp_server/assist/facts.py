"""From a place in a document to what is known of the code there: `CodeFacts`.

Runs in the session; the heavy part in threads. Everything here is computed from the code, nothing is guessed.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Iterator
from typing import Protocol

from lsp_server.index.inspection import Inspection, inspect_code
from lsp_server.index.languages import language_for
from lsp_server.index.usages import Links
from lsp_server.types import CodeFacts, DocumentSnapshot, Location, Reference, Span, Symbol, SymbolKind

_MAX_CODE_CHARS = 6000
_PYTHON_NAMES = set(dir(builtins))
_CALLABLE_KINDS = ("function", "method", "lambda")


class Index(Protocol):
    """What the facts need of the workspace. There may be none (no folder is open)."""

    async def links_of(self, snapshot: DocumentSnapshot, inspection: Inspection) -> Links: ...


async def build_facts(snapshot: DocumentSnapshot, span: Span | int, index: Index | None) -> CodeFacts:
    """Of the selection, or, for an empty one or a mere offset, of the definition around the cursor.

    An ordinary coroutine: cancelling it stops it at the next thread hop.
    """
    span = Span(span, span) if isinstance(span, int) else span
    path = snapshot.relative_path
    inspection = await asyncio.to_thread(inspect_code, snapshot.text, snapshot.language_id, path, span)
    if inspection is None:
        return _facts_of_text(snapshot, span)
    links = await index.links_of(snapshot, inspection) if index is not None else Links()
    return _facts(snapshot, inspection, links)


def language_id_of(snapshot: DocumentSnapshot) -> str:
    """The index's word for the language; the editor's where the index does not know it."""
    language = language_for(snapshot.language_id, snapshot.relative_path)
    return language.id if language is not None else snapshot.language_id


def _facts(snapshot: DocumentSnapshot, found: Inspection, links: Links) -> CodeFacts:
    path = snapshot.relative_path
    symbol = found.symbol
    places = links.calls or (None,) * len(found.calls)
    calls = [(call.text, _location(place)) for call, place in zip(found.calls, places, strict=True)]
    return CodeFacts(
        title=_title(found, path),
        kind=found.kind,
        path=path,
        start_line=found.line + 1,
        end_line=found.end_line + 1,
        signature=symbol.signature if symbol is not None else "",
        docstring=found.docstring,
        parameters=found.parameters,
        returns=found.returns,
        calls=tuple(calls),
        callers=tuple(_callers(links)),
        raises=tuple(dict.fromkeys(found.raises)),
        complexity=found.complexity,
        n_lines=found.end_line - found.line + 1,
        notes=tuple(_notes(found, links)),
        language_id=snapshot.language_id,
        code=snapshot.text[found.span.start : found.span.end][:_MAX_CODE_CHARS],
        bases=found.bases,
        defines=tuple(
            (inner.signature or inner.name, Location(path, inner.line + 1)) for inner in found.defines
        ),
        reads=_outer_names(found, snapshot.language_id),
        writes=found.writes,
    )


def _facts_of_text(snapshot: DocumentSnapshot, span: Span) -> CodeFacts:
    """For a language that nothing is known of."""
    if not snapshot.text[span.start : span.end].strip():
        span = Span(0, len(snapshot.text))
    text = snapshot.text
    start, end = text.count("\n", 0, span.start), text.count("\n", 0, max(span.start, span.end - 1))
    return CodeFacts(
        title=snapshot.relative_path,
        kind="text",
        path=snapshot.relative_path,
        start_line=start + 1,
        end_line=end + 1,
        n_lines=end - start + 1,
        notes=(
            f"edgewise does not read {snapshot.language_id or 'this kind of file'}: no facts but its size",
        ),
        language_id=snapshot.language_id,
        code=text[span.start : span.end][:_MAX_CODE_CHARS],
    )


def _title(found: Inspection, path: str) -> str:
    name = ".".join(filter(None, (found.container, found.name)))
    if found.kind == SymbolKind.MODULE and not name:
        return path
    if found.kind in ("selection", "lambda"):
        lines = (
            f"lines {found.line + 1}-{found.end_line + 1}"
            if found.line != found.end_line
            else f"line {found.line + 1}"
        )
        return f"{lines} of {found.container or path}"
    return name


def _location(symbol: Symbol | None) -> Location | None:
    return Location(symbol.path, symbol.line + 1) if symbol is not None else None


def _callers(links: Links) -> Iterator[tuple[str, Location]]:
    """A call on something of unknown type is no fact: it says so."""
    for reference in links.callers:
        yield reference.scope or "top level", _place(reference)
    for reference in links.possible_callers:
        yield f"perhaps {reference.scope or 'top level'}", _place(reference)


def _place(reference: Reference) -> Location:
    return Location(reference.path, reference.line + 1)


def _outer_names(found: Inspection, language_id: str) -> tuple[str, ...]:
    """What a piece of code takes from around it: without its own names and those that every file has."""
    known = {*found.writes, "self", "cls", "this"} | (_PYTHON_NAMES if language_id == "python" else set())
    return tuple(name for name in found.reads if name not in known)


def _notes(found: Inspection, links: Links) -> Iterator[str]:
    yield from found.modifiers
    yield from (f"decorated with `{text}`" for text in found.decorators)
    if links.overrides is not None:
        base = links.overrides
        yield f"overrides `{base.container}.{base.name}` ({base.path}:{base.line + 1})"
    if found.returned:
        yield "returns " + ", ".join(f"`{text}`" for text in found.returned)
    if found.symbol is not None and found.kind in _CALLABLE_KINDS and _is_recursive(found):
        yield "calls itself"
    if found.defines and found.kind in ("function", "method"):
        yield "defines inside: " + ", ".join(f"`{inner.name}`" for inner in found.defines)
    yield from (f"line {line + 1} is never reached" for line in found.unreachable_lines)
    if found.has_errors:
        yield "the code has syntax errors: some facts may be missing"


def _is_recursive(found: Inspection) -> bool:
    own = {found.name, f"self.{found.name}", f"cls.{found.name}", f"this.{found.name}", f"Self::{found.name}"}
    return any(call.text in own for call in found.calls)
