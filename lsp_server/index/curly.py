"""Text of languages with curly brackets: strings and comments blanked, brackets matched, lists split. Pure.

Runs in the index worker and in the session. Must not know what the code means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_REACH = 4000
_BRACKET = re.compile(r"[()\[\]{}]")
# What stands in quotes is so many runs and escapes at most: else a line of quotes that never end is read
# again from each of them.
_QUOTED = r"\"(?:[^\"\\\n]++|\\.){0,200}+\"|'(?:[^'\\\n]++|\\.){0,200}+'"
_LITERAL = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|" + _QUOTED + r"|`(?:[^`\\]++|\\.)*+(?:`|\\?\Z)", re.DOTALL)
# JavaScript: a slash behind one of these characters begins a regular expression.
_SCRIPT_LITERAL = re.compile(
    _LITERAL.pattern
    + r"|(?<=[=(,:!&|?\[{;])[ ]?/(?![/*\s])(?:[^/\\\n\[]++|\\.|\[(?:[^\]\\\n]++|\\.){0,100}+\]){1,200}+/",
    re.DOTALL,
)
_GO_LITERAL = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|" + _QUOTED + r"|`[^`]*+(?:`|\Z)", re.DOTALL)
_NOT_LINE_END = re.compile(r"[^\n]")


def blank(text: str) -> str:
    """The text with strings and comments as spaces, of the same length; quotes stay."""
    return _LITERAL.sub(_blanked, text)


def blank_script(text: str) -> str:
    """The same for JavaScript, with its regular expressions."""
    return _SCRIPT_LITERAL.sub(_blanked, text)


def blank_go(text: str) -> str:
    """The same for Go, whose back quotes know no escapes."""
    return _GO_LITERAL.sub(_blanked, text)


def spaces(text: str) -> str:
    return _NOT_LINE_END.sub(" ", text)


def _blanked(match: re.Match[str]) -> str:
    literal = match[0]
    if literal[0] not in "\"'`":
        return spaces(literal)
    if len(literal) > 1 and literal[-1] == "\n":  # it never ends: the line still does
        return literal[0] + spaces(literal[1:])
    return literal[0] + spaces(literal[1:-1]) + literal[0] if len(literal) > 1 else " "


def closing(code: str, start: int) -> int:
    """Just behind the bracket that closes the one at `start`; the end of what was looked at if none does."""
    depth = 0
    for match in _BRACKET.finditer(code, start, start + _REACH):
        depth += 1 if match[0] in "([{" else -1
        if depth <= 0:
            return match.end()
    return min(len(code), start + _REACH)


def parts(code: str, separator: str = ",", angles: str = "") -> Iterator[str]:
    """What stands between the separators that lie in no bracket. `angles`: "<>" where they are brackets."""
    if separator not in code:
        if code.strip():
            yield code.strip()
        return
    depth, start = 0, 0
    for index, character in enumerate(code):
        if character in "([{" or (angles and character == "<"):
            depth += 1
        elif character in ")]}" or (angles and character == ">" and code[index - 1] != "="):
            depth -= 1
        elif character == separator and depth == 0:
            if code[start:index].strip():
                yield code[start:index].strip()
            start = index + 1
    if code[start:].strip():
        yield code[start:].strip()


def chain_start(code: str) -> int:
    """Where the chain of names, dots and brackets begins that `code` ends with."""
    position = len(code)
    while position > 0:
        character = code[position - 1]
        if character in ")]}":
            opened = _opening(code, position)
            if character == "}" and not code[opened - 1 : opened].isalnum():
                break
            position = opened
        elif character.isalnum() or character in "_.$":
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
