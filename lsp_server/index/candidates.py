"""The definitions that may be wanted at a place, each with the evidence that speaks for it.

Runs in the session, in the thread that all questions to the index run in. Pure over a `Catalogue`. Does not
weigh the evidence: `rank.py` does, and says what each kind of it means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from itertools import islice
from math import log1p

from lsp_server.index.catalogue import Catalogue, Late
from lsp_server.index.habits import Habits
from lsp_server.index.outline import Outline
from lsp_server.index.place import Place, parts_of, word_parts
from lsp_server.index.receivers import Kind, Member, Receivers, Value, enclosing_class
from lsp_server.index.recent import NOTHING_LATELY, Lately
from lsp_server.types import Symbol, SymbolKind, dotted_name

_MAX_OF_CLASS = 250
_MAX_OF_MODULE = 250
_MAX_ROOTS = 40
_MAX_FIELDS = 8
_MAX_NAMES = 160
_MAX_DEFINERS = 6
_FEW_DEFINERS = 3
# A member of a base class is a little less likely than one of the class itself.
_PER_BASE = 0.15
_GUESSED = 0.6


@dataclass(slots=True)
class Candidate:
    """`evidence` by name, as `rank.WEIGHTS` lists them."""

    symbol: Symbol
    evidence: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float = 1.0) -> None:
        if value > self.evidence.get(name, 0.0):
            self.evidence[name] = value


@dataclass(frozen=True, slots=True)
class Sight:
    """What a question is asked with. `related` are the files that the habits were learned from.
    `follows_fields`: also a dot further, where the language's weights know what that is worth."""

    place: Place
    current: Outline
    catalogue: Catalogue
    receivers: Receivers
    habits: Habits
    related: frozenset[str] = frozenset()
    lately: Lately = NOTHING_LATELY
    follows_fields: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """Each candidate once, in no order that means anything. `is_late`: the time was over before the end."""

    candidates: Sequence[Candidate]
    is_late: bool = False


def gather(sight: Sight) -> Gathered:
    """Raises `Late` when the time was over before there was anything."""
    return _Gathering(sight).gather()


