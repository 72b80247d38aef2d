"""What a Java or C# file says about types: fields, properties, parameters, results, base types, local values.

Runs in the index worker and in the session. Reads heads, which end with a bracket or a semicolon, instead of
a syntax tree: the type stands before the name in both languages, and the line that is typed is always broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.index.curly import blank, parts, spaces
from lsp_server.index.facts import Exprs, Facts, Scope, element
from lsp_server.index.heads import MAX_EXPRS, HeadReader, Open, behind_angles, substituted
from lsp_server.index.typed_exprs import annotation, value

_IMPORT = re.compile(
    r"^[ \t]*(?:import|package|using(?=[ \t]+(?:static[ \t]+)?[\w.]+[ \t]*[;=]))\b[^\n;]*;", re.MULTILINE
)
_NOISE = re.compile(
    r"@[\w.]++(?:\([^()]*+\))?+|(?<![\w)\]>])\[[^\]\n]*+\](?=\s*+[\w\[@])|\b(?:public|private|protected|internal|static|final"
    r"|abstract|readonly|sealed|virtual|override|async|const|synchronized|native|transient|volatile|partial|extern"
    r"|unsafe|required|ref|out|params|scoped|(?:this|using)(?=\s+\w))\b"
)
_CLASS = re.compile(r"\b(?:class|interface|enum|struct|record(?:\s+(?:class|struct))?+)\s++(\w++)\s*+")
_NAMESPACE = re.compile(r"\bnamespace\s+([\w.]+)\s*\Z")
_TYPE = r"(?P<type>[^\W\d][\w.]*+(?:\s*+<[^;(){}=]*>)?(?:\s*+\[[\s,]*+\])*+\??+)"
_FUNCTION = re.compile(r"\s*+(?:<[^()]*?>\s*+)?(?:" + _TYPE + r"\s++)?(?P<name>\w++)\s*+(?:<[^()]*>\s*+)?\(")
_VALUE = re.compile(r"\s*+" + _TYPE + r"\s++(?P<name>[^\W\d]\w*+)\s*+(?P<mark>=>|=(?!=)|,|\Z)")
_EACH = re.compile(r"\b(?:for|foreach)\s*\(\s*" + _TYPE + r"\s+(?P<name>\w+)\s*(?::|\bin\b)\s*")
_CAUGHT = re.compile(r"\bcatch\s*\(\s*" + _TYPE + r"\s+(?P<name>\w+)")
_TRIED = re.compile(r"\b(?:try|using|for|fixed|lock)\s*\(\s*" + _TYPE + r"\s+(?P<name>\w+)\s*=(?!=)\s*")
_MATCHED = re.compile(r"\b(?:instanceof|is)\s+(?P<type>[A-Z][\w.]*(?:<[\w\s,.<>?]*>)?)\s+(?P<name>[a-z_]\w*)")
_BASES = re.compile(r"\b(?:extends|implements|permits|where)\b|:")
_WORD = re.compile(r"\w+")
_KEYWORDS_NAMES = (
    "if for foreach while switch catch try using lock fixed synchronized return new throw else do"
    " case yield await base this super when typeof sizeof nameof default goto var"
)
_KEYWORDS = frozenset(_KEYWORDS_NAMES.split())


def read_code(text: str) -> str:
    """The text with its strings, comments and imports as spaces."""
    return _IMPORT.sub(lambda match: spaces(match[0]), blank(text))


def split(text: str) -> Iterator[int]:
    """A file is one class: no part of it can be read by itself."""
    return iter(())


def read_types(text: str, code: str) -> Facts:
    """Everything but the uses."""
    return _Reader(code).read().facts()


class _Reader(HeadReader):
    """What the heads of Java and C# say."""

    noise = _NOISE

    def begin(self, opened: Open, head: str) -> None:
        if not opened.depth:
            around = self.owner()
            if made := _CLASS.search(head):
                opened.name, opened.is_class = self.dotted(made[1]), True
                self._bases(opened.name, head[made.end() :])
            elif named := _NAMESPACE.search(head):
                opened.name = named[1]
            elif around is not None and self.stack[-1] is around:
                opened.table = self._member(around, head)
                opened.name = self._last_name if opened.table is not None else ""
        if opened.table is None and not opened.is_class:
            self._inside(head)

    def _bases(self, dotted: str, rest: str) -> None:
        """`class A<T> extends B<T> implements C`, `record A(B b) : C`."""
        table = self.found.values.setdefault(dotted, {})
        if (rest := behind_angles(rest)).startswith("("):
            table.update(_parameters(rest[1 : rest.find(")")]))
        first = _BASES.search(rest)
        listed = _BASES.split(rest[first.end() :]) if first else []
        exprs = (annotation(part) for item in listed for part in parts(item, angles="<>"))
        self.found.bases[dotted] = tuple(
            expr[0].removesuffix("()") for expr in exprs if expr and expr[0][0] != "*"
        )

    _last_name = ""

    def _member(self, owner: Open, head: str) -> dict[str, Exprs] | None:
        """A method or constructor: its local values so far. A property is a value of its class."""
        match = _FUNCTION.match(head)
        if match is not None and match["name"] not in _KEYWORDS and match["type"] not in _KEYWORDS:
            self._last_name = dotted = f"{owner.name}.{match['name']}"
            if match["type"]:
                known = self.found.results.get(dotted, ())
                self.found.results[dotted] = tuple(dict.fromkeys([*known, *annotation(match["type"])]))[
                    :MAX_EXPRS
                ]
            return _parameters(head[match.end() : head.rfind(")")])
        if (found := _VALUE.match(head)) is not None and found["type"] not in _KEYWORDS:
            self.found.values.setdefault(owner.name, {})[found["name"]] = annotation(found["type"])
        return None

    def statement(self, head: str, start: int, end: int) -> None:
        """A field, a method without a block, a local value."""
        owner = self.stack[-1] if self.stack else None
        if owner is not None and owner.is_class:
            found = _VALUE.match(head)
            if found is None or found["type"] in _KEYWORDS:
                if (table := self._member(owner, head)) is not None:
                    self.found.scopes.append(Scope(self._last_name, False, start, end))
                    self.found.locals[self._last_name] = table
                return
            exprs = annotation(found["type"])
            names = [found["name"], *_more_names(head, found)]
            self.found.values.setdefault(owner.name, {}).update(dict.fromkeys(names, exprs))
        elif owner is None and (made := _CLASS.search(head)):
            self._bases(made[1], head[made.end() :])  # `record A(B b);`
        else:
            self._inside(head)

    def _inside(self, head: str) -> None:
        """What a statement, or the head of a block, binds in the function around it."""
        table = self.table()
        if table is None:
            return
        for match in (_EACH.search(head), _TRIED.search(head), _CAUGHT.search(head), _VALUE.match(head)):
            if match is not None and match["type"] not in _KEYWORDS - {"var"}:
                self._bind(table, head, match)
        for match in _MATCHED.finditer(head):
            self._bind(table, head, match)

    def _bind(self, table: dict[str, Exprs], head: str, match: re.Match[str]) -> None:
        exprs = annotation(match["type"])
        if not exprs and match["type"] == "var":
            found = substituted(value(head, match.end()), table)
            exprs = tuple(element(expr) for expr in found) if match.re is _EACH else found
        table[match["name"]] = exprs


def _more_names(head: str, found: re.Match[str]) -> Iterator[str]:
    """`int a, b;`"""
    if found["mark"] == ",":
        yield from (part for part in parts(head[found.end() :]) if _WORD.fullmatch(part))


def _parameters(code: str) -> dict[str, Exprs]:
    """`Type a, Type b = c`."""
    table: dict[str, Exprs] = {}
    for part in parts(code, angles="<>"):
        declared = part.partition("=")[0].replace("...", "[]").rstrip()
        match = re.search(r"([^\W\d]\w*)\Z", declared)
        if match is not None:
            exprs = annotation(declared[: match.start()])
            table[match[1]] = exprs or (f"?{match[1]}",)
    return table
