"""Python's annotations and values as the type expressions of `facts.py`. Pure text.

Runs in the index worker and in the session. `code` is source whose strings and comments are blanked.
"""

from __future__ import annotations

import re

from lsp_server.index.facts import Exprs

_MAX_STEPS = 8
_MAX_ALTERNATIVES = 3
_MAX_CHARS = 120
_MAX_BRACKETS = 60
_REACH = 4000
_DEEPEST = 50  # brackets in brackets

_NAME = re.compile(r"[^\W\d]\w*")
_HEAD = re.compile(r"(?:await\s+)?([^\W\d]\w*)")
_MEMBER = re.compile(r"\s*\.\s*([^\W\d]\w*)")
_BRACKET = re.compile(r"[()\[\]{}]")
_OTHERWISE = re.compile(r"[ \t]*(?:or\s|if\s[^\n]*?\selse\s)\s*")
_DOTTED = re.compile(r"[^\W\d][\w.]*")

_NO_TYPES = frozenset(
    [
        "None",
        "Any",
        "object",
        "str",
        "int",
        "float",
        "bool",
        "bytes",
        "complex",
        "bytearray",
        "memoryview",
        "True",
        "False",
        "NotImplemented",
        "Ellipsis",
        "not",
        "lambda",
        "print",
        "len",
        "isinstance",
        "super_",
        "Self_",
        "dict",
        "list",
        "set",
        "tuple",
        "frozenset",
        "sorted",
        "range",
        "type_",
        "LiteralString",
        "Literal",
        "Never",
        "NoReturn",
        "Hashable",
        "Sized",
        "AnyStr",
        "TypeVar",
    ]
)
_WRAPPERS = frozenset(
    [
        "Optional",
        "Union",
        "Annotated",
        "Final",
        "ClassVar",
        "Required",
        "NotRequired",
        "ReadOnly",
        "InitVar",
        "Awaitable",
        "TypeGuard",
        "TypeIs",
    ]
)
_LAST_OF = frozenset(["Coroutine"])
_MANY = frozenset(
    [
        "list",
        "List",
        "set",
        "Set",
        "frozenset",
        "FrozenSet",
        "tuple",
        "Tuple",
        "Sequence",
        "MutableSequence",
        "Iterable",
        "Iterator",
        "Collection",
        "AsyncIterable",
        "AsyncIterator",
        "AbstractSet",
        "MutableSet",
        "deque",
        "Deque",
        "Generator",
        "AsyncGenerator",
        "KeysView",
        "ValuesView",
        "AbstractContextManager",
        "ContextManager",
        "AsyncContextManager",
        "AbstractAsyncContextManager",
    ]
)
_MAPS = frozenset(
    [
        "dict",
        "Dict",
        "Mapping",
        "MutableMapping",
        "defaultdict",
        "DefaultDict",
        "OrderedDict",
        "Counter",
        "WeakValueDictionary",
    ]
)


def annotation(text: str) -> Exprs:
    """Of an annotation as it is written; alternatives of a union, the likeliest first."""
    text = text.strip().strip("\"'").strip()
    if not text or len(text) > _REACH or text.count("[") > _MAX_BRACKETS:
        return ()
    found: list[str] = []
    for part in _split(text, "|"):
        found += [expr for expr in _one_annotation(part.strip().strip("\"'")) if expr not in found]
    return tuple(found[:_MAX_ALTERNATIVES])


def _one_annotation(text: str) -> Exprs:
    match = _DOTTED.match(text)
    if match is None:
        return ()
    name = match[0].rpartition(".")[2]
    rest = text[match.end() :].strip()
    inner = _split(rest[1:-1], ",") if rest.startswith("[") and rest.endswith("]") else []
    if inner and name in _WRAPPERS:
        parts = inner if name == "Union" else inner[:1]
        return tuple(expr for part in parts for expr in annotation(part))
    if inner and name in _LAST_OF:
        return annotation(inner[-1])
    if inner and name in _MANY:
        return tuple(f"*{expr}" for expr in annotation(inner[0]))
    if inner and name in _MAPS:
        return tuple(f"*{expr}" for expr in annotation(inner[-1]))
    if inner and name in ("type", "Type"):
        return tuple(expr.removesuffix("()") for expr in annotation(inner[0]))
    if name == "Self":
        return ("self",)
    return () if name in _NO_TYPES or name in _MANY or name in _MAPS else (f"{match[0]}()",)


