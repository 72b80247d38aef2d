"""What each function of a file names: `receiver.name` and plain names, by words alone, for any language.

Runs in the index worker and in the session. Pure text. From these it is learned what code like this uses.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from lsp_server.index.facts import Scope

_MAX_USES = 80
_MAX_SCOPES = 600
_MAX_NAME = 60

# What stands in quotes is so many runs and escapes at most: else a line of quotes that never end is read
# again from each of them.
_LITERAL = re.compile(
    r"\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:[^\"\\\n]++|\\.){0,200}+\"|'(?:[^'\\\n]++|\\.){0,200}+'|\#[^\n]*",
    re.DOTALL,
)
_USE = re.compile(r"(?:([^\W\d]\w*+)(?:\(\)|\[\w*+\])?+(?:\.|->|::))?([^\W\d]\w{2,})")
_NO_USE = frozenset(keyword.kwlist) | {
    *("self", "cls", "this", "super", "object", "str", "int", "len", "dict", "list", "set", "tuple"),
    *("bool", "isinstance", "print", "range", *keyword.softkwlist),
}


def blank(text: str) -> str:
    """The text with strings and comments as spaces, of the same length; quotes stay."""
    return _LITERAL.sub(_blanked, text)


def _blanked(match: re.Match[str]) -> str:
    literal = match[0]
    if "\n" not in literal:
        return " " * len(literal) if literal[0] == "#" else f'"{" " * (len(literal) - 2)}"'
    return f'"{spaces(literal[1:-1])}"'


def spaces(text: str) -> str:
    """As long, with the same line breaks."""
    return "\n".join([" " * len(line) for line in text.split("\n")])


def read_uses(code: str, scopes: Sequence[Scope]) -> dict[str, str]:
    """By outermost function or method; each name once, in the order of the text. "" is the rest."""
    uses: dict[str, str] = {}
    rest: list[str] = []
    position = 0
    for function in outermost_functions(scopes)[:_MAX_SCOPES]:
        rest.append(code[position : function.start])
        uses[function.name] = _uses_in(code[function.start : function.end])
        position = function.end
    uses[""] = _uses_in("\n".join([*rest, code[position:]]))
    return {name: found for name, found in uses.items() if found}


def _uses_in(code: str) -> str:
    """Blanks are in no use; what is written twice counts once: most of a text need not be read again."""
    pairs = dict.fromkeys(_USE.findall(" ".join(dict.fromkeys(code.split()))))
    found = [
        f"{receiver}.{name}" if receiver else name
        for receiver, name in pairs
        if name not in _NO_USE and len(name) <= _MAX_NAME
    ]
    return " ".join(found[:_MAX_USES])


def outermost_functions(scopes: Sequence[Scope]) -> list[Scope]:
    """`scopes` in the order of the text. Functions in functions belong to the outer one."""
    found: list[Scope] = []
    for scope in scopes:
        if not scope.is_class and not (found and scope.start < found[-1].end):
            found.append(scope)
    return found
