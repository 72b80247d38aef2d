"""Text of a document: offsets and positions, line ends, indentation, language ids.

Runs in the session and in its index worker. Pure; must not know LSP types, files, settings or the model.
Offsets count `str` code points. A line ends at LF, CRLF or CR and nowhere else: form feeds, vertical tabs,
NEL and U+2028 are ordinary characters, as editors have it (`str.splitlines` disagrees).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from urllib.parse import unquote

from lsp_server.types import Span

_LINE_END = re.compile(r"\r\n|\n|\r")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_INDENTATION = re.compile(r"[ \t]*")
_INDENTED = re.compile(r"\n[ \t]+")

BINARY_SAMPLE_CHARS = 64_000


class PositionEncoding(StrEnum):
    """What `character` of a position counts."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def without_lone_surrogates(text: str) -> str:
    """JSON can escape half a surrogate pair, which no encoder takes. U+FFFD is as long in every encoding."""
    return _LONE_SURROGATE.sub("\ufffd", text) if not text.isascii() else text


def n_units(text: str, encoding: PositionEncoding) -> int:
    """Length of `text` as `character` counts it."""
    if encoding is PositionEncoding.UTF32 or text.isascii():
        return len(text)
    if encoding is PositionEncoding.UTF8:
        return len(text.encode())
    return len(text.encode("utf-16-le")) // 2


def units_to_index(line: str, units: int, encoding: PositionEncoding) -> int:
    """Index into `line` of a `character`. Beyond the end is the end; inside of a code point is its start."""
    if encoding is PositionEncoding.UTF32 or line.isascii():
        return min(units, len(line))
    if encoding is PositionEncoding.UTF8:
        return len(line.encode()[:units].decode("utf-8", "ignore"))
    return len(line.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore"))


def line_starts(text: str) -> tuple[int, ...]:
    """Offset of the first character of every line; the first is 0."""
    if "\r" in text:
        return (0, *(match.end() for match in _LINE_END.finditer(text)))
    lengths = [len(line) + 1 for line in text.split("\n")]
    return (0, *accumulate(lengths[:-1]))


@dataclass(frozen=True, slots=True)
class TextBuffer:
    """A text without lone surrogates, and where its lines start. Never changes: an edit makes a new one."""

    text: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> TextBuffer:
        text = without_lone_surrogates(text)
        return cls(text, line_starts(text))

    @property
    def n_lines(self) -> int:
        return len(self.starts)

    def line_span(self, line: int) -> Span:
        """The line without its line end."""
        start = self.starts[line]
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return Span(start, end)

    def offset_at(self, line: int, character: int, encoding: PositionEncoding) -> int | None:
        """None when there is no such line."""
        if not 0 <= line < len(self.starts):
            return None
        span = self.line_span(line)
        if encoding is PositionEncoding.UTF32:
            return min(span.start + character, span.end)
        return span.start + units_to_index(self.text[span.start : span.end], character, encoding)

    def clamped_offset_at(self, line: int, character: int, encoding: PositionEncoding) -> int:
        """As for an edit: beyond the last line is the end of the text."""
        offset = self.offset_at(line, character, encoding)
        return len(self.text) if offset is None else offset

    def position_at(self, offset: int, encoding: PositionEncoding) -> tuple[int, int]:
        """(line, character) of an offset inside the text."""
        line = bisect_right(self.starts, offset) - 1
        start = self.starts[line]
        return line, n_units(self.text[start:offset], encoding)

    def replaced(self, span: Span, text: str) -> TextBuffer:
        """A new buffer with `span` replaced. Only the lines around the edit are looked at again."""
        new_text = self.text[: span.start] + without_lone_surrogates(text) + self.text[span.end :]
        first = max(bisect_right(self.starts, span.start) - 2, 0)
        last = min(bisect_right(self.starts, span.end) + 1, len(self.starts))
        begin = self.starts[first]
        old_end = self.starts[last] if last < len(self.starts) else len(self.text)
        shift = len(new_text) - len(self.text)
        middle = [begin + start for start in line_starts(new_text[begin : old_end + shift])]
        tail = [start + shift for start in self.starts[last:]]
        if tail:  # the tail's first line is also the end of the middle's last
            middle.pop()
        return TextBuffer(new_text, (*self.starts[:first], *middle, *tail))


def lines(text: str) -> Iterator[str]:
    """Every line with its line end."""
    starts = line_starts(text)
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end]


def line_end_of(text: str) -> str:
    """The line end that a new line of this text takes: the one used first."""
    match = _LINE_END.search(text)
    return match.group() if match else "\n"


def to_lf(text: str) -> str:
    """The same text with LF line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def from_lf(text: str, line_end: str) -> str:
    """`text`, which has LF line ends, with those of a document."""
    return text if line_end == "\n" else text.replace("\n", line_end)


def indentation_of(line: str) -> str:
    """The blanks and tabs that the line starts with."""
    match = _INDENTATION.match(line)
    return match.group() if match else ""


def flatten(text: str) -> str:
    """Without the indentation of its lines but the first: the same code at another depth is the same here."""
    return _INDENTED.sub("\n", text)


def is_binary(text: str) -> bool:
    """Whether this is no text at all: NUL characters, or much that could not be decoded, near its start."""
    sample = text[:BINARY_SAMPLE_CHARS]
    return "\0" in sample or sample.count("\ufffd") > len(sample) // 10


LANGUAGE_BY_SUFFIX = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascriptreact",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "typescriptreact",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cxx": "cpp",
    ".hh": "cpp",
    ".hpp": "cpp",
    ".sh": "shellscript",
    ".rb": "ruby",
    ".php": "php",
    ".cs": "csharp",
    ".kt": "kotlin",
    ".swift": "swift",
    ".lua": "lua",
    ".sql": "sql",
    ".html": "html",
    ".css": "css",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".md": "markdown",
    ".txt": "plaintext",
}


def language_of(path: str, language_id: str = "") -> str:
    """What the editor says, else what the file's name says, else `plaintext`."""
    if language_id:
        return language_id
    _, dot, suffix = path.replace("\\", "/").rpartition("/")[2].rpartition(".")
    return LANGUAGE_BY_SUFFIX.get(dot + suffix.lower(), "plaintext")


_FILE_URI = re.compile(r"file://(?P<host>[^/?#]*)(?P<path>/[^?#]*)", re.IGNORECASE)
_DRIVE = re.compile(r"/[A-Za-z]:(?=/|$)")


def path_of_uri(uri: str) -> str:
    """The absolute path behind a `file:` URI, as this system writes it; "" when there is none."""
    match = _FILE_URI.match(uri)
    if match is None:
        return ""
    path = without_lone_surrogates(unquote(match["path"]))
    if "\0" in path:
        return ""
    if _DRIVE.match(path):
        return path[1:]
    host = match["host"]
    return path if host in ("", "localhost") else f"//{host}{path}"
