"""What a TypeScript or JavaScript file says about types: fields, parameters, results, bases, local values.

Runs in the index worker and in the session. Reads lines and their indentation instead of a syntax tree: the
line that is being typed is always broken, and nothing else may suffer from it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from lsp_server.index.curly import blank_script, closing, parts, spaces
from lsp_server.index.facts import Exprs, Facts, Scope
from lsp_server.index.ts_bindings import callbacks, element, joined, substituted, taken
from lsp_server.index.ts_exprs import annotation, value
from lsp_server.index.ts_heads import bases, declared_result, declared_type, is_function, type_parameters

_MAX_BACK = 20
_MAX_RESULTS = 3

_IMPORT = re.compile(
    r"^(?:import\b[^;'\"`(]{0,1500}?(?:from[ \t]*)?['\"][^'\"\n]*['\"]"
    r"|export\b[^;'\"`(={}]{0,300}(?:\{[^{}]{0,3000}+\})?[ \t]*from[ \t]*['\"][^'\"\n]*['\"])",
    re.MULTILINE,
)
_BLOCK = re.compile(
    r"^(?:export[ \t]+|default[ \t]+|declare[ \t]+|abstract[ \t]+|async[ \t]+|const[ \t]+(?=enum))*"
    r"(?:class|interface|function|type|enum|const|let|var|namespace|module)\b",
    re.MULTILINE,
)
_STATEMENT = re.compile(
    r"^(?P<indent>[ \t]*+)(?:@[\w.]+(?:\([^()\n]*\))?[ \t]+)*+(?:"
    r"(?P<close>[}\])][^\n]*)"
    r"|(?:(?:export|default|declare|abstract)[ \t]+)*(?P<kind>class|interface|namespace|module)"
    r"[ \t]+(?P<class>\w+)"
    r"|(?:(?:export|declare)[ \t]+)*type[ \t]+(?P<type>\w+)[^=\n]*=[ \t]*"
    r"|(?:(?:export|default|declare|async)[ \t]+)*function[ \t]*\*?[ \t]*(?P<function>\w+)[ \t]*"
    r"|(?:(?:export|declare)[ \t]+)*(?:const|let|var)[ \t]+(?P<variable>\w+)[ \t]*!?(?=[:=;\n])"
    r"|(?:const|let|var)[ \t]+\{(?P<taken>[^{}]*)\}[ \t]*=[ \t]*(?P<from>)"
    r"|(?:const|let|var)[ \t]+\[[ \t]*(?P<first>\w+)[^\[\]\n]*\][ \t]*=[ \t]*(?P<firstof>)"
    r"|(?:return|yield)[ \t]+(?P<returned>)"
    r"|(?:\}[ \t]*else[ \t]+)?(?P<test>(?:else[ \t]+)?if[ \t]*\([^\n]*instanceof[^\n]*)"
    r"|for[ \t]*(?:await[ \t]*)?\([ \t]*(?:const|let|var)[ \t]+(?:\[[^\[\]\n]*?)?(?P<each>\w+)\]?"
    r"[ \t]+of[ \t]+"
    r"|this\.(?P<own>#?\w+)[ \t]*=(?![=>])[ \t]*"
    r"|(?P<mods>(?:(?:public|private|protected|static|readonly|async|override|abstract|declare|get|set"
    r"|accessor)[ \t]+)*)"
    r"\*?[ \t]*(?P<member>#?[^\W\d]\w*)[?!]?[ \t]*(?=[:=(<;])"
    r")",
    re.MULTILINE,
)
_NOT_NAMES = (
    "if for while switch return catch function super new throw typeof await delete do else case default yield"
    " import export const let var"
)
_NO_MEMBERS = frozenset(_NOT_NAMES.split())
_OF_FUNCTION = re.compile(r"[ \t]*=[ \t]*(?:async\b[ \t]*)?(?:function\b[ \t]*\*?[ \t]*\w*[ \t]*)?(?=[<(])")
_PARAMETER = re.compile(
    r"(?:@[\w.]+(?:\([^()]*\))?\s+)*(?P<mods>(?:(?:public|private|protected|readonly|override)\s+)*)(?P<many>\.\.\.)?"
    r"(?:(?P<name>\w+)|\{(?P<taken>[^{}]*)\})\??\s*(?P<rest>.*)\Z",
    re.DOTALL,
)
_INLINE = re.compile(r"\(([^()\n]{0,300}:[^()\n]{0,300})\)[ \t]*+(?::[^=\n]{0,80})?=>")
_ARROW_BODY = re.compile(r"\s*+=>\s*+(?![{\s])")
_INSTANCE = re.compile(r"(?:(\w+)|this\.(\w+))[ \t]+instanceof[ \t]+([\w.]+)")
_WORDS = re.compile(r"\w+")


@dataclass(slots=True)
class _Open:
    """A scope while its lines are read. `step` is the indentation of what lies in a class directly."""

    name: str
    is_class: bool
    start: int
    indent: int
    step: int = -1
    has_type: bool = False
    values: dict[str, Exprs] = field(default_factory=dict)


def read_code(text: str) -> str:
    """The text with its strings, comments and imports as spaces."""
    return blank_script(_IMPORT.sub(lambda match: spaces(match[0]), text))


def split(text: str) -> Iterator[int]:
    """Where definitions begin that stand in nothing else."""
    for match in _BLOCK.finditer(text):
        yield match.start()


def read_types(text: str, code: str) -> Facts:
    """Everything but the uses."""
    return _Reader(code).read()


class _Reader:
    """One pass over the statements, with a stack of the scopes that are open."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._module = _Open("", False, 0, -1)
        self._stack: list[_Open] = []
        self._scopes: list[Scope] = []
        self._bases: dict[str, Exprs] = {}
        self._values: dict[str, dict[str, Exprs]] = {}
        self._results: dict[str, Exprs] = {}
        self._locals: dict[str, dict[str, Exprs]] = {}
        self._getters: list[tuple[str, str, str]] = []

    def read(self) -> Facts:
        skip_to = 0
        for match in _STATEMENT.finditer(self._code):
            if match.start() < skip_to:
                continue
            indent = len(match["indent"].expandtabs())
            if match["close"]:
                self._close_with(match["close"], indent, match.end())
                continue
            self._close(indent, match.start())
            skip_to = self._statement(match, indent)
        self._close(-1, len(self._code))
        if self._module.values:
            self._values[""] = self._module.values
        self._scopes.sort(key=lambda scope: scope.start)
        self._inline()
        self._callbacks()
        self._get()
        return Facts(
            bases=self._bases,
            values={scope: table for scope, table in self._values.items() if table},
            results={scope: exprs for scope, exprs in self._results.items() if exprs},
            locals=self._locals,
            scopes=tuple(self._scopes),
        )

    def _close_with(self, line: str, indent: int, end: int) -> None:
        """A closing bracket ends the scope of its indentation, unless the declaration goes on behind it."""
        rest = line.lstrip("})] \t;,")
        if line.startswith("}") and not rest:
            self._close(indent, end)
        elif line.startswith("}"):
            self._close(indent + 1, end)

    def _close(self, indent: int, position: int) -> None:
        while self._stack and self._stack[-1].indent >= indent:
            scope = self._stack.pop()
            self._scopes.append(Scope(scope.name, scope.is_class, scope.start, position, scope.indent))
            if not scope.is_class:
                self._locals[scope.name] = scope.values

    def _statement(self, match: re.Match[str], indent: int) -> int:
        """Reads one; returns up to where no other statement can begin."""
        if match["class"]:
            return self._open_class(match, indent)
        if match["type"]:
            return self._type(match, indent)
        if match["function"]:
            return self._open_function(match["function"], match.start(), match.end(), indent)
        if match["variable"]:
            return self._variable(match, indent)
        if match["member"] and match["member"] not in _NO_MEMBERS:
            return self._member(match, indent)
        self._value(match)
        return match.end()

    def _value(self, match: re.Match[str]) -> None:
        """What binds a name, or is a result."""
        if match["taken"] is not None:
            self._destructured(match)
        elif match["returned"] is not None:
            self._result(match)
        elif match["test"]:
            self._tested(match["test"])
        elif name := match["first"] or match["each"]:
            found = self._evaluated(value(self._code, match.end()))
            self._bind(name, tuple(element(expr) for expr in found))
        elif match["own"]:
            self._bind_own(match["own"], self._evaluated(value(self._code, match.end())))

    def _tested(self, test: str) -> None:
        for name, own, kind in _INSTANCE.findall(test):
            if name:
                self._bind(name, (f"{kind}()",), is_first=True)
            else:
                self._bind_own(own, (f"{kind}()",))

    def _dotted(self, name: str) -> str:
        outer = self._stack[-1].name if self._stack else ""
        return f"{outer}.{name}" if outer else name

    def _open_class(self, match: re.Match[str], indent: int) -> int:
        head_end = self._code.find("{", match.end())
        head = self._code[match.end() : head_end if head_end >= 0 else match.end()][:600]
        name = self._dotted(match["class"])
        if match["kind"] in ("class", "interface"):
            self._bases[name] = tuple(bases(head))
        scope = _Open(name, True, match.start(), indent)
        self._stack.append(scope)
        if head.lstrip().startswith("<"):
            self._values.setdefault(name, {}).update(type_parameters(head.lstrip()))
        return match.end() + len(head)

    def _type(self, match: re.Match[str], indent: int) -> int:
        """`type A = {` has members; any other is what it is made of."""
        start = match.end()
        if self._code[start : start + 2].strip() == "{":
            name = self._dotted(match["type"])
            self._bases[name] = ()
            self._stack.append(_Open(name, True, match.start(), indent))
            return start + 1
        end = self._code.find(";", start, start + 600)
        line_end = self._code.find("\n", start)
        declared = self._code[
            start : min(position for position in (end, line_end, len(self._code)) if position >= 0)
        ]
        found = annotation(declared)
        self._bind(match["type"], tuple(expr.removesuffix("()") for expr in found))
        if "{" in declared and "&" in declared and declared.count("{") > declared.count("}"):
            name = self._dotted(match["type"])
            self._bases[name] = tuple(expr.removesuffix("()") for expr in found)
            self._stack.append(_Open(name, True, match.start(), indent))
            return start + len(declared)
        return start

    def _open_function(
        self, name: str, start: int, position: int, indent: int, *, is_getter: bool = False
    ) -> int:
        """`position` is before the type parameters or the parameters."""
        scope = _Open(self._dotted(name), False, start, indent)
        owner = self._stack[-1] if self._stack and self._stack[-1].is_class else None
        while self._code[position : position + 1] in (" ", "\t"):
            position += 1
        if self._code[position : position + 1] == "<":
            opened = self._code.find("(", position)
            scope.values.update(type_parameters(self._code[position : opened if opened >= 0 else position]))
            position = opened if opened >= 0 else position
        if self._code[position : position + 1] != "(":
            return position
        end = closing(self._code, position)
        for item in parts(self._code[position + 1 : end - 1], ",", "<>"):
            self._parameter(scope, owner, item)
        self._stack.append(scope)
        declared = declared_result(self._code, end)
        if declared:
            scope.has_type = True
            self._results[scope.name] = annotation(declared)
        elif arrow := _ARROW_BODY.match(self._code, end):
            self._results[scope.name] = self._evaluated(value(self._code, arrow.end()))
        if is_getter and owner is not None:
            self._getters.append((owner.name, name.lstrip("#"), scope.name))
        return end

    def _parameter(self, scope: _Open, owner: _Open | None, item: str) -> None:
        match = _PARAMETER.match(item)
        if match is None:
            return
        rest = match["rest"]
        declared, _, default = (
            rest[1:].partition("=") if rest.startswith(":") else ("", "", rest.lstrip("= "))
        )
        if "=>" in rest:
            declared, default = (rest[1:], "") if rest.startswith(":") else ("", "")
        exprs = annotation(declared) or (value(default, 0) if default else ())
        if match["taken"] is not None:
            scope.values.update(taken(match["taken"], exprs))
            return
        if match["name"] == "this":
            scope.values.update({"self": exprs} if exprs else {})
            return
        scope.values[match["name"]] = exprs or (f"?{match['name']}",)
        if match["mods"] and owner is not None:
            self._values.setdefault(owner.name, {})[match["name"]] = exprs

    def _variable(self, match: re.Match[str], indent: int) -> int:
        name, position = match["variable"], match.end()
        function = _OF_FUNCTION.match(self._code, position)
        if function is not None and is_function(self._code, function.end(), function[0]):
            return self._open_function(name, match.start(), function.end(), indent)
        declared, position = declared_type(self._code, position)
        exprs = annotation(declared)
        if not exprs and position > 0:
            exprs = self._evaluated(value(self._code, position))
        self._bind(name, exprs)
        return match.end()

    def _member(self, match: re.Match[str], indent: int) -> int:
        """A method or field, where a class is directly around it."""
        scope = self._stack[-1] if self._stack else None
        if scope is None or not scope.is_class:
            return match.end()
        scope.step = indent if scope.step < 0 else scope.step
        if indent != scope.step:
            return match.end()
        name, position = match["member"], match.end()
        if self._code[position : position + 1] in ("(", "<"):
            is_getter = "get" in match["mods"].split()
            return self._open_function(name, match.start(), position, indent, is_getter=is_getter)
        function = _OF_FUNCTION.match(self._code, position)
        if function is not None and is_function(self._code, function.end(), function[0]):
            return self._open_function(name, match.start(), function.end(), indent)
        declared, position = declared_type(self._code, position)
        exprs = annotation(declared) or (value(self._code, position) if position > 0 else ())
        self._values.setdefault(scope.name, {})[name.lstrip("#")] = exprs
        if "=>" in declared:
            self._results[f"{scope.name}.{name}"] = annotation(declared.rpartition("=>")[2])
        return match.end()

    def _get(self) -> None:
        """A getter is a value, and what it returns is known when all of it was read."""
        for owner, name, function in self._getters:
            self._values.setdefault(owner, {})[name] = self._results.get(function, ())

    def _callbacks(self) -> None:
        """`items.map((item) => ...)`: an element of what it is called on; a local of the function around."""
        for start, names in callbacks(self._code):
            scope = self._around(start)
            if scope is not None:
                self._locals[scope.name] = {**names, **self._locals.get(scope.name, {})}

    def _around(self, offset: int) -> Scope | None:
        """The innermost function."""
        starts = [scope.start for scope in self._scopes]
        last = bisect_right(starts, offset)
        around = reversed(self._scopes[max(0, last - _MAX_BACK) : last])
        return next((item for item in around if offset < item.end and not item.is_class), None)

    def _inline(self) -> None:
        """Parameters of functions that are written in an argument, where they have types: a local of the
        function around."""
        for match in _INLINE.finditer(self._code):
            scope = self._around(match.start())
            if scope is not None:
                found = _Open(scope.name, False, 0, 0)
                for item in parts(match[1], ",", "<>"):
                    self._parameter(found, None, item)
                self._locals[scope.name] = {**found.values, **self._locals.get(scope.name, {})}

    def _destructured(self, match: re.Match[str]) -> None:
        """`const { a, b: c } = x` are `x.a` and `x.b`."""
        found = self._evaluated(value(self._code, match.end()))
        for name, exprs in taken(match["taken"], found).items():
            self._bind(name, exprs)

    def _result(self, match: re.Match[str]) -> None:
        scope = next((scope for scope in reversed(self._stack) if not scope.is_class), None)
        if scope is not None and not scope.has_type:
            found = self._evaluated(value(self._code, match.end()))
            known = self._results.get(scope.name, ())
            self._results[scope.name] = tuple(dict.fromkeys([*known, *found]))[:_MAX_RESULTS]

    def _bind(self, name: str, found: Exprs, *, is_first: bool = False) -> None:
        """What a name may be. Known alternatives are kept."""
        scope = self._stack[-1] if self._stack else self._module
        table = self._values.setdefault(scope.name, {}) if scope.is_class else scope.values
        table[name] = joined(table.get(name, ()), found, is_first=is_first)

    def _bind_own(self, name: str, found: Exprs) -> None:
        owner = next((scope for scope in reversed(self._stack) if scope.is_class), None)
        if owner is not None:
            table = self._values.setdefault(owner.name, {})
            table[name.lstrip("#")] = joined(table.get(name.lstrip("#"), ()), found)

    def _evaluated(self, found: Exprs) -> Exprs:
        """With the local names of the function replaced by what they are."""
        scope = self._stack[-1] if self._stack else None
        if scope is None or scope.is_class:
            return found
        return tuple(dict.fromkeys(expr for item in found for expr in substituted(item, scope.values)))