class _Gathering:
    """One question: the candidates found so far, by where they are defined."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._place = sight.place
        self._current = sight.current
        self._receivers = sight.receivers
        self._near_parts = parts_of(sight.place.near)
        self._pool: dict[tuple[str, int], Candidate] = {}
        self._seen: set[tuple[Value, str, str]] = set()
        self._members_known: dict[tuple[str, str], Sequence[Member]] = {}

    def gather(self) -> Gathered:
        """What is likeliest to be wanted first, in case that the time is over."""
        is_late = False
        try:
            self._from_receiver()
            self._from_imports()
            self._from_stars()
            self._from_scope()
            self._from_suggestion()
            self._from_habits()
        except Late:
            if not self._pool:
                raise
            is_late = True
        for candidate in self._pool.values():
            if share := self._sight.lately.files.get(candidate.symbol.path):
                candidate.add("recent", share)
        return Gathered(list(self._pool.values()), is_late)

    def _add(self, symbol: Symbol) -> Candidate | None:
        """None for what stands in the file itself: the model sees it."""
        if symbol.path == self._current.path:
            return None
        key = (symbol.path, symbol.span.start)
        found = self._pool.get(key)
        if found is None:
            found = self._pool[key] = Candidate(symbol)
        return found

    def _from_imports(self) -> None:
        for name in self._current.imported:
            self._sight.catalogue.check_time()
            symbol = self._receivers.definition(self._current.path, name)
            if symbol is None:
                for value in self._receivers.named(self._current.path, name):
                    if value.kind is Kind.MODULE:
                        self._from_module(value, name)
            elif candidate := self._add(symbol):
                candidate.add("import used" if name in self._place.before else "import unused")
                self._from_imported(symbol, name)

    def _from_imported(self, symbol: Symbol, name: str) -> None:
        """What can stand behind an imported class, or behind what an imported function returns."""
        if symbol.kind is SymbolKind.CLASS:
            self._members(Value(Kind.CLASS, symbol.path, dotted_name(symbol)), "member of import", name)
        elif symbol.kind is SymbolKind.FUNCTION:
            for value in self._receivers.called(Value(Kind.FUNCTION, symbol.path, dotted_name(symbol))):
                self._members(value, "member of result", name)
        else:
            for value in self._receivers.named(self._current.path, name):
                self._members(value, "member of import", name)

    def _from_module(self, value: Value, name: str) -> None:
        is_near = name in self._place.near
        evidence = "of module near" if is_near else "of module"
        for symbol in self._offered(value.path, _MAX_OF_MODULE):
            if candidate := self._add(symbol):
                candidate.add(evidence)
                if symbol.name in self._sight.habits.files:
                    candidate.add("of module known")

    def _in_package(self) -> Iterator[Symbol]:
        """What other files of the package define, of a large one what has to do with this place."""
        symbols = list(self._sight.catalogue.in_package(self._current.path).values())
        yield from symbols if len(symbols) <= _MAX_OF_MODULE else filter(self._is_likely, symbols)

    def _offered(self, path: str, n_symbols: int) -> Iterator[Symbol]:
        """Of a module with very much in it, what has to do with this place."""
        is_seen = self._sight.catalogue.is_exported
        symbols = [s for name, s in self._receivers.exports(path).items() if is_seen(name)]
        if len(symbols) > n_symbols:
            symbols = [symbol for symbol in symbols if self._is_likely(symbol)]
        yield from symbols

    def _is_likely(self, symbol: Symbol) -> bool:
        is_like = any(part in self._near_parts for part in word_parts(symbol.name))
        return is_like or symbol.name in self._sight.habits.alike

    def _from_stars(self) -> None:
        for item in self._current.stars:
            path = self._sight.catalogue.resolve(self._current.path, item.module)
            for symbol in self._offered(path, _MAX_OF_MODULE) if path else ():
                if candidate := self._add(symbol):
                    candidate.add("import star")
        for symbol in self._in_package():
            if candidate := self._add(symbol):
                candidate.add("of package")

    def _from_receiver(self) -> None:
        """The members of what stands before the dot."""
        place = self._place
        if not place.receiver:
            return
        values = self._receivers.evaluate(place.receiver, self._current.path, place.scope)
        for rank, value in enumerate(values):
            evidence = "receiver guessed" if value.is_guess or rank else "receiver"
            if value.kind is Kind.MODULE:
                for symbol in self._receivers.exports(value.path).values():
                    is_seen = value.path[-1:] != "/" or self._sight.catalogue.is_exported(symbol.name)
                    if candidate := self._add(symbol) if is_seen else None:
                        candidate.add(evidence)
            for member in self._receivers.members(value):
                if candidate := self._add(member.symbol):
                    candidate.add(evidence, 1.0 / (1 + _PER_BASE * member.distance))
        for value in values[:1]:
            self._from_fields(value)

    def _from_fields(self, value: Value) -> None:
        """A dot further: the members of the fields of a value, first of those that code like this names."""
        is_followed = self._sight.follows_fields and value.kind in (Kind.INSTANCE, Kind.CLASS)
        if not is_followed or value.n_many:
            return
        habits, near = self._sight.habits, self._place.near
        owners = self._receivers.order(value.path, value.name)
        names = dict.fromkeys(
            name
            for path, owner in owners
            for name, exprs in self._sight.catalogue.module(path).facts.values.get(owner, {}).items()
            if exprs
        )
        in_order = sorted(names, key=lambda name: (name not in near, -habits.strength(name)))
        for name in in_order[:_MAX_FIELDS]:
            self._sight.catalogue.check_time()
            for inner in self._receivers.member(value, name):
                self._members(inner, "member of field", name)

    def _from_scope(self) -> None:
        """The members of what the names in sight stand for."""
        current, scope = self._current, self._place.scope
        owner = enclosing_class(current, scope)
        if owner:
            self._from_class(owner)
        while scope:
            self._from_roots({name: name for name in current.facts.locals.get(scope, ())}, "member of local")
            scope = scope.rpartition(".")[0]
        self._from_roots({name: name for name in current.facts.values.get("", ())}, "member of global")
        for name in sorted(current.classes - {owner}):
            value = Value(Kind.CLASS, current.path, name)
            self._members(value, "member of own class", name.rpartition(".")[2])

    def _from_class(self, owner: str) -> None:
        """What it inherits, and the members of its attributes."""
        current = self._current
        self._members(Value(Kind.INSTANCE, current.path, owner), "inherited", "self")
        names: dict[str, str] = {}
        for path, name in self._receivers.order(current.path, owner):
            table = self._sight.catalogue.module(path).facts.values.get(name, {})
            names = {**{attribute: f"self.{attribute}" for attribute in table}, **names}
        self._from_roots(names, "member of attribute")

    def _from_roots(self, names: Mapping[str, str], evidence: str) -> None:
        """`names` are expressions by the word that stands for them; those that stand nearby first."""
        in_order = sorted(names.items(), key=lambda item: item[0] not in self._place.near)
        for name, expr in in_order[:_MAX_ROOTS]:
            self._sight.catalogue.check_time()
            values = self._receivers.evaluate(expr, self._current.path, self._place.scope)
            for value in values:
                self._members(value, evidence, name)
            if values and name in self._place.near and evidence != "member of global":
                self._from_fields(values[0])

    def _members(self, value: Value, evidence: str, root: str) -> None:
        """`root` is the word by which the text reaches it."""
        value = replace(value, n_many=0, owner="")
        place = self._place
        nearness = "root in line" if root in place.line_words else "root near" if root in place.near else ""
        if value.kind not in (Kind.INSTANCE, Kind.CLASS) or (value, evidence, nearness) in self._seen:
            return
        self._seen |= {(value, evidence, nearness), (value, evidence, "")}
        share = _GUESSED if value.is_guess else 1.0
        for member in self._members_of(value):
            candidate = self._add(member.symbol)
            if candidate is not None:
                candidate.add(evidence, share / (1 + _PER_BASE * member.distance))
                if nearness:
                    candidate.evidence[nearness] = 1.0

    def _members_of(self, value: Value) -> Sequence[Member]:
        key = (value.path, value.name)
        if key not in self._members_known:
            self._members_known[key] = list(islice(self._receivers.members(value), _MAX_OF_CLASS))
        return self._members_known[key]

    def _from_suggestion(self) -> None:
        """What was suggested here last: the model wants it, and may not have seen it."""
        own = {symbol.name for symbol in self._current.symbols}
        names = [
            name for name in self._sight.lately.names if name not in own and name not in self._place.before
        ]
        for symbols in self._sight.catalogue.symbols_named(names).values() if names else ():
            for found in filter(None, map(self._add, self._in_sight(symbols))):
                found.add("suggested")

    def _from_habits(self) -> None:
        """What code like this uses, wherever it is defined."""
        known = {candidate.symbol.name for candidate in self._pool.values()}
        for candidate in self._pool.values():
            self._add_habit(candidate)
        for symbols in self._sight.catalogue.symbols_named(self._usual_names(known)).values():
            chosen = self._in_sight(symbols)
            for usual in filter(None, map(self._add, chosen)):
                usual.add("by habit")
                usual.add("definers", log1p(len(chosen) - 1))
                self._add_habit(usual)

    def _usual_names(self, known: set[str]) -> Sequence[str]:
        habits = self._sight.habits
        passed_over = known | {symbol.name for symbol in self._current.symbols}
        names = [
            name for name in habits.names() if name not in passed_over and name not in self._place.before
        ]
        return nlargest(_MAX_NAMES, names, key=habits.strength)

    def _in_sight(self, symbols: Sequence[Symbol]) -> Sequence[Symbol]:
        """Of many definitions with one name, those in related files."""
        chosen = [symbol for symbol in symbols if symbol.kind is not SymbolKind.FIELD] or symbols
        if len(chosen) > _FEW_DEFINERS:
            chosen = [symbol for symbol in chosen if symbol.path in self._sight.related] or chosen
        return chosen[:_MAX_DEFINERS]

    def _add_habit(self, candidate: Candidate) -> None:
        habits, name, evidence = self._sight.habits, candidate.symbol.name, candidate.evidence
        if (alike := habits.alike.get(name)) is not None:
            evidence["alike"] = min(1.0, 2 * alike)
            evidence["alike at all"] = 1.0
        if same_name := habits.same_name.get(name):
            evidence["same name"] = same_name
        if behind := habits.behind.get(name):
            evidence["behind"] = behind**0.5
        if n_files := habits.files.get(name):
            evidence["files"] = log1p(n_files)
