"""The heads of TypeScript's declarations: types behind colons, type parameters, base classes. Pure text.

Runs in the index worker and in the session. `code` is source whose strings and comments are blanked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.index.curly import closing, parts
from lsp_server.index.facts import Exprs
from lsp_server.index.ts_exprs import annotation

_REACH = 600
_WORDS = re.compile(r"\w+")
_RESULT = re.compile(r"\s*+:\s*+")
_BASE = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
_HERITAGE = re.compile(r"\b(?:extends|implements)\b")


def declared_type(code: str, position: int) -> tuple[str, int]:
    """(the type behind a colon, where the value begins: 0 when there is none)"""
    end = position
    depth = 0
    while end < len(code) and end < position + _REACH:
        character = code[end]
        if character in "([{<":
            depth += 1
        elif character in ")]}" or (character == ">" and code[end - 1] != "="):
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and character in ";,":
            break
        elif depth == 0 and character == "=" and code[end + 1 : end + 2] != ">":
            return code[position:end].strip(" :\n"), end + 1
        elif depth == 0 and character == "\n" and code[position:end].strip(" :\t"):
            break
        end += 1
    return code[position:end].strip(" :\n"), 0


def declared_result(code: str, end: int) -> str:
    """The type behind a parameter list."""
    match = _RESULT.match(code, end)
    if match is None:
        return ""
    start = position = match.end()
    depth = 0
    while position < len(code) and position < start + _REACH:
        character = code[position]
        if character in "([{<" and not (character == "{" and depth == 0 and code[start:position].strip()):
            depth += 1
        elif character in ")]}" or (character == ">" and code[position - 1] != "="):
            depth -= 1
        elif depth == 0 and (character in ";\n{" or code.startswith("=>", position)):
            break
        position += 1
    return code[start:position]


def is_function(code: str, position: int, before: str) -> bool:
    """Whether what begins with a bracket or type parameters at `position` is a function."""
    if "function" in before:
        return True
    opened = code.find("(", position) if code[position] == "<" else position
    if opened < 0:
        return False
    end = closing(code, opened)
    rest = code[end : end + 200]
    return rest.lstrip().startswith("=>") or (rest.lstrip().startswith(":") and "=>" in rest)


def type_parameters(code: str) -> dict[str, Exprs]:
    """`<T extends Base>`: a T has the members of Base."""
    depth = end = 0
    for end, character in enumerate(code):
        depth += (character == "<") - (character == ">" and code[end - 1 : end] != "=")
        if depth == 0:
            break
    table: dict[str, Exprs] = {}
    for item in parts(code[1:end], ",", "<>"):
        name, extends, bound = item.partition(" extends ")
        if extends and _WORDS.fullmatch(name.strip()):
            table[name.strip()] = tuple(
                expr.removesuffix("()") for expr in annotation(bound.partition("=")[0])
            )
    return table


def bases(head: str) -> Iterator[str]:
    for clause in _HERITAGE.split(_without_type_parameters(head))[1:]:
        for part in parts(clause, ",", "<>"):
            if match := _BASE.match(part):
                yield match[0]


def _without_type_parameters(head: str) -> str:
    head = head.lstrip()
    if not head.startswith("<"):
        return head
    depth = 0
    for index, character in enumerate(head):
        depth += (character == "<") - (character == ">" and head[index - 1] != "=")
        if depth == 0:
            return head[index + 1 :]
    return ""
