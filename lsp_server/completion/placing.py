"""Where a finished text goes: from the context's terms back to the document's.

Runs in the session. Pure.

The span never leaves the cursor's line. It starts at the line's first character that is no indentation (at
the cursor on an empty line), and the text begins with what stands there: clients that keep showing an old
suggestion skip the common beginning of the line and the text, so nothing flickers while it is typed, and
clients that compare the text before the cursor with the beginning of the suggestion find it equal.
Indentation stays outside: editors change it by themselves. The span ends at the cursor, or at the end of
the line where the suggestion writes the brackets behind the cursor itself. With an entry selected in the
editor's menu the span is the entry's, because clients drop anything else.
"""

from __future__ import annotations

from lsp_server.completion.cache import Suggestion
from lsp_server.completion.context import CompletionContext
from lsp_server.text import from_lf
from lsp_server.types import Completion, Span


def place(suggestion: Suggestion, context: CompletionContext) -> Completion:
    """The completion that inserts the suggestion at the cursor."""
    span, typed = _span_and_typed(context)
    text = typed + from_lf(suggestion.text, context.line_end)
    return Completion(text, Span(span.start, span.end + suggestion.n_replaced))


def _span_and_typed(context: CompletionContext) -> tuple[Span, str]:
    """What is replaced up to the cursor, and what the new text begins with instead."""
    if context.selected is not None:
        return context.selected.span, context.selected.text
    n_begun = len(context.line_before.lstrip(" \t"))
    span = Span(context.offset - n_begun, context.offset)
    return span, context.snapshot.text[span.start : span.end]
