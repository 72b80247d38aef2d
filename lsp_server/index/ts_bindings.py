"""What binds names inside of TypeScript's functions: destructuring, callbacks, alternatives. Pure text.

Runs in the index worker and in the session. Works on the expressions of `facts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.index.curly import chain_start
from lsp_server.index.facts import Exprs
from lsp_server.index.ts_exprs import value

_MAX_EXPRS = 3
_MAX_JOINED = 120
_REACH_OF_ARROW = 200
_REACH_OF_CHAIN = 300

# What is called with each element, or with what was awaited, and the parameter that stands for it.
_CALLBACK = re.compile(
    r"\.(?P<by>map|forEach|filter|find|findLast|findIndex|some|every|flatMap|sort|then)[ \t]*"
    r"\(\s*(?:async\b[ \t]*)?\(?[ \t]*(?:(?P<name>\w+)|\{(?P<taken>[^{}]*)\})[ \t]*(?=[,)=])"
)
_WORDS = re.compile(r"\w+")


def callbacks(code: str) -> Iterator[tuple[int, dict[str, Exprs]]]:
    """(offset, what the parameter is): `items.map((item) => ...)` gets an element of `items`."""
    for match in _CALLBACK.finditer(code):
        if "=>" not in code[match.end() : match.end() + _REACH_OF_ARROW].partition("\n")[0]:
            continue
        begin = max(0, match.start() - _REACH_OF_CHAIN)
        chain = code[begin : match.start()]
        found = value(chain, chain_start(chain))
        exprs = found if match["by"] == "then" else tuple(map(element, found))
        yield match.start(), {match["name"]: exprs} if match["name"] else taken(match["taken"], exprs)


def joined(known: Exprs, found: Exprs, *, is_first: bool = False) -> Exprs:
    kept = () if found and known and known[0].startswith("?") else known
    return tuple(dict.fromkeys([*found, *kept] if is_first else [*kept, *found]))[:_MAX_EXPRS]


def substituted(expr: str, values: dict[str, Exprs]) -> Iterator[str]:
    head = _WORDS.search(expr)
    known = values.get(head[0]) if head else None
    if not known or head is None:
        yield expr
        return
    rest = expr[head.end() :]
    for item in known[:2]:
        is_element = item.startswith("*") and rest.startswith("[]")
        joined = item[1:] + rest[2:] if is_element else expr[: head.start()] + item + rest
        if len(joined) <= _MAX_JOINED and (is_element or not rest or not item.startswith("*")):
            yield joined


def taken(names: str, exprs: Exprs) -> dict[str, Exprs]:
    """`{ a, b: c }` of a value: its members, by the names that they are bound to."""
    found: dict[str, Exprs] = {}
    for item in names.split(","):
        words = _WORDS.findall(item.partition("=")[0])
        if words:
            found[words[-1]] = tuple(f"{expr}.{words[0]}" for expr in exprs if expr[0] not in "*?")
    return found


def element(expr: str) -> str:
    return expr[1:] if expr.startswith("*") else f"{expr}[]"
