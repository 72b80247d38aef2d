"""What an expression is: the classes, functions and modules of the workspace that it may stand for.

Runs in the session, in the thread that all questions to the index run in. Pure over a `Catalogue`. Knows no
language: it evaluates the expressions of `facts.py`, whatever language they were read from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from lsp_server.index.catalogue import Catalogue
from lsp_server.index.facts import Exprs
from lsp_server.index.outline import Outline
from lsp_server.types import Symbol, SymbolKind, dotted_name

_MAX_DEPTH = 10
_MAX_VALUES = 4
_MAX_BASES = 12
_MIN_GUESSED = 3
_FEW_CLASSES = 2
_ENTERED = ".__enter__()"
_STEP = re.compile(
    r"\.__enter__\(\)|\.(?:find|findLast|at|pop|shift|get|popleft)\(\)"
    r"|\.(?:filter|slice|sort|reverse|values|concat|copy)\(\)|\(\)|\[\]|\.\w+"
)
# Of a collection that the workspace does not define: what gives an element, and what gives as many again.
_ONE_OF = frozenset([".find()", ".findLast()", ".at()", ".pop()", ".shift()", ".get()", ".popleft()"])
_HEAD = re.compile(r"\??\w+")
_WITH_MEMBERS = (SymbolKind.CLASS, SymbolKind.MODULE)


class Kind(Enum):
    INSTANCE = auto()
    CLASS = auto()
    FUNCTION = auto()
    MODULE = auto()


@dataclass(frozen=True, slots=True)
class Value:
    """`name` is dotted, "" for a module. `n_many`: so often a collection of it. `is_guess`: by its name.

    `owner` is, of a method, the class that it was reached from: its path and name, a line each."""

    kind: Kind
    path: str
    name: str = ""
    n_many: int = 0
    owner: str = ""
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is reached from a class: `distance` counts the base classes in between."""

    symbol: Symbol
    distance: int


