"""What a Rust file says about types: struct fields, traits, results, parameters, local values.

Runs in the index worker and in the session. Reads heads, which end with a bracket or a semicolon, instead of
a syntax tree: the line that is being typed is always broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lsp_server.index.curly import closing, parts, spaces
from lsp_server.index.facts import Exprs, Facts, Scope
from lsp_server.index.rust_exprs import annotation, value

_MAX_EXPRS = 3
_MAX_HEAD = 2000
_MAX_DEPTH = 200

# A quote that is not closed behind one character begins a lifetime, not a literal.
_LITERAL = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|r(#{1,3})\".*?(?:\"\1|\Z)|\"(?:[^\"\\]++|\\.){0,400}+\"|'(?:[^'\\\n]|\\[^\n']{1,9}|\\')'",
    re.DOTALL,
)
_USE = re.compile(r"^[ \t]*(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:use|extern crate)\b[^;]{0,4000}+;", re.MULTILINE)
_TOP = re.compile(
    r"^(?:pub(?:\([^)\n]*\))?[ ]+)?(?:(?:unsafe|async|const|default)[ ]+)*"
    r"(?:fn|impl|struct|enum|trait|union)\b",
    re.MULTILINE,
)
_MARK = re.compile(r"[(){};]")
_NOISE = re.compile(r"#!?\[[^\]\n]*+\]|\bpub(?:\([^)\n]*\))?\s|\b(?:unsafe|async|extern|default|mut|ref)\s")
_ITEM = re.compile(
    r"\s*+(?:(?:const\s++)?fn\s++(?P<function>\w++)|impl\b(?P<impl>)|mod\s++(?P<mod>\w++)\s*+\Z"
    r"|(?P<kind>struct|enum|trait|union)\s++(?P<type>\w++))"
)
_TYPE_NAME = re.compile(r"(?:&|\s|'\w+)*+(?:\w++\s*+::\s*+)*+([^\W\d]\w*+)")
_LET = re.compile(
    r"(?:^|\W)let\s+(?:Some|Ok|Err)?\s*\(?\s*(?P<name>[^\W\d]\w*)\s*\)?\s*(?P<type>:[^=;]*)?(?P<mark>=(?!=))?"
)
_FOR = re.compile(r"(?:^|\W)for\s+(?:&\s*)?\(?(?P<names>[\w\s,&]+)\)?\s+in\s+")
_GLOBAL = re.compile(r"\s*+(?:const|static)\s++(?P<name>\w++)\s*+:(?P<type>[^=;]*)")
_CLOSURE = re.compile(r"\|\s*(?P<name>[^\W\d]\w*)\s*:\s*(?P<type>[^|,]+)")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True)
class _Open:
    """A bracket that is open. `table`: of a function, its local values. `is_struct`: its fields are in it."""

    name: str
    start: int
    inside: int
    depth: int
    is_class: bool = False
    is_struct: bool = False
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
    code = _LITERAL.sub(lambda match: spaces(match[0]), text)
    return _USE.sub(lambda match: spaces(match[0]), code)


def split(text: str) -> Iterator[int]:
    """Where items begin that stand in nothing else."""
    for match in _TOP.finditer(text):
        yield match.start()


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
                if not (self._stack and self._stack[-1].is_struct):
                    self._statement(start, match.start())
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
        """Without attributes and modifiers."""
        return _NOISE.sub(" ", self._code[max(start, end - _MAX_HEAD) : end])

    def _open(self, start: int, end: int, depth: int) -> None:
        written = self._code[start:end]
        opened = _Open("", start + len(written) - len(written.lstrip()), end + 1, depth)
        self._stack.append(opened)
        if len(self._stack) > _MAX_DEPTH:  # nobody's code: it is counted, not read
            return
        head = self._head(start, end)
        item = _ITEM.match(head) if not depth else None
        if item is None:
            self._inside(f"{head}{{")
        elif item["function"]:
            opened.name = self._dotted(item["function"])
            opened.table = self._function(opened.name, head, item.end())
        elif item["mod"]:
            opened.name = self._dotted(item["mod"])
        elif item["impl"] is not None:
            opened.name, opened.is_class = self._implementation(_behind_angles(head[item.end() :])), True
        else:
            opened.name, opened.is_class = self._dotted(item["type"]), True
            opened.is_struct = item["kind"] in ("struct", "union")
            self._type(opened.name, item["kind"], _behind_angles(head[item.end() :]))

    def _close(self, end: int) -> int:
        """The depth of round brackets that the closed one stood in."""
        if not self._stack:
            return 0
        closed = self._stack.pop()
        if closed.is_struct:
            self._found.values.setdefault(closed.name, {}).update(
                _named(self._code[closed.inside : end - 1], closed.name)
            )
        if closed.is_class:
            self._found.scopes.append(Scope(closed.name, True, closed.start, end))
        elif closed.table is not None:
            self._found.scopes.append(Scope(closed.name, False, closed.start, end))
            self._found.locals[closed.name] = closed.table
        return closed.depth

    def _dotted(self, name: str) -> str:
        outer = next((item.name for item in reversed(self._stack) if item.name), "")
        return f"{outer}.{name}" if outer else name

    def _owner(self) -> str:
        return next((item.name for item in reversed(self._stack) if item.is_class), "")

    def _implementation(self, head: str) -> str:
        """`Trait<A> for Type<B>`: the type; the trait's own methods are its as well."""
        trait, mark, implemented = head.partition(" for ")
        match = _TYPE_NAME.match(implemented if mark else trait)
        name = self._dotted(match[1]) if match else ""
        known = self._found.bases.get(name, ())
        bases = annotation(trait) if mark else ()
        self._found.bases[name] = tuple(dict.fromkeys([*known, *(base.removesuffix("()") for base in bases)]))
        return name

    def _type(self, name: str, kind: str, rest: str) -> None:
        listed = rest.partition("where")[0].lstrip(": ").split("+") if kind == "trait" else ()
        bases = (annotation(part) for part in listed)
        known = self._found.bases.get(name, ())
        self._found.bases[name] = (*known, *(base[0].removesuffix("()") for base in bases if base))

    def _function(self, dotted: str, head: str, position: int) -> dict[str, Exprs]:
        """Its local values so far. What it returns is noted."""
        owner = self._owner()
        rest = _behind_angles(head[position:])
        end = closing(rest, 0) if rest.startswith("(") else 0
        _, arrow, declared = rest[end:].partition("->")
        if arrow:
            self._found.results[dotted] = annotation(declared.partition(" where ")[0], owner)[:_MAX_EXPRS]
        return {name: exprs or (f"?{name}",) for name, exprs in _named(rest[1 : end - 1], owner).items()}

    def _statement(self, start: int, end: int) -> None:
        """What ends with a semicolon or a block: a method without a body, a local value."""
        if len(self._stack) > _MAX_DEPTH:
            return
        head = self._head(start, end)
        item = _ITEM.match(head)
        if item is not None and item["function"]:
            dotted = self._dotted(item["function"])
            self._found.locals[dotted] = self._function(dotted, head, item.end())
            self._found.scopes.append(Scope(dotted, False, start, end))
        elif item is not None and item["type"]:
            self._type(self._dotted(item["type"]), item["kind"], "")
        else:
            self._inside(head)

    def _inside(self, head: str) -> None:
        """What a statement, or the head of a block, binds in the function around it, or in the file."""
        if (constant := _GLOBAL.match(head)) is not None:
            self._found.values.setdefault(self._owner(), {})[constant["name"]] = annotation(constant["type"])
            return
        table = next((item.table for item in reversed(self._stack) if item.table is not None), None)
        if table is None:
            return
        owner = self._owner()
        for closure in _CLOSURE.finditer(head):
            table[closure["name"]] = annotation(closure["type"], owner)
        if (found := _FOR.search(head)) is not None:
            names = _WORD.findall(found["names"])
            exprs = _substituted(value(head, found.end(), owner), table)
            table[names[-1]] = tuple(expr[1:] if expr.startswith("*") else f"{expr}[]" for expr in exprs)
        elif (found := _LET.search(head)) is not None:
            exprs = annotation(found["type"][1:], owner) if found["type"] else ()
            if not exprs and found["mark"]:
                exprs = _substituted(value(head, found.end(), owner), table)
            table[found["name"]] = exprs


def _named(code: str, owner: str) -> dict[str, Exprs]:
    """`a: T, mut b: &U`; `self` is none of them."""
    table: dict[str, Exprs] = {}
    for part in parts(_NOISE.sub(" ", code), angles="<>"):
        name, mark, declared = part.partition(":")
        if mark and _WORD.fullmatch(name.strip()):
            table[name.strip()] = annotation(declared, owner)
    return table


def _behind_angles(code: str) -> str:
    """Without the `<...>` that it begins with."""
    code = code.lstrip()
    depth = 0
    for position, character in enumerate(code[:_MAX_HEAD]):
        depth += (character == "<") - (character == ">" and code[position - 1 : position] != "-")
        if depth <= 0:
            return code[position + (character == ">") :].lstrip()
    return ""


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
