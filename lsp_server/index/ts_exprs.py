"""TypeScript's types and values as the type expressions of `facts.py`. Pure text.

Runs in the index worker and in the session. `code` is source whose strings and comments are blanked.
`this` is `self`, and `super` is `super()`, as everywhere in facts.
"""

from __future__ import annotations

import re

from lsp_server.index.curly import chain_start, closing, parts
from lsp_server.index.facts import Exprs

_MAX_DEPTH = 12
_MAX_STEPS = 8
_MAX_CHARS = 120
_MAX_TYPE_CHARS = 600
_MAX_BRACKETS = 60
_MAX_ALTERNATIVES = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_TYPES = _words(
    "string number boolean any unknown void never null undefined object symbol bigint true false unique infer"
    " Function Object String Number Boolean Date RegExp function class if for while switch do throw async"
    " typeof delete in of import yield case default const let var else return"
)
_WRAPPERS = _words(
    "Promise PromiseLike Partial Required Readonly NonNullable Awaited DeepPartial DeepReadonly Ref"
    " ShallowRef MaybePromise Exclude Omit Pick Extract Simplify Prettify Nullable Maybe Optional"
)
_MANY = _words(
    "Array ReadonlyArray Set ReadonlySet Iterable IterableIterator AsyncIterable Generator Iterator"
)
_MAPS = _words("Map ReadonlyMap WeakMap Record")
_PREFIX = re.compile(r"(?:readonly|keyof|unique|asserts|abstract|new)\b\s*")
_GUARD = re.compile(r"(?:asserts\s+)?\w+\s+is\s+")
_TYPEOF = re.compile(r"typeof\s+([\w.]+)\Z")
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_HEAD = re.compile(r"(?:(?:await|void|new|yield)\s+)*([^\W\d]\w*)")
_MEMBER = re.compile(r"!?\s*+\??\.\s*+#?([^\W\d]\w*)")
_GENERICS = re.compile(r"<[\w\s.,|&\[\]'\"<>]{1,200}?>(?=\()")
_CAST = re.compile(r"\s++(?:as|satisfies)\s+(?!const\b)([\w.]+(?:<[^;\n]{0,100}>)?(?:\[\])*)")
_OTHERWISE = re.compile(r"\s*+(?:\?\?|\|\||&&)\s*+")
_ARROW = re.compile(r"(?:async\s*)?(?:\([^()]*\)|\w+)\s*(?::[^=\n]{0,80})?=>")
_END_OF_RECEIVER = re.compile(r"!?\??\.[ \t]*#?\w*\Z")
_OPTIONAL = re.compile(r"!(?=[.\[(])|\?(?=\.)")


def annotation(code: str) -> Exprs:
    """Of a type as it is written; of a union or an intersection several, in their order."""
    code = " ".join(code.split()).strip(" |&;,")
    if not code or len(code) > _MAX_TYPE_CHARS or sum(map(code.count, "([<")) > _MAX_BRACKETS:
        return ()
    found: list[str] = []
    for part in parts(code, "|", "<>"):
        for inner in parts(part, "&", "<>"):
            found += [expr for expr in _one_type(inner) if expr not in found]
    return tuple(found[:_MAX_ALTERNATIVES])


def _one_type(code: str) -> Exprs:
    code = _GUARD.sub("", _PREFIX.sub("", code, count=1), count=1)
    if code.startswith("(") and closing(code, 0) == len(code):
        return annotation(code[1:-1])
    if code.endswith("[]"):
        return tuple(f"*{expr}" for expr in annotation(code[:-2]))
    if match := _TYPEOF.match(code):
        return (match[1],)
    match = _NAME.match(code)
    if (
        match is None
        or "=>" in code[match.end() :]
        or code[match.end() :].lstrip().startswith(("extends", "["))
    ):
        return ()
    name, rest = match[0], code[match.end() :]
    inner = list(parts(rest[1:-1], ",", "<>")) if rest.startswith("<") and rest.endswith(">") else []
    if inner and name in _WRAPPERS:
        return annotation(inner[0])
    if inner and name in (_MANY | _MAPS):
        return tuple(f"*{expr}" for expr in annotation(inner[0 if name in _MANY else -1]))
    if name == "this":
        return ("self",)
    if name in ("InstanceType", "ReturnType") and inner:
        return tuple(f"{expr.removesuffix('()')}()" for expr in annotation(inner[0]))
    return () if name in _NO_TYPES else (f"{name}()",)


def value(code: str, start: int, depth: int = 0) -> Exprs:
    """Of the value that begins at `start`: of `a ?? b` and `c ? a : b` several."""
    found: list[str] = []
    position = start
    for _ in range(_MAX_ALTERNATIVES):
        expr, position = _one_value(code, position, depth)
        if expr and expr not in found and len(expr) <= _MAX_CHARS:
            found.append(expr)
        match = _OTHERWISE.match(code, position)
        if match is None:
            break
        position = match.end()
    if cast := _CAST.match(code, position):
        return annotation(cast[1]) or tuple(found)
    return tuple(found)


def _one_value(code: str, start: int, depth: int = 0) -> tuple[str, int]:
    """`depth` brackets around it were opened."""
    while start < len(code) and code[start] in " \t\n":
        start += 1
    if depth > _MAX_DEPTH or _ARROW.match(code, start):
        return "", start
    if code.startswith("(", start):
        return _in_brackets(code, start, depth + 1)
    if code.startswith("[", start):
        inner, _ = _one_value(code, start + 1, depth + 1)
        return (f"*{inner}" if inner else ""), closing(code, start)
    match = _HEAD.match(code, start)
    if match is None or match[1] in _NO_TYPES:
        return "", start if match is None else match.end()
    expr = {"this": "self", "super": "super()"}.get(match[1], match[1])
    return _steps(code, expr, match.end(), is_new="new " in match[0])


def _in_brackets(code: str, start: int, depth: int) -> tuple[str, int]:
    """`(await x).y`, `(x as T).y`"""
    end = closing(code, start)
    inner = value(code[start + 1 : end - 1], 0, depth)
    return _steps(code, inner[0], end) if inner else ("", end)


def _steps(code: str, expr: str, position: int, *, is_new: bool = False) -> tuple[str, int]:
    for _ in range(_MAX_STEPS):
        if generics := _GENERICS.match(code, position):
            position = generics.end()
        following = code[position : position + 1]
        if following == "(":
            expr, position = f"{expr}()", closing(code, position)
            is_new = False
        elif following == "[":
            expr, position = f"{expr}[]", closing(code, position)
        elif member := _MEMBER.match(code, position):
            expr, position = f"{expr}.{member[1]}", member.end()
        elif following == "!" and code[position + 1 : position + 2] != "=":
            position += 1
        else:
            break
    return (f"{expr}()" if is_new else expr), position


def receiver(code: str) -> tuple[str, bool]:
    """(the expression before the dot that `code` ends with, whether there is one)"""
    end = _END_OF_RECEIVER.search(code)
    if end is None:
        return "", False
    before = _OPTIONAL.sub("", code[: end.start()])
    start = chain_start(before)
    if before[:start].rstrip().endswith(" new") or before[:start].strip() == "new":
        start = before.rfind("new", 0, start)
    expr, _ = _one_value(before, start)
    return expr, True
