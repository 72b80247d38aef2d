"""What a file says about types and about what is used where: the facts that receivers are resolved from.

Runs in the index worker for every file, in the session for open documents. Pure values, small enough to be
stored beside each file as JSON. Must not know any language: the readers of each are in a module of its own.

Types are written as *expressions*: a name, then `.name` (a member), `()` (called) or `[]` (an element).
The annotation `x: Store` is the expression `Store()`, because the call of a class is an instance of it;
`list[Store]` is `*Store()`, many of them; `?x` is a value of which only the name `x` is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Exprs: TypeAlias = tuple[str, ...]
Table: TypeAlias = Mapping[str, Mapping[str, Exprs]]


@dataclass(frozen=True, slots=True)
class Scope:
    """A class or function: its dotted name, and from its first character to the next line that is outside."""

    name: str
    is_class: bool
    start: int
    end: int
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """`bases` by class; `values` by class ("" for the module) and name; `results` by function; `uses` by
    function: what it names, as `receiver.name` or `name`, with spaces between. Names of scopes are dotted.

    `locals` (by function) and `scopes` are for open documents only: they are not stored.
    """

    bases: Mapping[str, Exprs] = field(default_factory=dict)
    values: Table = field(default_factory=dict)
    results: Mapping[str, Exprs] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    locals: Table = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ()


NO_FACTS = Facts()


@dataclass(slots=True)
class Found:
    """Facts while a file is read."""

    bases: dict[str, Exprs] = field(default_factory=dict)
    values: dict[str, dict[str, Exprs]] = field(default_factory=dict)
    results: dict[str, Exprs] = field(default_factory=dict)
    locals: dict[str, dict[str, Exprs]] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=list)

    def facts(self) -> Facts:
        """Everything but the uses."""
        return Facts(self.bases, self.values, self.results, {}, self.locals, tuple(self.scopes))


def element(expr: str) -> str:
    """One of many."""
    return expr[1:] if expr.startswith("*") else f"{expr}[]"


def write_facts(facts: Facts) -> str:
    """As they are stored."""
    if not (facts.bases or facts.values or facts.results or facts.uses):
        return ""
    rows = [facts.bases, facts.values, facts.results, facts.uses]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def parse_facts(stored: str) -> Facts:
    """The index is not trusted: what is not as `write_facts` makes it is no facts."""
    try:
        bases, values, results, uses = json.loads(stored) if stored else ({}, {}, {}, {})
        return Facts(
            bases=_by_name(bases),
            values={scope: _by_name(table) for scope, table in values.items()},
            results=_by_name(results),
            uses={scope: str(names) for scope, names in uses.items()},
        )
    except (ValueError, TypeError, AttributeError):
        return NO_FACTS


def _by_name(table: Mapping[str, Any]) -> dict[str, Exprs]:
    return {name: tuple(exprs) for name, exprs in table.items()}
