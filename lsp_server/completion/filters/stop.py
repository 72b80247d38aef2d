"""When to stop the decode: a visible list of rules that look at the text so far.

Each rule has a filter in `FILTERS` that cuts what came too much; stopping only spares the tokens behind it.
"""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters.block import find_end
from lsp_server.completion.filters.control_tokens import find_control_token
from lsp_server.completion.filters.repetition import is_looping
from lsp_server.completion.filters.suffix import find_following_line

StopRule = Callable[[str, CompletionContext], bool]


def block_is_whole(text: str, context: CompletionContext) -> bool:
    """Also: the line is, in single-line mode."""
    return find_end(text, context) is not None


def suffix_is_reached(text: str, context: CompletionContext) -> bool:
    return find_following_line(text, context) is not None


def model_loops(text: str, context: CompletionContext) -> bool:
    return is_looping(text)


def document_ended(text: str, context: CompletionContext) -> bool:
    """The model wrote a control token out."""
    return find_control_token(text, context) is not None


STOP_RULES: tuple[StopRule, ...] = (block_is_whole, suffix_is_reached, model_loops, document_ended)


def stop_rule(text: str, context: CompletionContext) -> StopRule | None:
    """The first rule that says that nothing more is wanted."""
    return next((rule for rule in STOP_RULES if rule(text, context)), None)
