"""Closing brackets that close nothing."""

from __future__ import annotations

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.syntax import PAIRS
from lsp_server.types import NoCompletion, Reason

_CLOSING = "".join(PAIRS.values())


def n_replaced(text: str, context: CompletionContext) -> int:
    """How many characters behind the cursor the suggestion writes itself and therefore replaces.

    `if (|)` completed by `x > 0) return;` would leave a second bracket behind. What stays of the line must
    close something, too: before anything else a bracket is not taken away. An entry of the editor's menu
    fixes the range, so there nothing is replaced.
    """
    rest = context.line_after.rstrip()
    if not rest or context.selected is not None:
        return 0
    n_matched = _n_matched(text, rest, context)
    remainder = rest[n_matched:].strip()
    if n_matched and remainder and text.rstrip().endswith(remainder):
        return len(rest)
    return n_matched if not remainder.strip(_CLOSING) else 0


def _n_matched(text: str, rest: str, context: CompletionContext) -> int:
    """How much of `rest` is, one by one, what the text closes of what the prefix has opened."""
    scanned = context.scan(text)
    quote = context.scanned.delimiter if scanned.resumed_at >= 0 else ""
    n_matched = 0
    for closing in (quote, *(closer.character for closer in scanned.closers)):
        if not rest.startswith(closing, n_matched):
            break
        n_matched += len(closing)
    return n_matched


def cut_unmatched_closers(text: str, context: CompletionContext) -> str | NoCompletion:
    """A closer may close what the prefix opens and the suffix leaves open, innermost first; the text ends
    before any other one."""
    replaced = context.line_after[: n_replaced(text, context)]
    n_allowed = context.n_unclosed + sum(replaced.count(closing) for closing in PAIRS.values())
    openers = context.scanned.openers
    for index, closer in enumerate(context.scan(text).closers):
        if index >= n_allowed or PAIRS.get(openers[-1:]) != closer.character:
            kept = text[: closer.offset]
            return kept if kept.strip() else NoCompletion(Reason.EMPTY, "only brackets that close nothing")
        openers = openers[:-1]
    return text
