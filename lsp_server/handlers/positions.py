"""Between LSP ranges and spans of offsets.

Runs in the session. The only place besides `text.py` where a position means anything.
"""

from __future__ import annotations

from lsprotocol import types

from lsp_server.text import PositionEncoding, TextBuffer
from lsp_server.types import Span


def offset_of(buffer: TextBuffer, position: types.Position, encoding: PositionEncoding) -> int | None:
    """None when the document has no such line."""
    return buffer.offset_at(position.line, position.character, encoding)


def span_of(buffer: TextBuffer, range_: types.Range, encoding: PositionEncoding) -> Span | None:
    """None when the document does not have these lines. A range written backwards is turned around."""
    start = offset_of(buffer, range_.start, encoding)
    end = offset_of(buffer, range_.end, encoding)
    if start is None or end is None:
        return None
    return Span(min(start, end), max(start, end))


def range_of(buffer: TextBuffer, span: Span, encoding: PositionEncoding) -> types.Range:
    return types.Range(
        types.Position(*buffer.position_at(span.start, encoding)),
        types.Position(*buffer.position_at(span.end, encoding)),
    )
