"""Indentation: the first line glued to the cursor, the others in the document's own unit."""

from __future__ import annotations

from math import gcd

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters.block import generated_lines
from lsp_server.completion.syntax import Blocks, Region
from lsp_server.text import indentation_of


def glue_first_line(text: str, context: CompletionContext) -> str:
    """No second blank before the first word, no empty lines where the cursor's line is empty, no double
    indentation."""
    if context.is_line_begun:
        is_spaced = context.line_before.endswith((" ", "\t"))
        return text.lstrip(" \t") if is_spaced and not text.startswith("\n") else text
    if not text.strip():
        return text
    body = text.lstrip()
    leading = text[: len(text) - len(body)]
    indentation = leading[leading.rfind("\n") + 1 :]
    if "\n" in leading:
        indentation = indentation.removeprefix(context.line_before)
    return _allowed_indentation(indentation, context) + body


def _allowed_indentation(indentation: str, context: CompletionContext) -> str:
    """Where indentation is syntax, a line stands at most one step deeper than what opens its block."""
    if context.language.blocks is not Blocks.INDENT or context.scanned.region is not Region.CODE:
        return indentation
    above = context.prefix[: len(context.prefix) - len(context.line_before)].rstrip()
    line_above = above[above.rfind("\n") + 1 :]
    if context.scanned.openers or line_above.endswith("\\"):
        return indentation
    limit = context.width(line_above) + (
        context.width(context.indent_unit) if context.language.opens_block(line_above) else 0
    )
    while indentation and context.width(context.line_before + indentation) > limit:
        indentation = indentation[:-1]
    return indentation


def use_document_unit(text: str, context: CompletionContext) -> str:
    """The lines below the first, indented with the document's tabs or blanks, a step for a step.

    Lines inside of a string are text and stay; lines aligned to something are no whole steps and stay as
    wide.
    """
    if "\n" not in text or context.scanned.region is not Region.CODE:
        return text
    own_unit = _own_unit(text, context)
    lines = []
    for line in generated_lines(text, context):
        content = text[line.start : line.end]
        is_code = context.scan(text[: line.start]).region is Region.CODE
        lines.append(_reindented(content, own_unit, context) if line.start and is_code else content)
    return "\n".join(lines)


def _own_unit(text: str, context: CompletionContext) -> int:
    """Columns of one step in generated text: what all its lines' distances from the cursor's line have in
    common."""
    base = context.width(context.line_before)
    widths = [context.width(line.full) for line in generated_lines(text, context) if not line.is_blank]
    step = gcd(*(abs(width - base) for width in widths))
    return step if step in (2, 4, 8) else 0


def _reindented(content: str, own_unit: int, context: CompletionContext) -> str:
    base, unit = context.width(context.line_before), context.width(context.indent_unit)
    indentation = indentation_of(content)
    distance = context.width(indentation) - base
    if own_unit and own_unit != unit and distance > 0:
        distance = distance // own_unit * unit
    width = max(base + distance, 0)
    if context.indent_unit == "\t":
        return "\t" * (width // unit) + " " * (width % unit) + content[len(indentation) :]
    return " " * width + content[len(indentation) :]
