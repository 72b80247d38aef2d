"""The places that a command line names, `FILE:LINE:COL` and `FILE[:LINE[-LINE]]`, and the text there.

Runs in the command-line process. Must not know LSP, the session or the model.
LINE and COL count from 1, COL counts characters; a path may hold colons, so it is parsed from the right.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from lsp_server.commands.failure import BadArgument
from lsp_server.text import PositionEncoding, TextBuffer, indentation_of
from lsp_server.types import Span

_POINT = re.compile(r"(?s)(?P<file>.+):(?P<line>[0-9]+):(?P<column>[0-9]+)")
_RANGE = re.compile(r"(?s)(?P<file>.+?)(?::(?P<first>[0-9]+)(?:-(?P<last>[0-9]+)|:[0-9]+)?)?")
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A file that was read, and what is asked about in it: a cursor is an empty span."""

    path: Path
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Point:
    """A cursor as a person writes it."""

    path: Path
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class LineRange:
    """Some lines of a file; both None for the whole file."""

    path: Path
    first: int | None
    last: int | None


def read_point(argument: str) -> Target:
    point = parse_point(argument)
    text = read_source(point.path)
    offset = find_offset(text, point)
    return Target(point.path, text, Span(offset, offset))


def read_range(argument: str) -> Target:
    lines = parse_range(argument)
    text = read_source(lines.path)
    return Target(lines.path, text, find_span(text, lines))


def parse_point(argument: str) -> Point:
    match = _POINT.fullmatch(argument)
    if match is None:
        raise BadArgument(f"“{argument}” names no place: write FILE:LINE:COL, such as src/app.py:12:5.")
    line, column = (
        _parse_count(match["line"], "LINE", argument),
        _parse_count(match["column"], "COL", argument),
    )
    return Point(Path(match["file"]), line, column)


def parse_range(argument: str) -> LineRange:
    if not argument:
        raise BadArgument("The argument FILE is empty: write FILE, FILE:LINE or FILE:LINE-LINE.")
    if Path(argument).exists():
        return LineRange(Path(argument), None, None)
    match = _RANGE.fullmatch(argument)
    assert match is not None, "every text that is not empty matches"
    if match["first"] is None:
        return LineRange(Path(match["file"]), None, None)
    first = _parse_count(match["first"], "LINE", argument)
    last = first if match["last"] is None else _parse_count(match["last"], "the second LINE", argument)
    if last < first:
        raise BadArgument(f"The lines of “{argument}” run backwards: write the smaller number first.")
    return LineRange(Path(match["file"]), first, last)


def _parse_count(digits: str, name: str, argument: str) -> int:
    """No line is that far away, and Python refuses to parse a number of thousands of digits."""
    number = int(digits[:12])
    if number == 0:
        raise BadArgument(f"{name} of “{argument}” is 0, and counts from 1.")
    return number


def read_source(path: Path) -> str:
    """The text of the file as an editor would open it, line ends kept."""
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if stat.S_ISDIR(mode):
            raise BadArgument(f"{path} is a folder: name a file in it.")
        if not stat.S_ISREG(mode):
            raise BadArgument(f"{path} is not an ordinary file: name a source file.")
        if size > _MAX_BYTES:
            raise BadArgument(
                f"{path} has {size // 1_000_000} MB, too large for source code: name another file."
            )
        return _decode(path, path.read_bytes())
    except FileNotFoundError:
        raise BadArgument(f"There is no file {path}: check the path.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadArgument(f"{path} cannot be read ({reason}): check the path and its permissions.") from None


def _decode(path: Path, raw: bytes) -> str:
    if b"\0" in raw:
        raise BadArgument(f"{path} is a binary file: name a text file.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def find_offset(text: str, point: Point) -> int:
    span = _find_line(TextBuffer.of(text), point.path, point.line)
    if point.column > len(span) + 1:
        raise BadArgument(
            f"Line {point.line} of {point.path} has {_count(len(span), 'character')}: "
            f"COL must be between 1 and {len(span) + 1}, not {point.column}."
        )
    return span.start + point.column - 1


def find_span(text: str, lines: LineRange) -> Span:
    """One line is a cursor at its first character: the function around it is meant. Several lines are what
    stands in them."""
    if lines.first is None or lines.last is None:
        return Span(0, len(text))
    buffer = TextBuffer.of(text)
    first, last = (_find_line(buffer, lines.path, line) for line in (lines.first, lines.last))
    if first == last:
        start = first.start + len(indentation_of(text[first.start : first.end]))
        return Span(start, start)
    return Span(first.start, last.end)


def place_of(text: str, offset: int) -> dict[str, int]:
    """The inverse of `find_offset`: 1-based line and column of an offset."""
    line, column = TextBuffer.of(text).position_at(offset, PositionEncoding.UTF32)
    return {"line": line + 1, "col": column + 1}


def _find_line(buffer: TextBuffer, path: Path, line: int) -> Span:
    if line > buffer.n_lines:
        raise BadArgument(
            f"{path} has {_count(buffer.n_lines, 'line')}: LINE must be at most that, not {line}."
        )
    return buffer.line_span(line - 1)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
