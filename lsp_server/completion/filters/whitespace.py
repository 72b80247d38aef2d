"""Blanks at the ends of lines, and suggestions of nothing else."""

from __future__ import annotations

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.syntax import Blocks, Region
from lsp_server.text import indentation_of
from lsp_server.types import NoCompletion, Reason

_GAPS = ("    ", "\t")


def reject_nothing(text: str, context: CompletionContext) -> str | NoCompletion:
    if not text:
        return NoCompletion(Reason.EMPTY, "the model has nothing to add")
    if not text.strip():
        return NoCompletion(Reason.WHITESPACE_ONLY, "the model adds only blanks")
    return text


def reject_torn_line(text: str, context: CompletionContext) -> str | NoCompletion:
    """Behind a line that was begun, blanks as wide as indentation are the next line without its line end.
    Only a comment may stand that far off."""
    is_torn = context.is_line_begun and text.startswith(_GAPS) and context.scanned.region is not Region.STRING
    if not is_torn or text.lstrip().startswith(context.language.line_comments or _GAPS):
        return text
    return NoCompletion(Reason.EMPTY, "the model begins another line")


def strip_trailing(text: str, context: CompletionContext) -> str:
    """No blanks at the end of any line; in prose two of them mean something. Between two braces the closing
    one gets a line of its own."""
    lines = text.rstrip().split("\n")
    if context.language.blocks is not Blocks.PARAGRAPHS:
        lines = [line.rstrip() for line in lines]
    stripped = "\n".join(lines)
    if len(lines) > 1 and context.line_after.lstrip().startswith("}") and not stripped.endswith("}"):
        stripped += "\n" + indentation_of(context.line_before)
    return stripped
