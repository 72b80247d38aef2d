"""What completion must know of a language without a parser: comments, strings, brackets, how blocks are
drawn.

Runs in the session. A lexical scan of a few thousand characters, cheap enough for every keystroke; it knows
no grammar (tree-sitter lives in index/), and where it is fooled, it is fooled to the end of a line at most,
or to the end of a long string. Must not know documents, settings or the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache


class Blocks(StrEnum):
    """How a language draws the end of a block."""

    INDENT = "indent"
    BRACES = "braces"
    KEYWORDS = "keywords"
    TAGS = "tags"
    PARAGRAPHS = "paragraphs"


class Region(StrEnum):
    """What a piece of text ends in."""

    CODE = "code"
    COMMENT = "comment"
    STRING = "string"


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One row of the table, equal to itself alone. `strings` end with their line, `long_strings` do not."""

    blocks: Blocks
    line_comments: tuple[str, ...] = ()
    block_comments: tuple[tuple[str, str], ...] = ()
    strings: tuple[str, ...] = ()
    long_strings: tuple[str, ...] = ()
    block_openers: tuple[str, ...] = ()
    block_closers: tuple[str, ...] = ()
    has_brackets: bool = True
    has_quoted_characters: bool = False
    indent_unit: str = "    "

    def opens_block(self, line: str) -> bool:
        """Whether what follows this line stands deeper."""
        stripped = line.rstrip()
        return any(
            stripped.endswith(opener)
            and not (opener[0].isalpha() and stripped[: -len(opener)][-1:].isalnum())
            for opener in self.block_openers
        )

    def closes_block(self, line: str) -> bool:
        """Whether this line is the last one of a block."""
        stripped = line.lstrip()
        return any(
            stripped.startswith(closer)
            and not (closer[-1].isalpha() and stripped[len(closer) :][:1].isalnum())
            for closer in self.block_closers
        )

    def spans_lines(self, opener: str) -> bool:
        """Whether the string or comment that `opener` begins may go on over a line end."""
        return opener in self.long_strings or any(opener == start for start, _ in self.block_comments)


_PLAIN = Language(Blocks.PARAGRAPHS, has_brackets=False)
_PYTHON = Language(
    Blocks.INDENT,
    line_comments=("#",),
    strings=('"', "'"),
    long_strings=('"""', "'''"),
    block_openers=(":",),
)
_C = Language(
    Blocks.BRACES,
    line_comments=("//",),
    block_comments=(("/*", "*/"),),
    strings=('"', "'"),
    block_openers=("{",),
    block_closers=("}",),
)
_JAVASCRIPT = replace(_C, long_strings=("`",), indent_unit="  ")
_JSON = replace(_C, strings=('"',), indent_unit="  ")
_RUST = replace(_C, strings=(), long_strings=('"',), has_quoted_characters=True)
_MARKUP = Language(
    Blocks.TAGS,
    block_comments=(("<!--", "-->"),),
    block_openers=(">",),
    block_closers=("</",),
    has_brackets=False,
    indent_unit="  ",
)
_RUBY = Language(
    Blocks.KEYWORDS,
    line_comments=("#",),
    strings=('"', "'"),
    block_openers=("do", "then", "|", "else", "begin"),
    block_closers=("end", "}"),
    indent_unit="  ",
)
_LUA = replace(
    _RUBY,
    line_comments=("--",),
    block_openers=("do", "then", "else", "repeat"),
    block_closers=("end", "until", "}"),
)
_SHELL = replace(
    _RUBY,
    strings=(),
    long_strings=('"', "'"),
    block_openers=("do", "then", "else", "{"),
    block_closers=("fi", "done", "esac", "}"),
    has_brackets=False,
)
_YAML = Language(
    Blocks.INDENT, line_comments=("#",), block_openers=(":",), has_brackets=False, indent_unit="  "
)

LANGUAGES: Mapping[str, Language] = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "javascriptreact": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "typescriptreact": _JAVASCRIPT,
    "go": replace(_C, long_strings=("`",), indent_unit="\t"),
    "rust": _RUST,
    "c": _C,
    "cpp": _C,
    "objective-c": _C,
    "csharp": _C,
    "java": replace(_C, long_strings=('"""',)),
    "kotlin": replace(_C, long_strings=('"""',)),
    "scala": replace(_C, long_strings=('"""',)),
    "swift": replace(_C, long_strings=('"""',)),
    "dart": replace(_C, long_strings=('"""', "'''"), indent_unit="  "),
    "zig": replace(_C, block_comments=()),
    "php": replace(_C, line_comments=("//", "#")),
    "css": replace(_C, line_comments=(), indent_unit="  "),
    "scss": replace(_C, indent_unit="  "),
    "less": replace(_C, indent_unit="  "),
    "json": _JSON,
    "jsonc": _JSON,
    "toml": Language(
        Blocks.PARAGRAPHS, line_comments=("#",), strings=('"', "'"), long_strings=('"""', "'''")
    ),
    "sql": Language(Blocks.PARAGRAPHS, line_comments=("--",), block_comments=(("/*", "*/"),), strings=("'",)),
    "ruby": _RUBY,
    "lua": _LUA,
    "shellscript": _SHELL,
    "sh": _SHELL,
    "yaml": _YAML,
    "html": _MARKUP,
    "xml": _MARKUP,
    "vue": _MARKUP,
    "svelte": _MARKUP,
    "markdown": _PLAIN,
    "plaintext": _PLAIN,
}


