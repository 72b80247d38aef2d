"""What a Java or C# file says about types: fields, properties, parameters, results, base types, local values.

Runs in the index worker and in the session. Reads heads, which end with a bracket or a semicolon, instead of
a syntax tree: the type stands before the name in both languages, and the line that is typed is always broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lsp_server.index.curly import blank, parts, spaces
from lsp_server.index.facts import Exprs, Facts, Scope
from lsp_server.index.typed_exprs import annotation, value

_MAX_EXPRS = 3
_MAX_HEAD = 2000
_MAX_DEPTH = 200

_IMPORT = re.compile(
    r"^[ \t]*(?:import|package|using(?=[ \t]+(?:static[ \t]+)?[\w.]+[ \t]*[;=]))\b[^\n;]*;", re.MULTILINE
)
_MARK = re.compile(r"[(){};]")
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


@dataclass(slots=True)
class _Open:
    """A bracket that is open: of a class, of a function, or of anything inside."""

    name: str
    is_class: bool
    start: int
    depth: int
    table: dict[str, Exprs] | None = None


@dataclass(slots=True)
class _Found:
    bases: dict[str, Exprs] = field(default_factory=dict)
    values: dict[str, dict[str, Exprs]] = field(default_factory=dict)
    results: dict[str, Exprs] = field(default_factory=dict)
    locals: dict[str, dict[str, Exprs]] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=list)


def read_code(text: str) -> str:
    """The text with its strings, comments and imports as spaces."""
    return _IMPORT.sub(lambda match: spaces(match[0]), blank(text))


def split(text: str) -> Iterator[int]:
    """A file is one class: no part of it can be read by itself."""
    return iter(())


def read_types(text: str, code: str) -> Facts:
    """Everything but the uses."""
    return _Reader(code).read()


class _Reader:
    """One pass over the brackets and semicolons, with a stack of what is open."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._found = _Found()
        self._stack: list[_Open] = []

    def read(self) -> Facts:
        found = self._found
        depth = start = 0
        for match in _MARK.finditer(self._code):
            mark = match[0]
            if mark == "(":
                depth += 1
            elif mark == ")":
                depth = max(0, depth - 1)
            elif mark == "{":
                self._open(start, match.start(), depth)
                depth, start = 0, match.end()
            elif mark == "}":
                depth, start = self._close(match.end()), match.end()
            elif depth == 0:
                self._statement(start, match.start())
                start = match.end()
        self._statement(start, len(self._code))
        while self._stack:
            self._close(len(self._code))
        found.scopes.sort(key=lambda scope: scope.start)
        return Facts(found.bases, found.values, found.results, {}, found.locals, tuple(found.scopes))

    def _head(self, start: int, end: int) -> str:
        """As long as it was: positions in it are not asked for. Without annotations and modifiers."""
        return _NOISE.sub(" ", self._code[max(start, end - _MAX_HEAD) : end])

    def _open(self, start: int, end: int, depth: int) -> None:
        head = self._head(start, end)
        opened = _Open(
            "", False, start + len(self._code[start:end]) - len(self._code[start:end].lstrip()), depth
        )
        if len(self._stack) > _MAX_DEPTH:  # nobody's code: it is counted, not read
            self._stack.append(opened)
            return
        if not depth:
            around = self._class()
            if made := _CLASS.search(head):
                opened.name, opened.is_class = self._dotted(made[1]), True
                self._bases(opened.name, made[1], head[made.end() :])
            elif named := _NAMESPACE.search(head):
                opened.name, opened.is_class = named[1], False
            elif around is not None and self._stack[-1] is around:
                opened.table = self._member(around, head)
                opened.name = self._last_name if opened.table is not None else ""
        if opened.table is None and not opened.is_class:
            self._inside(head)
        self._stack.append(opened)

    def _close(self, end: int) -> int:
        """The depth of round brackets that the closed one stood in."""
        if not self._stack:
            return 0
        closed = self._stack.pop()
        if closed.is_class:
            self._found.scopes.append(Scope(closed.name, True, closed.start, end))
        elif closed.table is not None:
            self._found.scopes.append(Scope(closed.name, False, closed.start, end))
            self._found.locals[closed.name] = closed.table
        return closed.depth

    def _class(self) -> _Open | None:
        return next((item for item in reversed(self._stack) if item.is_class), None)

    def _dotted(self, name: str) -> str:
        outer = next((item.name for item in reversed(self._stack) if item.name), "")
        return f"{outer}.{name}" if outer else name

    def _bases(self, dotted: str, name: str, rest: str) -> None:
        """`class A<T> extends B<T> implements C`, `record A(B b) : C`."""
        table = self._found.values.setdefault(dotted, {})
        if (rest := _behind_angles(rest)).startswith("("):
            table.update(_parameters(rest[1 : rest.find(")")]))
        first = _BASES.search(rest)
        listed = _BASES.split(rest[first.end() :]) if first else []
        exprs = (annotation(part) for item in listed for part in parts(item, angles="<>"))
        self._found.bases[dotted] = tuple(
            expr[0].removesuffix("()") for expr in exprs if expr and expr[0][0] != "*"
        )

    _last_name = ""

    def _member(self, owner: _Open, head: str) -> dict[str, Exprs] | None:
        """A method or constructor: its local values so far. A property is a value of its class."""
        match = _FUNCTION.match(head)
        if match is not None and match["name"] not in _KEYWORDS and match["type"] not in _KEYWORDS:
            self._last_name = dotted = f"{owner.name}.{match['name']}"
            if match["type"]:
                known = self._found.results.get(dotted, ())
                self._found.results[dotted] = tuple(dict.fromkeys([*known, *annotation(match["type"])]))[
                    :_MAX_EXPRS
                ]
            return _parameters(head[match.end() : head.rfind(")")])
        if (found := _VALUE.match(head)) is not None and found["type"] not in _KEYWORDS:
            self._found.values.setdefault(owner.name, {})[found["name"]] = annotation(found["type"])
        return None

    def _statement(self, start: int, end: int) -> None:
        """What ends with a semicolon: a field, a method without a block, a local value."""
        if len(self._stack) > _MAX_DEPTH:
            return
        head = self._head(start, end)
        owner = self._stack[-1] if self._stack else None
        if owner is not None and owner.is_class:
            found = _VALUE.match(head)
            if found is None or found["type"] in _KEYWORDS:
                if (table := self._member(owner, head)) is not None:
                    self._found.scopes.append(Scope(self._last_name, False, start, end))
                    self._found.locals[self._last_name] = table
                return
            exprs = annotation(found["type"])
            names = [found["name"], *_more_names(head, found)]
            self._found.values.setdefault(owner.name, {}).update(dict.fromkeys(names, exprs))
        elif owner is None and (made := _CLASS.search(head)):
            self._bases(made[1], made[1], head[made.end() :])  # `record A(B b);`
        else:
            self._inside(head)

    def _inside(self, head: str) -> None:
        """What a statement, or the head of a block, binds in the function around it."""
        table = next((item.table for item in reversed(self._stack) if item.table is not None), None)
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
            found = _substituted(value(head, match.end()), table)
            exprs = tuple(_element(expr) for expr in found) if match.re is _EACH else found
        table[match["name"]] = exprs


def _behind_angles(code: str) -> str:
    """Without the `<...>` that it begins with."""
    depth = 0
    for position, character in enumerate(code[:_MAX_HEAD]):
        depth += (character == "<") - (character == ">")
        if depth <= 0:
            return code[position + (character == ">") :].lstrip()
    return ""


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


def _substituted(exprs: Exprs, table: dict[str, Exprs]) -> Exprs:
    """A value that begins with a local name: by what that is, so that `x = x.next()` is no circle."""
    found: list[str] = []
    for expr in exprs:
        head = _WORD.match(expr)
        known = table.get(head[0]) if head else None
        if not known or head is None:
            found.append(expr)
            continue
        rest = expr[head.end() :]
        found += [item + rest for item in known[:2] if not rest or not item.startswith("*")]
        found += [item[1:] + rest[2:] for item in known[:2] if rest.startswith("[]") and item.startswith("*")]
    return tuple(expr for expr in found if len(expr) <= 120)


def _element(expr: str) -> str:
    return expr[1:] if expr.startswith("*") else f"{expr}[]"
