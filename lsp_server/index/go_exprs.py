"""Go's types and values as the type expressions of `facts.py`. Pure text.

Runs in the index worker and in the session. `code` is source whose strings and comments are blanked.
"""

from __future__ import annotations

import re

from lsp_server.index.curly import chain_start, closing
from lsp_server.index.facts import Exprs

_MAX_STEPS = 8
_MAX_CHARS = 120

_BASIC_NAMES = (
    "bool byte error string rune any int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr"
    " float32 float64 complex64 complex128 interface struct func nil true false iota append len cap copy"
    " panic delete min max if for switch select return range go defer type var const"
)
_BASIC = frozenset(_BASIC_NAMES.split())
_MANY = re.compile(r"\.\.\.|<-\s*chan\b\s*|chan\b\s*(?:<-)?\s*|\[[^\[\]]*\]|map\[")
_NAME = re.compile(r"([^\W\d]\w*)(?:\.([^\W\d]\w*))?")
_HEAD = re.compile(r"[^\W\d]\w*")
_MEMBER = re.compile(r"\s*+\.\s*+([^\W\d]\w*)")
_ASSERTED = re.compile(r"\.\(\s*([^()]+?)\s*\)")
_SPACE = re.compile(r"[ \t]*")
_END_OF_RECEIVER = re.compile(r"\.[ \t]*\w*\Z")


def annotation(code: str) -> Exprs:
    """Of a type as it is written: `[]*pkg.T` is many of `pkg.T()`."""
    stars = ""
    code = code.strip()
    while code:
        code = code.lstrip("* ")
        match = _MANY.match(code)
        if match is None:
            break
        end = closing(code, match.end() - 1) if match[0] == "map[" else match.end()
        stars, code = stars + "*", code[end:].lstrip()
    match = _NAME.match(code)
    if match is None or match[1] in _BASIC:
        return ()
    return (f"{stars}{match[0]}()",)


def value(code: str, start: int) -> Exprs:
    """Of the value that begins at `start`."""
    match = _SPACE.match(code, start)
    start = match.end() if match else start
    received = code.startswith("<-", start)
    while code[start : start + 1] in ("&", "*", "(", "<", "-"):
        start += 1
    if code.startswith(("[", "map["), start):
        return annotation(code[start : start + _MAX_CHARS].partition("{")[0].partition("\n")[0])
    head = _HEAD.match(code, start)
    if head is None:
        return ()
    if head[0] in ("new", "make") and code.startswith("(", head.end()):
        inside = code[head.end() + 1 : closing(code, head.end()) - 1]
        return annotation(inside.partition(",")[0])
    if head[0] in _BASIC:
        return ()
    expr, _ = _chain(code, head)
    expr = f"{expr}[]" if received and expr else expr
    return (expr,) if expr and len(expr) <= _MAX_CHARS else ()


def _chain(code: str, head: re.Match[str]) -> tuple[str, int]:
    expr, position = head[0], head.end()
    for _ in range(_MAX_STEPS):
        following = code[position : position + 1]
        if following == "(":
            expr, position = f"{expr}()", closing(code, position)
        elif following == "{":
            return f"{expr}()", position
        elif following == "[":
            end = closing(code, position)
            if ":" not in code[position:end] and code[end : end + 1] not in ("(", "{"):
                expr += "[]"
            position = end
        elif asserted := _ASSERTED.match(code, position):
            found = annotation(asserted[1])
            expr, position = (found[0] if found else ""), asserted.end()
            if not expr:
                return "", position
        elif member := _MEMBER.match(code, position):
            expr, position = f"{expr}.{member[1]}", member.end()
        else:
            break
    return expr, position


def receiver(code: str) -> tuple[str, bool]:
    """(the expression before the dot that `code` ends with, whether there is one)"""
    end = _END_OF_RECEIVER.search(code)
    if end is None:
        return "", False
    before = code[: end.start()]
    found = value(before, chain_start(before))
    return (found[0] if found else ""), True
