"""Java's and C#'s types and values as the type expressions of `facts.py`. Pure text.

Runs in the index worker and in the session. `code` is source whose strings and comments are blanked. In both
languages an instance is made with `new`: a bare call is one of the class's own methods.
"""

from __future__ import annotations

import re

from lsp_server.index.curly import chain_start, closing, parts
from lsp_server.index.facts import Exprs

_MAX_STEPS = 8
_MAX_CHARS = 120
_MAX_NESTED = 4
_REACH = 400

# What stands for what it holds: many, or one to be awaited.
_MANY_NAMES = (
    "List ArrayList LinkedList Set HashSet TreeSet LinkedHashSet Collection Iterable Iterator Queue"
    " Deque ArrayDeque Stack Vector Optional Stream Supplier Map HashMap TreeMap LinkedHashMap"
    " ConcurrentHashMap IEnumerable IList ICollection IReadOnlyList IReadOnlyCollection IQueryable"
    " ISet Dictionary IDictionary IReadOnlyDictionary ConcurrentDictionary ImmutableArray"
    " ImmutableList Span ReadOnlySpan"
)
_MANY = frozenset(_MANY_NAMES.split())
_AWAITED = frozenset(["Task", "ValueTask", "CompletableFuture", "Future", "Lazy", "Nullable"])
_BASIC_NAMES = (
    "boolean bool byte sbyte char short ushort int uint long ulong float double decimal void string"
    " object var dynamic nint nuint String Object Integer Long Double Boolean Character return throw"
    " new else case yield goto break continue import package using assert in is as instanceof await"
    " true false null default typeof sizeof nameof if for while switch do try catch finally lock"
)
_BASIC = frozenset(_BASIC_NAMES.split())
_TYPE = re.compile(r"\s*+([^\W\d][\w.]*)\s*+")
_HEAD = re.compile(r"\s*+(?:await\s++|\(\s*+)*+([^\W\d]\w*+)")
_NEW = re.compile(r"\s*+(?:await\s++|\(\s*+)*+new\s++([^\W\d][\w.]*+)\s*+")
_CAST = re.compile(r"\s*+\(+\s*+([A-Z][\w.]*+)(?:<[^<>()]*+>)?+\s*+\)\s*+(?=[\w(])")
_MEMBER = re.compile(r"\s*+[?!]?\.\s*+([^\W\d]\w*+)")
_GENERIC_CALL = re.compile(r"<[\w\s,.<>?\[\]]{1,80}?>(?=\()")
_END_OF_RECEIVER = re.compile(r"\.[ \t]*\w*\Z")
_OWN = {"this": "self", "super": "super()", "base": "super()"}


def annotation(code: str, depth: int = 0) -> Exprs:
    """Of a type as it is written: `List<pkg.T>` and `T[]` are many of `T()`."""
    match = _TYPE.match(code)
    if match is None or match[1] in _BASIC or depth > _MAX_NESTED:
        return ()
    name, rest = match[1], code[match.end() :].rstrip()
    stars = "*" * rest.count("[]")
    if rest.startswith("<"):
        last = name.rpartition(".")[2]
        inner = list(parts(rest[1 : rest.rfind(">")], angles="<>"))
        if (last in _MANY or last in _AWAITED) and inner:
            held = annotation(inner[-1].removeprefix("? extends "), depth + 1)
            many = "*" if last in _MANY else ""
            return tuple(f"{stars}{many}{expr}" for expr in held)
    return (f"{stars}{name}()",)


def value(code: str, start: int) -> Exprs:
    """Of the value that begins at `start`."""
    if made := _NEW.match(code, start):
        position = made.end()
        if code.startswith("<", position):
            position = code.find(">", position, position + _MAX_CHARS) + 1 or position
        if code.startswith("[", position):
            return annotation(f"{made[1]}[]")
        if code.startswith("(", position):
            position = closing(code, position)
        exprs = annotation(made[1])
        return _short(f"{exprs[0]}{_steps(code, position)}") if exprs else ()
    if cast := _CAST.match(code, start):
        return annotation(cast[1])
    head = _HEAD.match(code, start)
    if head is None or head[1] in _BASIC:
        return ()
    name, position = head[1], head.end()
    if generic := _GENERIC_CALL.match(code, position):
        position = generic.end()
    root = _OWN.get(name, f"self.{name}" if code.startswith("(", position) else name)
    return _short(f"{root}{_steps(code, position)}")


def _short(expr: str) -> Exprs:
    return (expr,) if len(expr) <= _MAX_CHARS else ()


def _steps(code: str, position: int) -> str:
    """What follows a name: members, calls, elements."""
    found = ""
    for _ in range(_MAX_STEPS):
        if generic := _GENERIC_CALL.match(code, position):
            position = generic.end()
        following = code[position : position + 1]
        if following == "(":
            found, position = f"{found}()", closing(code, position)
        elif following == "[":
            found, position = f"{found}[]", closing(code, position)
        elif member := _MEMBER.match(code, position):
            found, position = f"{found}.{member[1]}", member.end()
        else:
            break
    return found


def receiver(code: str) -> tuple[str, bool]:
    """(the expression before the dot that `code` ends with, whether there is one)"""
    end = _END_OF_RECEIVER.search(code, max(0, len(code) - _REACH))
    if end is None:
        return "", False
    before = (
        code[max(0, end.start() - _REACH) : end.start()].rstrip("?!").replace("?.", ".").replace("!.", ".")
    )
    start = chain_start(before)
    is_new = before[:start].rstrip().endswith("new")
    found = value(f"new {before[start:]}" if is_new else before, 0 if is_new else start)
    return (found[0] if found else ""), True