def language_named(language_id: str) -> Language:
    """The row of a language; an unknown one is treated as plain text, so that nothing is cut by mistake."""
    return LANGUAGES.get(language_id, _PLAIN)


@dataclass(frozen=True, slots=True)
class Closer:
    """A closing bracket whose opener is not in the scanned text."""

    character: str
    offset: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a piece of text leaves open, and what it closes of what came before it.

    `delimiter` began the string or comment that the text ends in. `resumed_at` is where the string or
    comment that the text began in was closed, or -1.
    """

    openers: str = ""
    closers: tuple[Closer, ...] = ()
    region: Region = Region.CODE
    delimiter: str = ""
    resumed_at: int = -1

    @property
    def is_neutral(self) -> bool:
        """Nothing of its own is left open."""
        return not self.openers and self.region is Region.CODE


PAIRS: Mapping[str, str] = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(PAIRS.values())


@dataclass(frozen=True, slots=True)
class _Token:
    """A bracket, or a whole string or comment; `is_open` when the text ends inside of it."""

    text: str
    start: int
    end: int
    region: Region = Region.CODE
    delimiter: str = ""
    is_open: bool = False


def scan(text: str, language: Language, inside: str = "") -> Scan:
    """Reads `text`, which starts in code or inside the string or comment that `inside` begins."""
    openers: list[str] = []
    closers: list[Closer] = []
    resumed_at = -1
    shift = len(inside)
    for token in _tokens(inside + text, language):
        if token.is_open:
            return Scan("".join(openers), tuple(closers), token.region, token.delimiter, resumed_at)
        if inside and token.start == 0:
            resumed_at = token.end - shift
        elif token.text in PAIRS:
            openers.append(token.text)
        elif token.text in _CLOSING:
            _close(token.text, token.start - shift, openers, closers)
    return Scan("".join(openers), tuple(closers), resumed_at=resumed_at)


def _close(character: str, offset: int, openers: list[str], closers: list[Closer]) -> None:
    """A closer ends the nearest opener of its kind, and with it whatever was left open inside."""
    for index in range(len(openers) - 1, -1, -1):
        if PAIRS[openers[index]] == character:
            del openers[index:]
            return
    closers.append(Closer(character, offset))


def _tokens(text: str, language: Language) -> Iterator[_Token]:
    pattern, kinds = _lexer(language)
    for match in pattern.finditer(text):
        kind = kinds.get(match.lastgroup or "")
        if kind is None:
            yield _Token(match.group(), match.start(), match.end())
            continue
        region, opener, closer = kind
        is_open = match.end() == len(text) and match.group(match.lastgroup or 0) != closer
        yield _Token("", match.start(), match.end(), region, opener, is_open)


_Kinds = Mapping[str, tuple[Region, str, str]]


@lru_cache(maxsize=64)
def _lexer(language: Language) -> tuple[re.Pattern[str], _Kinds]:
    """One pattern for all that hides brackets, longest delimiters first. Named groups hold the end of each
    kind."""
    kinds: dict[str, tuple[Region, str, str]] = {}
    alternatives: list[str] = []

    def add(region: Region, opener: str, closer: str, body: str, end: str) -> None:
        name = f"end{len(kinds)}"
        kinds[name] = (region, opener, closer)
        alternatives.append(f"{re.escape(opener)}{body}(?P<{name}>{end})")

    for quote in language.long_strings:
        add(Region.STRING, quote, quote, r"(?:\\[\s\S]|[^\\])*?", rf"{re.escape(quote)}|\\?\Z")
    for opener, closer in language.block_comments:
        add(Region.COMMENT, opener, closer, r"[\s\S]*?", rf"{re.escape(closer)}|\Z")
    for opener in language.line_comments:
        add(Region.COMMENT, opener, "\n", r"[^\n]*", r"(?=\n)|\Z")
    if language.has_quoted_characters:
        alternatives.append(r"'(?:\\[^\n]{1,9}?|[^'\\\n])'")
    for quote in language.strings:
        add(Region.STRING, quote, quote, rf"(?:\\[\s\S]|[^{quote}\\\n])*", rf"{quote}|\\?\Z|(?=\n)")
    if language.has_brackets:
        alternatives.append(r"[()\[\]{}]")
    return re.compile("|".join(alternatives) or r"(?!)"), kinds