class Receivers:
    """For one question; remembers what it has evaluated."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[tuple[str, str, str], tuple[Value, ...]] = {}
        self._orders: dict[tuple[str, str], list[tuple[str, str]]] = {}

    def evaluate(self, expr: str, path: str, scope: str, depth: int = 0) -> tuple[Value, ...]:
        """What `expr` is in `scope` of a file, the likeliest first; nothing when the workspace has none."""
        key = (expr, path, scope)
        known = self._known.get(key)
        if known is not None or depth > _MAX_DEPTH:
            return known or ()
        self._known[key] = ()  # an expression that needs itself is nothing
        found = tuple(dict.fromkeys(self._evaluate(expr, path, scope, depth)))[:_MAX_VALUES]
        self._known[key] = found
        return found

    def _evaluate(self, expr: str, path: str, scope: str, depth: int) -> Iterator[Value]:
        body = expr.lstrip("*")
        n_many = len(expr) - len(body)
        head = _HEAD.match(body)
        if head is None:
            return
        values = tuple(self._head(head[0], path, scope, depth))
        for step in _STEP.findall(body, head.end()):
            values = tuple(
                dict.fromkeys(after for value in values for after in self._step(value, step, depth))
            )[:_MAX_VALUES]
        for value in values:
            yield replace(value, n_many=value.n_many + n_many) if n_many else value

    def _head(self, name: str, path: str, scope: str, depth: int) -> Iterator[Value]:
        outline = self._catalogue.module(path)
        if name in ("self", "cls", "super"):
            exprs, where = self._local(name, outline, scope)
            if exprs and not exprs[0].startswith("?"):  # TypeScript's `function f(this: Store)`
                yield from (item for expr in exprs for item in self.evaluate(expr, path, where, depth + 1))
            else:
                yield from self._own(name, outline, scope)
            return
        if name.startswith("?"):
            yield from self.guess(name[1:], outline)
            return
        exprs, where = self._local(name, outline, scope)
        if exprs is not None:
            for expr in exprs:
                yield from self.evaluate(expr, path, where, depth + 1)
            return
        yield from self.named(path, name, depth)

    def _own(self, name: str, outline: Outline, scope: str) -> Iterator[Value]:
        owner = enclosing_class(outline, scope)
        if not owner:
            return
        if name == "super":
            yield Value(Kind.FUNCTION, outline.path, "super", owner=owner)
            return
        yield Value(Kind.INSTANCE if name == "self" else Kind.CLASS, outline.path, owner)

    def _local(self, name: str, outline: Outline, scope: str) -> tuple[Exprs | None, str]:
        """What the functions around bind the name to."""
        while scope:
            table = outline.facts.locals.get(scope)
            if table is not None and name in table:
                return table[name], scope
            if scope in outline.classes and name in outline.facts.values.get(scope, {}):
                return outline.facts.values[scope][name], scope
            scope = scope.rpartition(".")[0]
        return None, ""

    def named(self, path: str, name: str, depth: int = 0) -> Iterator[Value]:
        """What a module calls `name`: its own, or what it imports, or what comes through a star."""
        if depth > _MAX_DEPTH:
            return
        outline = self._catalogue.module(path)
        symbol = outline.top.get(name)
        if name in outline.facts.bases or (symbol is not None and symbol.kind in _WITH_MEMBERS):
            yield Value(Kind.CLASS, path, name)
        elif symbol is not None and symbol.kind is SymbolKind.FUNCTION:
            yield Value(Kind.FUNCTION, path, name)
        elif name in outline.facts.values.get("", {}) and name not in outline.imported:
            for expr in outline.facts.values[""][name]:
                yield from self.evaluate(expr, path, "", depth + 1)
        elif name in outline.imported:
            yield from self._imported(outline, name, depth)
        elif elsewhere := self._catalogue.definition(path, name):
            yield from self.named(elsewhere.path, name, depth + 1) if elsewhere.path != path else ()
        elif self._catalogue.is_found_by_name(path):
            yield from self._named_anywhere(name)

    def _named_anywhere(self, name: str) -> Iterator[Value]:
        """In a namespace, which is no module: there are few classes of one name."""
        symbols = self._catalogue.symbols_named([name]).get(name, [])
        classes = [symbol for symbol in symbols if symbol.kind is SymbolKind.CLASS]
        if 1 <= len(classes) <= _FEW_CLASSES:
            yield from (Value(Kind.CLASS, symbol.path, dotted_name(symbol)) for symbol in classes)

    def definition(self, path: str, name: str) -> Symbol | None:
        return self._catalogue.definition(path, name)

    def exports(self, path: str) -> Mapping[str, Symbol]:
        return self._catalogue.exports(path)

    def called(self, value: Value) -> tuple[Value, ...]:
        return tuple(self._called(value, 1))

    def _imported(self, outline: Outline, name: str, depth: int) -> Iterator[Value]:
        item = outline.imported[name]
        if not item.name:
            module = item.module if item.alias != item.module else item.module.partition(".")[0]
            target = self._catalogue.resolve(outline.path, module)
            if target:
                yield Value(Kind.MODULE, target)
            return
        if not item.module and item.name != name:  # another name for what is its own
            yield from self.named(outline.path, item.name, depth + 1)
            return
        target = self._catalogue.resolve(outline.path, item.module, item.name)
        found = tuple(self.named(target, item.name, depth + 1)) if target and target != outline.path else ()
        if found:
            yield from found
        elif module := self._catalogue.resolve_member(outline.path, item.module, item.name):
            yield Value(Kind.MODULE, module)

    def _step(self, value: Value, step: str, depth: int) -> Iterator[Value]:
        if step == _ENTERED:
            yield from self._entered(value, depth)
        elif step == "()":
            yield from self._called(value, depth)
        elif step == "[]":
            yield from self._element(value, depth)
        elif step.endswith("()"):
            yield from self._method_called(value, step, depth)
        elif not value.n_many:
            yield from self.member(value, step[1:], depth)

    def _method_called(self, value: Value, step: str, depth: int) -> Iterator[Value]:
        if value.n_many:
            yield replace(value, n_many=value.n_many - (step in _ONE_OF))
            return
        for method in self.member(value, step[1:-2], depth):
            yield from self._called(method, depth)

    def _called(self, value: Value, depth: int) -> Iterator[Value]:
        if value.n_many:
            return
        if value.kind is Kind.CLASS:
            yield replace(value, kind=Kind.INSTANCE)
        elif value.kind is Kind.FUNCTION and value.name == "super":
            order = self.order(value.path, value.owner)
            yield from (Value(Kind.INSTANCE, path, name) for path, name in order[1:2])
        elif value.kind is Kind.FUNCTION:
            outline = self._catalogue.module(value.path)
            for expr in outline.facts.results.get(value.name, ()):
                found = self.evaluate(expr, value.path, value.name, depth + 1)
                yield from (self._as_owner(item, expr, value) for item in found)
        elif value.kind is Kind.INSTANCE:
            for callee in self.member(value, "__call__", depth):
                yield from self._called(callee, depth + 1)

    def _as_owner(self, item: Value, expr: str, function: Value) -> Value:
        """`return self` of an inherited method is an instance of the class that it was called on."""
        if expr in ("self", "cls()") and function.owner:
            path, _, name = function.owner.partition("\n")
            return replace(item, path=path, name=name)
        return item

    def _element(self, value: Value, depth: int) -> Iterator[Value]:
        if value.n_many:
            yield replace(value, n_many=value.n_many - 1)
        elif value.kind is Kind.CLASS:
            yield value
        elif value.kind is Kind.INSTANCE and depth < _MAX_DEPTH:
            for name in ("__getitem__", "__iter__"):
                for method in self.member(value, name, depth + 1):
                    found = tuple(self._called(method, depth + 1))
                    yield from (replace(item, n_many=0) for item in found)

    def member(self, value: Value, name: str, depth: int = 0) -> Iterator[Value]:
        if value.kind is Kind.MODULE:
            found = tuple(self.named(value.path, name, depth + 1))
            yield from found
            if not found and (path := self._catalogue.submodule(value.path, name)):
                yield Value(Kind.MODULE, path)
            return
        if value.kind is Kind.FUNCTION or depth > _MAX_DEPTH:
            return
        for path, owner in self.order(value.path, value.name):
            found = tuple(self._member_of(path, owner, name, value, depth))
            if found:
                yield from found
                return

    def _entered(self, value: Value, depth: int) -> Iterator[Value]:
        """Of `with`: what `__enter__` returns, what a generator yields, mostly the thing itself."""
        if value.n_many:
            yield replace(value, n_many=value.n_many - 1)
            return
        found = [
            item
            for name in ("__enter__", "__aenter__")
            for method in self.member(value, name, depth + 1)
            for item in self._called(method, depth + 1)
        ]
        yield from found or [value]

    def _member_of(self, path: str, owner: str, name: str, value: Value, depth: int) -> Iterator[Value]:
        outline = self._catalogue.module(path)
        symbol = outline.members(owner).get(name)
        exprs = outline.facts.values.get(owner, {}).get(name, ())
        if symbol is not None and symbol.kind is SymbolKind.CLASS:
            yield Value(Kind.CLASS, path, f"{owner}.{name}")
            return
        if exprs:
            for expr in exprs:
                yield from self.evaluate(expr, path, owner, depth + 1)
        elif symbol is not None and symbol.kind in (SymbolKind.METHOD, SymbolKind.FUNCTION):
            yield Value(Kind.FUNCTION, path, f"{owner}.{name}", owner=f"{value.path}\n{value.name}")

    def order(self, path: str, name: str) -> list[tuple[str, str]]:
        """The class and its base classes in the workspace, nearest first."""
        known = self._orders.get((path, name))
        if known is not None:
            return known
        self._orders[path, name] = [(path, name)]
        found = [(path, name)]
        outline = self._catalogue.module(path)
        scope = name.rpartition(".")[0]
        for expr in outline.facts.bases.get(name, ()):
            for value in self.evaluate(expr, path, scope):
                if value.kind is Kind.CLASS:
                    found += [place for place in self.order(value.path, value.name) if place not in found]
        self._orders[path, name] = found[:_MAX_BASES]
        return self._orders[path, name]

    def members(self, value: Value) -> Iterator[Member]:
        """What can stand behind a dot: of a class and its base classes."""
        if value.n_many or value.kind is Kind.FUNCTION:
            return
        if value.kind is Kind.MODULE:
            return
        seen: set[str] = set()
        for distance, (path, name) in enumerate(self.order(value.path, value.name)):
            for symbol in self._catalogue.module(path).members(name).values():
                if symbol.name not in seen:
                    seen.add(symbol.name)
                    yield Member(symbol, distance)

    def guess(self, name: str, outline: Outline) -> Iterator[Value]:
        """By its name alone: `parser` may be an instance of a class `Parser`, best of one in sight."""
        wanted = name.replace("_", "").lower()
        if len(wanted) < _MIN_GUESSED:
            return
        for where in (outline, *self._modules_in_sight(outline)):
            found = [value for value in self._classes_called(wanted, where) if value.kind is Kind.CLASS]
            if found:
                yield from (replace(value, kind=Kind.INSTANCE, is_guess=True) for value in found)
                return
        camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        symbols = self._catalogue.symbols_named([camel]).get(camel, [])
        classes = [symbol for symbol in symbols if symbol.kind is SymbolKind.CLASS and not symbol.container]
        if 1 <= len(classes) <= _FEW_CLASSES:
            yield Value(Kind.INSTANCE, classes[0].path, camel, is_guess=True)

    def _modules_in_sight(self, outline: Outline) -> Iterator[Outline]:
        for item in outline.imported.values():
            path = self._catalogue.resolve_member(outline.path, item.module, item.name) if item.name else ""
            if path:
                yield self._catalogue.module(path)

    def _classes_called(self, wanted: str, outline: Outline) -> Iterator[Value]:
        own = (name for name in outline.top if name in outline.classes)
        imported = (name for name in outline.imported if name[:1].isupper())
        for name in (*own, *imported):
            if name.lower() == wanted:
                yield from self.named(outline.path, name)


def enclosing_class(outline: Outline, scope: str) -> str:
    """The innermost class around a scope; "" when there is none."""
    while scope and scope not in outline.classes:
        scope = scope.rpartition(".")[0]
    return scope
