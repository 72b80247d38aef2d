"""The text of a definition's declaration and of its documentation, as one line and as clean lines.

Runs in the session and in the index worker. Pure text; must not know tree-sitter.
"""

from __future__ import annotations

import inspect
import re
from functools import cache

SIGNATURE_CHARS = 300
VALUE_CHARS = 160
DOCSTRING_CHARS = 2000

_STRING_START = re.compile(r"^[A-Za-z]{0,3}(\"\"\"|'''|\"|')")
_COMMENT_MARKS = re.compile(r"^\s*(?:/\*[*!]?|\*/|\*(?!/)|//[/!]?|#+!?|---?(?:\[=*\[)?)?[ \t]?")
_COMMENT_END = re.compile(r"(?:\*/|--\]\]|\]=*\])$")
_INDENTATION = re.compile(r"\n( *)(?=[^ \n])")
_RARE_BLANKS = "\t\r\v\f\x1c\x1d\x1e\x1f"
_DOC_TAGS = re.compile(r"</?(?:summary|remarks|para|returns|value|c|code)>")

# `@Name(...)`, `[Name(...)]` and `#[Name]` before a declaration; `[a] = 1` and `[a](b)` are none.
_ANNOTATIONS = re.compile(
    r"^(?:@(?!interface\b)[\w.:]+(?:\([^()]*\))?\s+|#?\[[^\[\]=]*\](?=\s+[\w\[@#])\s*)+"
)
_LINE_COMMENT = {
    "#": re.compile(r"(?:^|\s)#.*$"),
    "--": re.compile(r"(?:^|\s)--.*$"),
    "//": re.compile(r"(?:^|\s)//.*$|/\*.*?\*/"),
}


def join_lines(text: str, line_comment: str) -> str:
    """A declaration of several lines as one. Its first line stays as it is at the start of the result."""
    if "\n" not in text and "\r" not in text:
        return text.strip()
    stripped = text.strip()
    if line_comment not in text and "/*" not in text and len(stripped.splitlines()) == 1:
        return stripped
    joined = ""
    for raw in text.splitlines():
        line = _LINE_COMMENT[line_comment].sub("", raw).strip()
        if not line:
            continue
        if line[0] in ")]}":
            joined = joined.rstrip(", ")
        elif joined and joined[-1] not in "([{":
            joined += " "
        joined += line
    return joined


def clip(text: str, n_chars: int) -> str:
    return text if len(text) <= n_chars else text[: n_chars - 4].rstrip() + " ..."


def _without_annotations(text: str) -> str:
    return _ANNOTATIONS.sub("", text) if text.startswith(("@", "#", "[")) else text


def declaration(text: str, line_comment: str) -> str:
    """A signature from the text between a definition's start and its body, without annotations."""
    joined = join_lines(_without_annotations(text), line_comment)
    return clip(joined.removesuffix("{").rstrip(), SIGNATURE_CHARS)


def first_line(text: str) -> str:
    """What stands for a variable or a field: its first line, without the rest of a long value."""
    text = _without_annotations(text.lstrip())
    line = text.partition("\n")[0].splitlines()[0] if text.strip() else ""
    return clip(line.strip().rstrip(";,"), VALUE_CHARS)


def string_docstring(literal: str) -> str:
    """The content of a Python string literal that documents."""
    start = _STRING_START.match(literal)
    if start is None:
        return ""
    content = literal[start.end() :].removesuffix(start[1])
    return clip(_without_indentation(content), DOCSTRING_CHARS)


def comment_docstring(lines: list[str]) -> str:
    """The words of a block of comment lines, without their marks."""
    words = [_COMMENT_MARKS.sub("", _COMMENT_END.sub("", line.rstrip()).rstrip()) for line in lines]
    return clip(_without_indentation(_DOC_TAGS.sub("", "\n".join(words))), DOCSTRING_CHARS)


def _without_indentation(text: str) -> str:
    """What `inspect.cleandoc` makes of it, three times as quickly: it splits no lines."""
    if "\n" not in text and "\t" not in text:
        return text.strip()
    if not text.isascii() or any(blank in text for blank in _RARE_BLANKS):
        return inspect.cleandoc(text).strip()
    margin = min(map(len, _INDENTATION.findall(text)), default=0)
    return (_margin(margin).sub("\n", text) if margin else text).strip()


@cache
def _margin(n_blanks: int) -> re.Pattern[str]:
    return re.compile(rf"\n {{1,{n_blanks}}}")
