"""Reads a file by its heads: what stands before a bracket that opens a block, or before a semicolon.

Runs in the index worker and in the session. Keeps the stack of open brackets and what was found; what a head
says is the languages' business (`typed_facts.py`, `rust_facts.py`). The line that is being typed is always
broken, so there is no syntax tree here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from lsp_server.index.facts import Exprs, Found, Scope

MAX_EXPRS: Final = 3
MAX_HEAD: Final = 2000
_MAX_DEPTH: Final = 200
_MAX_CHARS: Final = 120

_MARK = re.compile(r"[(){};]")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True)
class Open:
    """A bracket that is open. `table`: of a function, its local values. `is_struct`: its fields are in it."""

    name: str
    start: int
    inside: int
    depth: int
    is_class: bool = False
    is_struct: bool = False
    table: dict[str, Exprs] | None = None


class HeadReader:
    """One pass over the brackets and semicolons, with a stack of what is open."""

    noise: ClassVar[re.Pattern[str]]  # annotations and modifiers: heads are read without

    def __init__(self, code: str) -> None:
        self.code = code
        self.found = Found()
        self.stack: list[Open] = []

    def read(self) -> Found:
        depth = start = 0
        for match in _MARK.finditer(self.code):
            mark = match[0]
            if mark == "(":
                depth += 1
            elif mark == ")":
                depth = max(0, depth - 1)
            elif mark == "{":
                self._open(start, match.start(), depth)
                depth, start = 0, match.end()
            elif mark == "}":
                if self.ends_statement():
                    self._end_statement(start, match.start())
                depth, start = self._close(match.end()), match.end()
            elif depth == 0:
                self._end_statement(start, match.start())
                start = match.end()
        self._end_statement(start, len(self.code))
        while self.stack:
            self._close(len(self.code))
        self.found.scopes.sort(key=lambda scope: scope.start)
        return self.found

    # --- what a language says -------------------------------------------------------------------------------

    def begin(self, opened: Open, head: str) -> None:
        """A bracket opens behind `head`: names it, and reads what the head says."""
        raise NotImplementedError

    def end(self, closed: Open, end: int) -> None:
        """Its closing bracket ends before `end`."""

    def statement(self, head: str, start: int, end: int) -> None:
        """What ends with a semicolon."""
        raise NotImplementedError

    def ends_statement(self) -> bool:
        """Whether what stands before a closing bracket is a statement without a semicolon."""
        return False

    # --- what is around -------------------------------------------------------------------------------------

    def dotted(self, name: str) -> str:
        outer = next((item.name for item in reversed(self.stack) if item.name), "")
        return f"{outer}.{name}" if outer else name

    def owner(self) -> Open | None:
        """The innermost class that is open."""
        return next((item for item in reversed(self.stack) if item.is_class), None)

    def table(self) -> dict[str, Exprs] | None:
        """The local values of the innermost function that is open."""
        return next((item.table for item in reversed(self.stack) if item.table is not None), None)

    # --- the stack ------------------------------------------------------------------------------------------

    def _head(self, start: int, end: int) -> str:
        return self.noise.sub(" ", self.code[max(start, end - MAX_HEAD) : end])

    def _open(self, start: int, end: int, depth: int) -> None:
        written = self.code[start:end]
        opened = Open("", start + len(written) - len(written.lstrip()), end + 1, depth)
        if len(self.stack) <= _MAX_DEPTH:  # deeper is nobody's code: it is counted, not read
            self.begin(opened, self._head(start, end))
        self.stack.append(opened)

    def _close(self, end: int) -> int:
        """The depth of round brackets that the closed one stood in."""
        if not self.stack:
            return 0
        closed = self.stack.pop()
        self.end(closed, end)
        if closed.is_class:
            self.found.scopes.append(Scope(closed.name, True, closed.start, end))
        elif closed.table is not None:
            self.found.scopes.append(Scope(closed.name, False, closed.start, end))
            self.found.locals[closed.name] = closed.table
        return closed.depth

    def _end_statement(self, start: int, end: int) -> None:
        if len(self.stack) <= _MAX_DEPTH:
            self.statement(self._head(start, end), start, end)


def behind_angles(code: str) -> str:
    """Without the `<...>` that it begins with. The arrow of `Fn() -> T` closes nothing."""
    code = code.lstrip()
    depth = 0
    for position, character in enumerate(code[:MAX_HEAD]):
        depth += (character == "<") - (character == ">" and code[position - 1 : position] != "-")
        if depth <= 0:
            return code[position + (character == ">") :].lstrip()
    return ""


def substituted(exprs: Exprs, table: Mapping[str, Exprs]) -> Exprs:
    """A value that begins with a local name: by what that is, so that `x = x.next()` is no circle."""
    found: list[str] = []
    for expr in exprs:
        head = _WORD.match(expr)
        known = table.get(head[0]) if head else None
        if not known or head is None:
            found.append(expr)
            continue
        rest = expr[head.end() :]
        found += [item + rest for item in known[:2] if not rest or not item.startswith("*")]
        found += [item[1:] + rest[2:] for item in known[:2] if rest.startswith("[]") and item.startswith("*")]
    return tuple(expr for expr in found if len(expr) <= _MAX_CHARS)
