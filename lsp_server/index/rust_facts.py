"""What a Rust file says about types: struct fields, traits, results, parameters, local values.

Runs in the index worker and in the session. Reads heads, which end with a bracket or a semicolon, instead of
a syntax tree: the line that is being typed is always broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.index.curly import closing, parts, spaces
from lsp_server.index.facts import Exprs, Facts, Scope, element
from lsp_server.index.heads import MAX_EXPRS, HeadReader, Open, behind_angles, substituted
from lsp_server.index.rust_exprs import annotation, value

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
    return _Reader(code).read().facts()


class _Reader(HeadReader):
    """What the heads of Rust say."""

    noise = _NOISE

    def begin(self, opened: Open, head: str) -> None:
        item = _ITEM.match(head) if not opened.depth else None
        if item is None:
            self._inside(f"{head}{{")
        elif item["function"]:
            opened.name = self.dotted(item["function"])
            opened.table = self._function(opened.name, head, item.end())
        elif item["mod"]:
            opened.name = self.dotted(item["mod"])
        elif item["impl"] is not None:
            opened.name, opened.is_class = self._implementation(behind_angles(head[item.end() :])), True
        else:
            opened.name, opened.is_class = self.dotted(item["type"]), True
            opened.is_struct = item["kind"] in ("struct", "union")
            self._type(opened.name, item["kind"], behind_angles(head[item.end() :]))

    def end(self, closed: Open, end: int) -> None:
        if closed.is_struct:
            fields = _named(self.code[closed.inside : end - 1], closed.name)
            self.found.values.setdefault(closed.name, {}).update(fields)

    def ends_statement(self) -> bool:
        """A block's value; not the last field of a struct."""
        return not (self.stack and self.stack[-1].is_struct)

    def _owner(self) -> str:
        owner = self.owner()
        return owner.name if owner is not None else ""

    def _implementation(self, head: str) -> str:
        """`Trait<A> for Type<B>`: the type; the trait's own methods are its as well."""
        trait, mark, implemented = head.partition(" for ")
        match = _TYPE_NAME.match(implemented if mark else trait)
        name = self.dotted(match[1]) if match else ""
        known = self.found.bases.get(name, ())
        bases = annotation(trait) if mark else ()
        self.found.bases[name] = tuple(dict.fromkeys([*known, *(base.removesuffix("()") for base in bases)]))
        return name

    def _type(self, name: str, kind: str, rest: str) -> None:
        listed = rest.partition("where")[0].lstrip(": ").split("+") if kind == "trait" else ()
        bases = (annotation(part) for part in listed)
        known = self.found.bases.get(name, ())
        self.found.bases[name] = (*known, *(base[0].removesuffix("()") for base in bases if base))

    def _function(self, dotted: str, head: str, position: int) -> dict[str, Exprs]:
        """Its local values so far. What it returns is noted."""
        owner = self._owner()
        rest = behind_angles(head[position:])
        end = closing(rest, 0) if rest.startswith("(") else 0
        _, arrow, declared = rest[end:].partition("->")
        if arrow:
            self.found.results[dotted] = annotation(declared.partition(" where ")[0], owner)[:MAX_EXPRS]
        return {name: exprs or (f"?{name}",) for name, exprs in _named(rest[1 : end - 1], owner).items()}

    def statement(self, head: str, start: int, end: int) -> None:
        """A method without a body, a local value."""
        item = _ITEM.match(head)
        if item is not None and item["function"]:
            dotted = self.dotted(item["function"])
            self.found.locals[dotted] = self._function(dotted, head, item.end())
            self.found.scopes.append(Scope(dotted, False, start, end))
        elif item is not None and item["type"]:
            self._type(self.dotted(item["type"]), item["kind"], "")
        else:
            self._inside(head)

    def _inside(self, head: str) -> None:
        """What a statement, or the head of a block, binds in the function around it, or in the file."""
        if (constant := _GLOBAL.match(head)) is not None:
            self.found.values.setdefault(self._owner(), {})[constant["name"]] = annotation(constant["type"])
            return
        table = self.table()
        if table is None:
            return
        owner = self._owner()
        for closure in _CLOSURE.finditer(head):
            table[closure["name"]] = annotation(closure["type"], owner)
        if (found := _FOR.search(head)) is not None:
            names = _WORD.findall(found["names"])
            exprs = substituted(value(head, found.end(), owner), table)
            table[names[-1]] = tuple(map(element, exprs))
        elif (found := _LET.search(head)) is not None:
            exprs = annotation(found["type"][1:], owner) if found["type"] else ()
            if not exprs and found["mark"]:
                exprs = substituted(value(head, found.end(), owner), table)
            table[found["name"]] = exprs


def _named(code: str, owner: str) -> dict[str, Exprs]:
    """`a: T, mut b: &U`; `self` is none of them."""
    table: dict[str, Exprs] = {}
    for part in parts(_NOISE.sub(" ", code), angles="<>"):
        name, mark, declared = part.partition(":")
        if mark and _WORD.fullmatch(name.strip()):
            table[name.strip()] = annotation(declared, owner)
    return table