def _split(text: str, separator: str) -> list[str]:
    """At the separators that stand in no bracket."""
    if separator not in text:
        return [text]
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def value(code: str, start: int) -> Exprs:
    """Of the value that begins at `start`: `a or B()` and `a if c else B()` are two."""
    found: list[str] = []
    position = start
    for _ in range(_MAX_ALTERNATIVES):
        expr, position = _one_value(code, position)
        if expr and expr not in found:
            found.append(expr)
        match = _OTHERWISE.match(code, position)
        if match is None:
            break
        position = match.end()
    return tuple(found)


def _one_value(code: str, start: int) -> tuple[str, int]:
    """(expression or "", where it ends)"""
    while start < len(code) and code[start] in "( \t" and start < len(code):
        start += 1
    prefix = ""
    if code[start : start + 1] in ("[", "{") and code[start : start + 1]:
        match = _HEAD.match(code, start + 1)
        prefix, start = "*", start + 1
        if match is None:
            return "", start
    match = _HEAD.match(code, start)
    if match is None or match[1] in _NO_TYPES:
        return "", start if match is None else match.end()
    if match[1] == "cast":
        return _cast(code, match.end())
    steps, position = [match[1]], match.end()
    for _ in range(_MAX_STEPS):
        step, after = _step(code, position)
        if not step:
            break
        steps.append(step)
        position = after
    expr = prefix + "".join(steps)
    return (expr if len(expr) <= _MAX_CHARS else ""), position


def _step(code: str, position: int) -> tuple[str, int]:
    following = code[position : position + 1]
    if following in ("(", "["):
        end = closing(code, position)
        is_closed = code[end - 1] in ")]}"  # else what stands at the end is nobody's next step
        return "()" if following == "(" else "[]", end if is_closed else len(code)
    match = _MEMBER.match(code, position)
    return (f".{match[1]}", match.end()) if match else ("", position)


def _cast(code: str, position: int) -> tuple[str, int]:
    end = closing(code, position)
    inner = _split(code[position + 1 : end - 1], ",")
    found = annotation(inner[0]) if len(inner) > 1 else ()
    return (found[0] if found else ""), end


def closing(code: str, start: int) -> int:
    """Just behind the bracket that closes the one at `start`; the end of what was looked at if none does, or
    if it is nested as no person nests: brackets that never end would be read again from each of them."""
    depth = 0
    for match in _BRACKET.finditer(code, start, start + _REACH):
        depth += 1 if match[0] in "([{" else -1
        if depth <= 0:
            return match.end()
        if depth > _DEEPEST:
            break
    return min(len(code), start + _REACH)


def receiver(code: str) -> tuple[str, bool]:
    """(the expression before the dot that `code` ends with, whether there is one): `a.b(c).` -> `a.b()`."""
    end = len(code.rstrip())
    word = re.search(r"\w*$", code)
    end = word.start() if word else end
    before = code[:end].rstrip()
    if not before.endswith("."):
        return "", False
    start = _chain_start(before[:-1])
    found, _ = _one_value(before[:-1], start)
    return found, True


def _chain_start(code: str) -> int:
    """Where the chain of names, dots and brackets begins that `code` ends with."""
    position = len(code)
    while position > 0:
        character = code[position - 1]
        if character in ")]":
            position = _opening(code, position)
        elif character.isalnum() or character in "_.":
            position -= 1
        else:
            break
    return position


def _opening(code: str, end: int) -> int:
    depth = 0
    for position in range(end - 1, max(-1, end - _REACH), -1):
        if code[position] in ")]}":
            depth += 1
        elif code[position] in "([{":
            depth -= 1
            if depth == 0:
                return position
    return end - 1
