"""Who calls a definition, what a call means, what a method overrides: as far as names and imports tell.

Runs in the session, in the thread that all questions to the index run in. Pure over a `View`. Says nothing
rather
than something wrong: these are shown to people, and to models, as facts.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from lsp_server.index.imports import STAR
from lsp_server.index.languages import are_related
from lsp_server.index.search import CONSTRUCTORS, find_import, find_in_module, module_file, resolver_of
from lsp_server.index.view import View
from lsp_server.index.walk import Call
from lsp_server.types import Reference, Symbol, SymbolKind

_MAX_CALLERS = 50
_SELF = frozenset({"self", "cls", "this", "super()", "super"})
_NO_IMPLICIT_SELF = (".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".go", ".rs")
_TYPES = (str, bytes, list, dict, set, tuple, int, float, Exception)

# A call of `x.append(...)` is hardly ever one of the workspace's own.
_EVERYDAY = frozenset(chain(dir(builtins), *(dir(kind) for kind in _TYPES))) | frozenset(
    [
        "map",
        "filter",
        "push",
        "forEach",
        "then",
        "catch",
        "get",
        "set",
        "add",
        "has",
        "delete",
        "toString",
        "equals",
        "hashCode",
        "size",
        "length",
        "iter",
        "unwrap",
        "clone",
        "len",
        "Error",
        "String",
        "close",
        "read",
        "write",
        "open",
        "run",
        "start",
        "stop",
        "next",
        "call",
        "apply",
        "bind",
        "log",
        "info",
        "warn",
        "error",
    ]
)


@dataclass(frozen=True, slots=True)
class Links:
    """`calls` are the definitions of the calls that were asked for, None where it is not known for sure.

    `callers` are calls that mean the definition, `possible_callers` calls of its name on something of
    unknown type.
    """

    calls: tuple[Symbol | None, ...] = ()
    callers: tuple[Reference, ...] = ()
    possible_callers: tuple[Reference, ...] = ()
    overrides: Symbol | None = None


def find_links(
    view: View,
    importer: str,
    symbol: Symbol | None,
    calls: Sequence[Call],
    container: str,
    bases: Sequence[str],
) -> Links:
    """`container` is the class (or module) around the code, `bases` are those of its class."""
    return Links(
        calls=tuple(find_called(view, importer, call, container) for call in calls),
        callers=tuple(callers_of(view, symbol)) if symbol is not None else (),
        possible_callers=tuple(possible_callers_of(view, symbol)) if symbol is not None else (),
        overrides=_overridden(view, importer, symbol, bases) if symbol is not None else None,
    )


def find_called(view: View, importer: str, call: Call, container: str) -> Symbol | None:
    """By what stands before the name: `self` its class, a module its file, nothing the file and its
    imports."""
    receiver = call.text[: -len(call.name)].rstrip(".:>-?") if call.text.endswith(call.name) else "?"
    candidates = _definitions(view, call.name, importer)
    if not receiver:
        return _plain(view, importer, call.name, candidates, container)
    if receiver in _SELF:
        own = [symbol for symbol in candidates if symbol.path == importer and _is_member(symbol, container)]
        return own[0] if own else _only(candidates, call.name)
    for item in view.imports_of(importer):
        if item.alias == receiver:
            module = module_file(view, importer, item)
            found = find_in_module(view, module, call.name) if module else []
            if found:
                return found[0]
    members = [symbol for symbol in candidates if _is_named_after(receiver, symbol.container)]
    return members[0] if len(members) == 1 else None


def _definitions(view: View, name: str, path: str) -> list[Symbol]:
    return [symbol for symbol in view.definitions(name) if are_related(symbol.path, path)]


def _plain(
    view: View, importer: str, name: str, candidates: Sequence[Symbol], container: str
) -> Symbol | None:
    has_implicit_self = not importer.endswith(_NO_IMPLICIT_SELF)
    own = [
        symbol
        for symbol in candidates
        if symbol.path == importer
        and (symbol.kind is not SymbolKind.METHOD or (has_implicit_self and _is_member(symbol, container)))
    ]
    if own:
        return own[0]
    for item in view.imports_of(importer):
        if item.alias == name and item.name:
            found = find_import(view, importer, item)
            return found[0] if found else None
    others = [symbol for symbol in candidates if symbol.kind is not SymbolKind.METHOD]
    return _only(others, name) if not importer.endswith((".py", ".pyi")) else _starred(view, importer, name)


def _starred(view: View, importer: str, name: str) -> Symbol | None:
    """In Python a plain name that is neither defined nor imported can only come through a star."""
    for item in view.imports_of(importer):
        module = module_file(view, importer, item) if item.name == STAR else ""
        found = find_in_module(view, module, name) if module else []
        if found:
            return found[0]
    return None


def _is_member(symbol: Symbol, container: str) -> bool:
    return bool(symbol.container) and f".{container}.".find(f".{symbol.container}.") >= 0


def _only(candidates: Sequence[Symbol], name: str) -> Symbol | None:
    return candidates[0] if len(candidates) == 1 and name not in _EVERYDAY else None


def _is_named_after(receiver: str, container: str) -> bool:
    """`self._store` is likely a `Store`, `Store` itself surely."""
    words = [_last(name).replace("_", "").lower() for name in (receiver, container)]
    return words[0] == words[1] != ""


def _last(dotted: str) -> str:
    return dotted.replace("::", ".").rpartition(".")[2]


def _overridden(view: View, importer: str, symbol: Symbol, bases: Sequence[str]) -> Symbol | None:
    for base in bases if symbol.kind is SymbolKind.METHOD else ():
        owner = next(
            (s for s in definitions_of(view, _last(base), importer) if s.kind is SymbolKind.CLASS), None
        )
        if owner is not None:
            found = [
                member for member in view.members(owner.path, _dotted(owner)) if member.name == symbol.name
            ]
            if found:
                return found[0]
    return None


def _dotted(symbol: Symbol) -> str:
    return f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name


def definitions_of(view: View, name: str, importer: str = "") -> list[Symbol]:
    """Where a name that a file uses is defined: in the file, else where it imports it from, else by name
    alone."""
    everywhere = _definitions(view, name, importer) if importer else view.definitions(name)
    own = [symbol for symbol in everywhere if symbol.path == importer]
    if own or not importer:
        return own or everywhere
    for item in view.imports_of(importer):
        if item.alias == name and item.name:
            found = find_import(view, importer, item)
            if found:
                return found
    return everywhere


def callers_of(view: View, symbol: Symbol) -> list[Reference]:
    """The calls that mean a definition, as far as imports and receivers tell. Of a constructor: of its
    class."""
    if symbol.name in CONSTRUCTORS and symbol.container:
        outer, _, name = symbol.container.rpartition(".")
        owner = replace(symbol, name=name, container=outer, kind=SymbolKind.CLASS)
        return callers_of(view, owner)
    return [call for call, is_sure in _judged(view, symbol) if is_sure][:_MAX_CALLERS]


def possible_callers_of(view: View, symbol: Symbol) -> list[Reference]:
    """Calls of a method's name on something of unknown type. Names that everything has are left out."""
    if symbol.kind is not SymbolKind.METHOD or symbol.name in _EVERYDAY or symbol.name in CONSTRUCTORS:
        return []
    return [call for call, is_sure in _judged(view, symbol) if not is_sure][:_MAX_CALLERS]


