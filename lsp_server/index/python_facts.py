"""What a Python file says about types: scopes, base classes, attributes, results, local values.

Runs in the index worker and in the session. Reads lines and their indentation instead of a syntax tree: the
line that is being typed is always broken, and nothing else may suffer from it; it is also ten times as quick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lsp_server.index.facts import Exprs, Facts, Scope, element
from lsp_server.index.python_exprs import annotation, closing, value
from lsp_server.index.uses import blank, spaces

_MAX_RESULTS = 3
_MAX_EXPRS = 3

# A line break first, no `^`: what is a literal is sought ten times as quickly.
_STATEMENT = re.compile(
    r"\n(?P<indent>[ \t]*+)(?=[@\w])(?:"
    r"@(?P<decorator>[\w.]+)"
    r"|(?:async[ ]+)?def[ ]+(?P<function>\w+)"
    r"|class[ ]+(?P<class>\w+)"
    r"|(?P<result>return|yield)[ ]+(?P<returned>)"
    r"|(?:async[ ]+)?for[ ]+(?P<targets>[\w, ()]+?)[ ]+in[ ]+(?P<iterated>)"
    r"|(?:async[ ]+)?with[ ]+(?P<with>)"
    r"|except[ ]+(?P<caught>[\w.]+)[ ]+as[ ]+(?P<error>\w+)"
    r"|(?:if|elif|assert|while)[ ]+(?P<test>[^\n]*isinstance\([^\n]*)"
    r"|(?P<target>(?:(?:self|cls)\.)?[^\W\d]\w*)[ ]*(?P<mark>:(?!=)|=(?!=))[ ]*"
    r")"
)
_FIRST_STATEMENT = re.compile(_STATEMENT.pattern.removeprefix(r"\n"))
_ASSIGNED = re.compile(r"[ ]*=(?!=)[ ]*")
_AGAIN = re.compile(r"((?:(?:self|cls)\.)?[^\W\d]\w*)[ ]*=(?!=)[ ]*")
_AS = re.compile(r"[ ]+as[ ]+([\w.]+)")
_IS_INSTANCE = re.compile(r"isinstance\([ ]*([\w.]+)[ ]*,[ ]*\(?[ ]*([\w.]+)")
_WORDS = re.compile(r"\w+")
_RESULT_TYPE = re.compile(r"\s*->\s*([^\n]*?)\s*:\s*(?:\n|$|\.\.\.|pass\b|#|return\b)")
_NO_ATTRIBUTES = frozenset(["else", "try", "finally", "lambda"])
_PROPERTIES = ("property", "cached_property", "cached", "reify", "lazy")


@dataclass(slots=True)
class _Open:
    """A scope while its lines are read."""

    name: str
    is_class: bool
    start: int
    indent: int
    owner: str = ""
    is_property: bool = False
    has_type: bool = False
    values: dict[str, Exprs] = field(default_factory=dict)


_IMPORT = re.compile(
    r"\n[ \t]*+(?:from[ \t]+[\w.]+[ \t]+import\b(?:[ \t]*\([^()]*\)|[^\n;(]*)|import[ \t][^\n;]*)"
)
_BLOCK = re.compile(r"^(?:@|class\b|def\b|async[ ]+def\b)", re.MULTILINE)


def read_code(text: str) -> str:
    """The text with its strings, comments and imports as spaces."""
    return _IMPORT.sub(lambda match: spaces(match[0]), f"\n{blank(text)}")[1:]


def read_types(text: str, code: str) -> Facts:
    """Everything but the uses."""
    return _Reader(text, code).read()


def split(text: str) -> Iterator[int]:
    """Where definitions begin that stand in nothing else, each with its decorators."""
    was_decorator = False
    for match in _BLOCK.finditer(text):
        if not was_decorator:
            yield match.start()
        was_decorator = match[0] == "@"


class _Reader:
    """One pass over the statements, with a stack of the scopes that are open."""

    def __init__(self, text: str, code: str) -> None:
        self._text = text
        self._code = code
        self._module = _Open("", False, 0, -1)
        self._stack: list[_Open] = []
        self._scopes: list[Scope] = []
        self._decorators: list[str] = []
        self._bases: dict[str, Exprs] = {}
        self._values: dict[str, dict[str, Exprs]] = {}
        self._results: dict[str, Exprs] = {}
        self._locals: dict[str, dict[str, Exprs]] = {}

    def read(self) -> Facts:
        skip_to = 0
        for match in _statements(self._code):
            start = match.start("indent")
            if start < skip_to:
                continue
            self._close(len(match["indent"].expandtabs()), start)
            skip_to = self._statement(match)
        self._close(-1, len(self._code))
        if self._module.values:
            self._values[""] = self._module.values
        self._scopes.sort(key=lambda scope: scope.start)
        scopes = tuple(self._scopes)
        return Facts(
            bases=self._bases,
            values={scope: table for scope, table in self._values.items() if table},
            results={scope: exprs for scope, exprs in self._results.items() if exprs},
            locals=self._locals,
            scopes=scopes,
        )

    def _statement(self, match: re.Match[str]) -> int:
        """Reads one; returns up to where no other statement can begin."""
        kind = match.lastgroup if match.lastgroup != "mark" else "target"
        if match["decorator"]:
            self._decorators.append(match["decorator"])
            return match.end()
        if match["function"] or match["class"]:
            return self._open(match)
        self._decorators.clear()
        if kind == "returned":
            self._result(match)
        elif kind == "iterated":
            self._for(match)
        elif kind == "with":
            self._with(match.end())
        elif kind == "error":
            self._bind(match["error"], (f"{match['caught']}()",))
        elif kind == "test":
            for found in _IS_INSTANCE.finditer(match["test"]):
                self._bind(found[1], (f"{found[2]}()",), is_first=True)
        elif match["target"] not in _NO_ATTRIBUTES:
            self._assignment(match)
        return match.end()

    def _close(self, indent: int, position: int) -> None:
        while self._stack and self._stack[-1].indent >= indent:
            scope = self._stack.pop()
            self._scopes.append(Scope(scope.name, scope.is_class, scope.start, position, scope.indent))
            if not scope.is_class:
                self._locals[scope.name] = scope.values

    def _open(self, match: re.Match[str]) -> int:
        name = match["function"] or match["class"]
        outer = self._stack[-1] if self._stack else self._module
        dotted = f"{outer.name}.{name}" if outer.name else name
        is_class = bool(match["class"])
        owner = outer.name if outer.is_class else outer.owner
        scope = _Open(dotted, is_class, match.start("indent"), len(match["indent"].expandtabs()), owner)
        scope.is_property = any(_is_property(decorator) for decorator in self._decorators)
        self._decorators.clear()
        self._stack.append(scope)
        start = self._code.find("(", match.end())
        end = closing(self._code, start) if start >= 0 and not self._code[match.end() : start].strip() else 0
        if is_class:
            self._bases[dotted] = tuple(_bases(self._code[start + 1 : end - 1])) if end else ()
            return max(end, match.end())
        if end:
            self._parameters(scope, start + 1, end - 1)
            self._result_type(scope, end)
        return max(end, match.end())

    def _parameters(self, scope: _Open, start: int, end: int) -> None:
        for first, last in _parts(self._code, start, end):
            code = self._code[first:last]
            head = _WORDS.search(code)
            if head is None or head[0] in ("self", "cls"):
                continue
            name, rest = head[0], code[head.end() :]
            colon = rest.find(":")
            equals = rest.find("=")
            found: Exprs = ()
            if colon >= 0 and not (0 <= equals < colon):
                until = equals if equals >= 0 else len(rest)
                offset = first + head.end()
                found = annotation(self._text[offset + colon + 1 : offset + until])
                if "**" in code[: head.start()] or "*" in code[: head.start()]:
                    found = tuple(f"*{expr}" for expr in found)
            if not found and equals >= 0:
                found = value(self._code, first + head.end() + equals + 1)
            scope.values[name] = found or (f"?{name}",)

    def _result_type(self, scope: _Open, end: int) -> None:
        match = _RESULT_TYPE.match(self._code, end)
        if match is None:
            return
        found = annotation(self._text[match.start(1) : match.end(1)])
        scope.has_type = True
        self._add_result(scope, found)

    def _result(self, match: re.Match[str]) -> None:
        scope = next((scope for scope in reversed(self._stack) if not scope.is_class), None)
        if scope is not None and not scope.has_type:
            found = self._evaluated(value(self._code, match.end()))
            is_yield = match["result"] == "yield"
            self._add_result(scope, tuple(f"*{expr}" for expr in found) if is_yield else found)

    def _add_result(self, scope: _Open, found: Exprs) -> None:
        known = self._results.get(scope.name, ())
        joined = (*known, *(expr for expr in found if expr not in known))[:_MAX_RESULTS]
        self._results[scope.name] = joined
        if scope.is_property and scope.owner:
            self._values.setdefault(scope.owner, {})[scope.name.rpartition(".")[2]] = joined

    def _for(self, match: re.Match[str]) -> None:
        found = self._evaluated(value(self._code, match.end()))
        names = _WORDS.findall(match["targets"])
        for expr in found[:1]:
            if expr.startswith("enumerate()") or expr.startswith("zip()"):
                opened = self._code.find("(", match.end())
                inner = self._evaluated(value(self._code, opened + 1))
                names, found = names[-1:], inner
            elif expr.endswith((".items()", ".values()")):
                names, found = names[-1:], (expr.rpartition(".")[0],)
        if len(names) == 1:
            self._bind(names[0], tuple(element(expr) for expr in found))

    def _with(self, position: int) -> None:
        for _ in range(4):
            start = position
            found = self._evaluated(value(self._code, start))
            line_end = self._code.find("\n", start)
            match = _AS.search(self._code, start, line_end if line_end >= 0 else len(self._code))
            if match is None:
                return
            self._bind(match[1], tuple(f"{expr}.__enter__()" for expr in found))
            position = match.end()
            if self._code[position : position + 1] != ",":
                return
            position += 2

    def _assignment(self, match: re.Match[str]) -> None:
        target, position = match["target"], match.end()
        line_end = self._code.find("\n", position)
        line = self._code[position : line_end if line_end >= 0 else len(self._code)]
        if line.rstrip().endswith(",") and match["mark"] == "=":
            return
        if match["mark"] == ":":
            equals = line.find("=")
            typed = self._text[position : position + (equals if equals >= 0 else len(line))]
            found = annotation(typed)
            if not found and equals >= 0:
                found = value(self._code, position + equals + 1)
            self._bind(target, self._evaluated(found), is_first=True)
            return
        targets = [target]
        while again := _AGAIN.match(self._code, position):
            targets.append(again[1])
            position = again.end()
        found = self._evaluated(value(self._code, position))
        for name in targets:
            self._bind(name, found)

    def _bind(self, target: str, found: Exprs, *, is_first: bool = False) -> None:
        """What a name or `self.name` may be. Known alternatives are kept."""
        root, dot, name = target.partition(".")
        scope = self._stack[-1] if self._stack else self._module
        if dot and root in ("self", "cls"):
            if not scope.owner or "." in name:
                return
            table = self._values.setdefault(scope.owner, {})
        elif dot:
            return
        else:
            name = root
            table = self._values.setdefault(scope.name, {}) if scope.is_class else scope.values
        known = table.get(name, ())
        if known and known[0].startswith("?"):
            known = known if is_first or not found else ()
        new = tuple(expr for expr in found if expr not in known)
        table[name] = ((*new, *known) if is_first else (*known, *new))[:_MAX_EXPRS]

    def _evaluated(self, found: Exprs) -> Exprs:
        """With the local names of the function replaced by what they are."""
        scope = self._stack[-1] if self._stack else None
        if scope is None or scope.is_class:
            return found
        return tuple(dict.fromkeys(expr for item in found for expr in _substituted(item, scope.values)))


def _statements(code: str) -> Iterator[re.Match[str]]:
    first = _FIRST_STATEMENT.match(code)
    if first is not None:
        yield first
    yield from _STATEMENT.finditer(code)


def _substituted(expr: str, values: dict[str, Exprs]) -> Iterator[str]:
    stars = len(expr) - len(expr.lstrip("*"))
    head = _WORDS.match(expr, stars)
    known = values.get(head[0]) if head else None
    if known is None or head is None:
        yield expr
        return
    rest = expr[head.end() :]
    for item in known[:2]:
        if rest.startswith("[]") and item.startswith("*"):
            joined = item[1:] + rest[2:]
        elif item.startswith("*") and rest:
            continue
        else:
            joined = expr[:stars] + item + rest
        if len(joined) <= 120:
            yield joined


def _is_property(decorator: str) -> bool:
    last = decorator.rpartition(".")[2]
    return last.endswith(_PROPERTIES) or last == "getter"


def _bases(code: str) -> Iterator[str]:
    for first, last in _parts(code, 0, len(code)):
        part = code[first:last].strip()
        found = value(part, 0) if "=" not in part.partition("(")[0] else ()
        if found:
            yield found[0].partition("[")[0]


def _parts(code: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The spans between the commas that stand in no bracket."""
    depth, first = 0, start
    for position in range(start, end):
        character = code[position]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield first, position
            first = position + 1
    if code[first:end].strip():
        yield first, end
