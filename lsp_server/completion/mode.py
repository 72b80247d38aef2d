"""How much is asked for: by the syntax tree at the cursor where it tells, else by the text around it.

Runs in the session. Pure. The tree is read in index/; what arrives here is a kind of place. Must not know the
model or the index.
"""

from __future__ import annotations

from lsp_server.completion.context import CompletionContext, Mode, has_body, leaves_room
from lsp_server.settings import CompletionSettings
from lsp_server.types import SyntaxPlace


def is_open(context: CompletionContext, settings: CompletionSettings) -> bool:
    """Whether the tree has a say: neither the settings nor the rest of the line decide."""
    return settings.multi_line == "auto" and leaves_room(context.line_before, context.line_after)


def mode_at(place: SyntaxPlace, context: CompletionContext) -> Mode:
    """A block where a statement begins, unless the line opens one that stands below already."""
    is_wanted = place.is_statement and not has_body(context.line_before, context.suffix, context.language)
    return Mode.BLOCK if is_wanted else Mode.SINGLE_LINE


def reason_of(place: SyntaxPlace | None) -> str:
    """For the trace: who decided, and by which node."""
    return "text" if place is None else f"tree:{place.kind}"
