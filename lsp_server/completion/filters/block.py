"""Where a suggestion is whole: the end of its line, of its block, of its string.

`find_end` is asked while the text streams in, to stop the decode, and once more for the finished text, to
cut it. It answers None as long as what is there does not decide it: a half-received line may still turn out
to go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lsp_server.completion.context import CompletionContext, Mode
from lsp_server.completion.syntax import Blocks, Region

_CLOSING_RUN = re.compile(r"[)\]}]+[;,]?")
_DEFINITION = re.compile(
    r"@|(?:export |public |private |protected |static |async |pub |abstract )*"
    r"(?:def|class|func|fn|function|interface|struct|enum|impl|trait|module|type)\b"
)
_CONTINUATION = re.compile(
    r"(?:else|elif|elsif|elseif|except|finally|catch|rescue|ensure|case|default|when)\b|[)\]}]"
)
_FIRST_WORD = re.compile(r"\s*(?:\w+\W|[^\w\s].)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of generated text. `full` has what stands before the cursor, `end` excludes the line end."""

    start: int
    end: int
    full: str
    is_complete: bool

    @property
    def is_blank(self) -> bool:
        return not self.full.strip()

    @property
    def is_decided(self) -> bool:
        """Whether enough of the line is there to tell how it begins."""
        return self.is_complete or bool(_FIRST_WORD.match(self.full))


def generated_lines(text: str, context: CompletionContext) -> Iterator[Line]:
    start = 0
    for content in text.split("\n"):
        end = start + len(content)
        full = content if start else context.line_before + content
        yield Line(start, end, full, is_complete=end < len(text))
        start = end + 1


def find_end(text: str, context: CompletionContext) -> int | None:
    """Where a suggestion ends, as soon as the text decides it."""
    if context.mode is Mode.SINGLE_LINE:
        return _end_of_line(text, context)
    if context.scanned.region is not Region.CODE:
        return _end_of_string(text, context)
    ends = (_end_of_scope(text, context), _end_at_closer(text, context))
    return min((end for end in ends if end is not None), default=None)


def cut_at_end(text: str, context: CompletionContext) -> str:
    """A finished text ends its last line, too."""
    return text[: find_end(text + "\n", context)]


def _end_of_line(text: str, context: CompletionContext) -> int | None:
    """The first line end; on an empty line, the first one after something."""
    n_leading = 0 if context.is_line_begun else len(text) - len(text.lstrip())
    end = text.find("\n", n_leading)
    return end if end >= 0 else None


def _end_of_string(text: str, context: CompletionContext) -> int | None:
    """The end of the line on which the string or comment around the cursor is closed."""
    resumed_at = context.scan(text).resumed_at
    end = text.find("\n", resumed_at) if resumed_at >= 0 else -1
    return end if end >= 0 else None


def _end_at_closer(text: str, context: CompletionContext) -> int | None:
    """Right after the brace that closes the block around the cursor, and what closes with it: `}`, `});`."""
    closers = context.scan(text).closers
    if not closers or closers[0].character != "}":
        return None
    run = _CLOSING_RUN.match(text, closers[0].offset)
    return run.end() if run and run.end() < len(text) else None


def _end_of_scope(text: str, context: CompletionContext) -> int | None:
    """By indentation: where a line stands outside of the block, or a new paragraph or definition begins."""
    floor = context.width(context.line_before) + 1 if context.is_line_begun else -1
    has_content = went_deeper = False
    for line in generated_lines(text, context):
        if line.is_blank:
            if has_content and line.is_complete and _is_free(text, line, context):
                return line.start
            continue
        width = context.width(line.full)
        if width < floor and line.start and _is_outside(text, line, context):
            return _end_at_dedent(line, context)
        if width == floor and went_deeper and _begins_anew(text, line, floor, context):
            return line.start
        floor = width if floor < 0 else floor
        went_deeper = went_deeper or width > floor
        has_content = has_content or bool(text[line.start : line.end].strip())
        if line.is_complete and _completes_construct(text, line, floor, context):
            return line.end
    return None


def _is_free(text: str, line: Line, context: CompletionContext) -> bool:
    """Whether the line stands in no bracket and no string that the suggestion itself has opened."""
    return context.scan(text[: line.start]).is_neutral


def _is_outside(text: str, line: Line, context: CompletionContext) -> bool:
    """Braces end blocks by themselves, and prose is not indented."""
    blocks = context.language.blocks
    is_brace = blocks is Blocks.BRACES and line.full.lstrip().startswith(("{", "}"))
    return not is_brace and blocks is not Blocks.PARAGRAPHS and _is_free(text, line, context)


def _end_at_dedent(line: Line, context: CompletionContext) -> int | None:
    """Before the line that stands outside; after it where it is the word or tag that closes the block."""
    if not line.is_decided:
        return None
    if not context.language.closes_block(line.full):
        return line.start
    return line.end if line.is_complete else None


def _begins_anew(text: str, line: Line, floor: int, context: CompletionContext) -> bool:
    """At the left margin every statement after a block is a new matter; further in, every definition is."""
    stripped = line.full.lstrip()
    if not line.is_decided or _CONTINUATION.match(stripped) or context.language.closes_block(stripped):
        return False
    return (floor == 0 or bool(_DEFINITION.match(stripped))) and _is_free(text, line, context)


def _completes_construct(text: str, line: Line, floor: int, context: CompletionContext) -> bool:
    """In languages with braces: the line closes what began on the cursor's line, or at the left margin."""
    if context.language.blocks is not Blocks.BRACES or not line.full.lstrip().startswith("}"):
        return False
    return (floor == 0 or context.is_line_begun) and context.scan(text[: line.end]).is_neutral
