"""What a Go file says about types: struct fields, embedded types, receivers, results, local values.

Runs in the index worker and in the session. Reads lines as gofmt leaves them instead of a syntax tree: what
is declared in a file begins in the first column, and ends with a bracket in the first column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.index.curly import blank_go, closing, parts, spaces
from lsp_server.index.facts import Exprs, Facts, Found, Scope, element
from lsp_server.index.go_exprs import annotation, value

_MAX_EXPRS = 3

_IMPORT = re.compile(r"^import\b[ \t]*(?:\([^()]*+\)|[^\n]*)", re.MULTILINE)
_TOP = re.compile(r"^(func|type|var|const)\b", re.MULTILINE)
_FUNCTION = re.compile(
    r"func[ \t]*(?:\([ \t]*(?:(\w+)[ \t]+)?\*?[ \t]*(\w+)(?:\[[^\]]*\])?[ \t]*\)[ \t]*)?"
    r"(\w+)[ \t]*(\[[^\]\n]*\])?\("
)
_TYPE = re.compile(r"^(?:type[ \t]+|[ \t]+)(\w+)(?:\[[^\]\n]*\])?[ \t]+(=?[ \t]*[^\n]*)", re.MULTILINE)
_MEMBER_LINE = re.compile(
    r"^[ \t]+(\*?[\w.]+(?:\[[^\n]*\])?|\w+(?:[ \t]*,[ \t]*\w+)*[ \t]+[^\n]+?)[ \t]*$", re.MULTILINE
)
_FIELDS = re.compile(r"(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]+([*\[\w(<.][^\n]*)")
_EMBEDDED = re.compile(r"\*?([\w.]+)(?:\[[^\n]*\])?[ \t]*(?:[\"`][ \t]*[\"`])?\Z")
_INTERFACE_METHOD = re.compile(r"(\w+)\(")
_VALUES = re.compile(
    r"^(?:(?:var|const)[ \t]+|[ \t]+)(\w+)(?:[ \t]*,[ \t]*\w+)*[ \t]*([^=\n]*)(=[ \t]*)?", re.MULTILINE
)
_LOCAL = re.compile(
    r"(?P<targets>\b\w++(?:[ \t]*+,[ \t]*+\w++){0,5}+)[ \t]*+:=[ \t]*(?P<range>range\b)?"
    r"|\bvar[ \t]+(?P<var>\w+)(?:[ \t]*,[ \t]*\w+)*[ \t]*(?P<type>[^=\n]*)(?P<value>=[ \t]*)?"
    r"|\bfunc\((?P<parameters>[^()\n]*)\)"
)
_WORDS = re.compile(r"\w+")


def read_code(text: str) -> str:
    """The text with its strings, comments and imports as spaces."""
    return _IMPORT.sub(lambda match: spaces(match[0]), blank_go(text))


def split(text: str) -> Iterator[int]:
    """Where declarations begin."""
    for match in _TOP.finditer(text):
        yield match.start()


def read_types(text: str, code: str) -> Facts:
    """Everything but the uses."""
    found = Found()
    starts = list(_TOP.finditer(code))
    for index, match in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(code)
        if match[1] == "func":
            _function(found, code, match.start(), end)
        elif match[1] == "type":
            _types(found, code, match.start(), _end(code, match.start(), end))
        else:
            _globals(found, code[match.start() : _end(code, match.start(), end)])
    return found.facts()


def _end(code: str, start: int, end: int) -> int:
    """Behind the bracket in the first column that ends what begins at `start`."""
    line_end = code.find("\n", start, end)
    line_end = line_end if line_end >= 0 else end
    if not code[start:line_end].rstrip().endswith(("{", "(", ",")):
        return min(end, line_end + 1)
    ends = [position for mark in ("\n}", "\n)") if (position := code.find(mark, start, end)) >= 0]
    while ends and code[min(ends) + 2 : min(ends) + 3] == " ":  # `) error {` goes on
        last = min(ends)
        ends = [position for mark in ("\n}", "\n)") if (position := code.find(mark, last + 1, end)) >= 0]
    return min(min(ends) + 3, end) if ends else end


def _function(found: Found, code: str, start: int, end: int) -> None:
    match = _FUNCTION.match(code, start)
    if match is None:
        return
    variable, owner, name, generics = match.groups()
    dotted = f"{owner}.{name}" if owner else name
    end = _end(code, start, end)
    found.scopes.append(Scope(dotted, False, start, end))
    table: dict[str, Exprs] = {}
    for part in parts(generics[1:-1]) if generics else ():
        table.update(_parameters(part))
    if variable and owner:
        table[variable] = (f"{owner}()",)
    last = closing(code, match.end() - 1)
    table.update(_parameters(code[match.end() : last - 1]))
    body = code.find("{", last, end)
    declared = code[last : body if body >= 0 else end].strip()
    if declared.startswith("("):
        named = declared[1 : closing(declared, 0) - 1]
        table.update(_parameters(named))
        declared = named
    found.results[dotted] = _first_result(declared)
    if body >= 0:
        _locals(table, code, body, end)
    found.locals[dotted] = table


def _first_result(declared: str) -> Exprs:
    """Of several results the first that has a type of interest; `n int` has a name before it."""
    for part in parts(declared):
        words = part.split(maxsplit=1)
        is_named = len(words) == 2 and _WORDS.fullmatch(words[0]) and words[0] not in ("chan", "map", "func")
        if exprs := annotation(words[1] if is_named else part):
            return exprs
    return ()


def _parameters(code: str) -> dict[str, Exprs]:
    """`a, b T, c ...U`: a type holds for the names before it."""
    table: dict[str, Exprs] = {}
    exprs: Exprs = ()
    for part in reversed(list(parts(code))):
        words = part.split(maxsplit=1)
        if len(words) == 2:
            exprs = annotation(words[1])
        if _WORDS.fullmatch(words[0]) and words[0] != "_":
            table[words[0]] = exprs or (f"?{words[0]}",)
    return table


def _locals(table: dict[str, Exprs], code: str, start: int, end: int) -> None:
    for match in _LOCAL.finditer(code, max(0, start), end):
        if match["parameters"] is not None:
            for name, exprs in _parameters(match["parameters"]).items():
                _bind(table, name, exprs)
        elif match["var"]:
            exprs = annotation(match["type"]) or (value(code, match.end()) if match["value"] else ())
            _bind(table, match["var"], exprs)
        else:
            names = _WORDS.findall(match["targets"])
            exprs = _substituted(value(code, match.end()), table)
            if match["range"]:
                names, exprs = names[1:2], tuple(element(expr) for expr in exprs)
            if names:
                _bind(table, names[0], exprs)


def _substituted(exprs: Exprs, table: dict[str, Exprs]) -> Exprs:
    """A value that begins with a local name: by what that is, so that `x := x.Next()` is no circle."""
    found: list[str] = []
    for expr in exprs:
        head = _WORDS.search(expr)
        known = table.get(head[0]) if head else None
        if not known or head is None:
            found.append(expr)
            continue
        rest = expr[head.end() :]
        for item in known[:2]:
            is_element = item.startswith("*") and rest.startswith("[]")
            joined = item[1:] + rest[2:] if is_element else item + rest
            if len(joined) <= 120 and (is_element or not rest or not item.startswith("*")):
                found.append(expr[: head.start()] + joined)
    return tuple(found)


def _bind(table: dict[str, Exprs], name: str, exprs: Exprs) -> None:
    if name != "_":
        known = tuple(expr for expr in table.get(name, ()) if not (exprs and expr.startswith("?")))
        table[name] = tuple(dict.fromkeys([*known, *exprs]))[:_MAX_EXPRS]


def _types(found: Found, code: str, start: int, end: int) -> None:
    """One type, or a group of them."""
    position = start
    while (match := _TYPE.search(code, position, end)) is not None:
        name, rest = match[1], match[2]
        position = match.end()
        if rest.startswith(("struct", "interface")) and rest.rstrip().endswith("{"):
            opened = code.rfind("{", match.start(), match.end())
            closed = closing_far(code, opened, end)
            found.scopes.append(Scope(name, True, match.start(), closed))
            _members(found, name, code[opened + 1 : closed])
            position = closed
        else:
            exprs = annotation(rest.lstrip("= "))
            found.bases[name] = tuple(expr.removesuffix("()") for expr in exprs if expr[0] != "*")
            if exprs and exprs[0].startswith("*"):
                found.values.setdefault(name, {})["__getitem__"] = ()


def closing_far(code: str, start: int, end: int) -> int:
    """Behind the bracket that closes the one at `start`, however far; `end` if none does."""
    depth = 0
    for position in range(start, end):
        if code[position] == "{":
            depth += 1
        elif code[position] == "}":
            depth -= 1
            if depth == 0:
                return position + 1
    return end


def _members(found: Found, owner: str, body: str) -> None:
    bases: list[str] = []
    table: dict[str, Exprs] = {}
    depth = 0
    for line in body.split("\n"):
        member = line.strip()
        if depth == 0 and member:
            _member(found, owner, member, bases, table)
        depth = max(0, depth + line.count("{") - line.count("}"))
    found.bases[owner] = tuple(bases)
    if table:
        found.values[owner] = table


def _member(found: Found, owner: str, member: str, bases: list[str], table: dict[str, Exprs]) -> None:
    if embedded := _EMBEDDED.match(member):
        bases.append(embedded[1])
        table[embedded[1].rpartition(".")[2]] = (f"{embedded[1]}()",)
    elif method := _INTERFACE_METHOD.match(member):
        declared = member[closing(member, method.end() - 1) :].strip()
        found.results[f"{owner}.{method[1]}"] = _first_result(declared.strip("()"))
    elif fields := _FIELDS.match(member):
        exprs = annotation(fields[2])
        for name in _WORDS.findall(fields[1]):
            table[name] = exprs


def _globals(found: Found, code: str) -> None:
    table = found.values.setdefault("", {})
    depth = 0
    position = 0
    for line in code.splitlines(keepends=True):
        match = _VALUES.match(code, position) if depth <= 1 else None
        if match is not None and (depth == 1 or line.startswith(("var", "const"))):
            exprs = annotation(match[2]) or (value(code, match.end()) if match[3] else ())
            if exprs and match[1] not in ("var", "const"):
                table[match[1]] = exprs
        depth += sum(line.count(mark) for mark in "({") - sum(line.count(mark) for mark in ")}")
        position += len(line)
    if not table:
        del found.values[""]