def _judged(view: View, symbol: Symbol) -> Iterator[tuple[Reference, bool]]:
    """Every call that can mean the symbol, and whether it is sure to."""
    is_only_one = len({(s.path, s.container) for s in _definitions(view, symbol.name, symbol.path)}) <= 1
    sight: dict[str, bool] = {}
    for call in view.references(symbol.name):
        if not call.is_call or not are_related(call.path, symbol.path):
            continue
        if call.path not in sight:
            sight[call.path] = _sees(view, call.path, symbol)
        verdict = _judge(view, call, symbol, is_seen=sight[call.path], is_only_one=is_only_one)
        if verdict is not None:
            yield call, verdict


def _judge(view: View, call: Reference, symbol: Symbol, *, is_seen: bool, is_only_one: bool) -> bool | None:
    """True: it means the symbol; False: perhaps; None: it does not."""
    has_resolver = bool(resolver_of(call.path))
    can_be = is_seen or (is_only_one and not has_resolver)
    if symbol.kind is not SymbolKind.METHOD:
        if not call.receiver:
            return True if can_be else None
        is_module = _is_module(view, call, symbol) if has_resolver else is_only_one
        return True if is_module or _is_named_after(call.receiver, symbol.container) else None
    if call.receiver in _SELF or (not call.receiver and not call.path.endswith(_NO_IMPLICIT_SELF)):
        is_own = _is_member(symbol, call.scope) and call.path == symbol.path
        return True if is_own else (False if is_only_one else None)
    if _is_named_after(call.receiver, symbol.container):
        return True if can_be or is_only_one else None
    return False if call.receiver and (is_only_one or is_seen) else None


def _is_module(view: View, call: Reference, symbol: Symbol) -> bool:
    """Whether the receiver is the symbol's module, as the file imports it."""
    return any(
        _last(item.alias) == call.receiver
        and (module := module_file(view, call.path, item))
        and any(found.path == symbol.path for found in find_in_module(view, module, symbol.name))
        for item in view.imports_of(call.path)
    )


def _sees(view: View, path: str, symbol: Symbol) -> bool:
    """Whether a file sees a definition: its own, or one that it imports (of a method: its class, its
    module)."""
    if path == symbol.path:
        return True
    wanted = symbol.container.partition(".")[0] or symbol.name
    for item in view.imports_of(path):
        if wanted in (item.name, item.alias):
            if any(found.path == symbol.path for found in find_import(view, path, item)):
                return True
        elif (not item.name or item.name == STAR) and module_file(view, path, item) == symbol.path:
            return True
    return False
