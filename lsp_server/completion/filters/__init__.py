"""What a model's text goes through before a person sees it.

Runs in the session. `FILTERS` is the order; each filter is a small pure function that returns the text,
changed or not, or the reason why there is no suggestion. All text has LF line ends here. Must not know LSP
or the model.
"""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters.block import cut_at_end
from lsp_server.completion.filters.brackets import cut_unmatched_closers
from lsp_server.completion.filters.characters import clean_characters
from lsp_server.completion.filters.control_tokens import cut_at_control_token
from lsp_server.completion.filters.indentation import glue_first_line, use_document_unit
from lsp_server.completion.filters.repetition import cut_loop, reject_echo
from lsp_server.completion.filters.suffix import cut_following_lines, cut_overlap_on_line
from lsp_server.completion.filters.unfinished import keep_finished
from lsp_server.completion.filters.whitespace import reject_nothing, reject_torn_line, strip_trailing
from lsp_server.types import NoCompletion

Filter = Callable[[str, CompletionContext], str | NoCompletion]

FILTERS: tuple[Filter, ...] = (
    clean_characters,
    cut_at_control_token,
    reject_nothing,
    reject_torn_line,
    cut_at_end,
    cut_loop,
    glue_first_line,
    cut_overlap_on_line,
    cut_following_lines,
    cut_unmatched_closers,
    reject_echo,
    use_document_unit,
    strip_trailing,
    reject_nothing,
)

UNFINISHED_FILTERS: tuple[Filter, ...] = (keep_finished, *FILTERS)


def apply_filters(
    text: str, context: CompletionContext, filters: tuple[Filter, ...] = FILTERS
) -> str | NoCompletion:
    """`text` through all filters, up to the first that rejects it."""
    for apply in filters:
        result = apply(text, context)
        if isinstance(result, NoCompletion):
            return result
        text = result
    return text
