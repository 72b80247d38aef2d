"""Where the FIM prefix ends. The anchor makes the prompt append-only while a person types.

Runs in the session. Pure values; must not know tokens or the engine.

Everything before the anchor and after the cursor was sent once and stays, byte for byte, as it was sent;
what is typed since goes behind the FIM-middle token. The KV cache then holds all of the prompt but the last
few characters.

The rule. An anchor is set at the cursor, not at the start of its line or word: the first request after a
jump is the one that a person waits for, and a prefix that ends at the cursor is what FIM models were
trained on; text behind the FIM-middle token is a second best that pays only when it saves a prefill. The
anchor stays while the text before it and the text after the cursor are what they were and the typed part is
short (`MAX_TYPED_CHARS`, `MAX_TYPED_LINES`); deleting what was typed since keeps it, too. It moves to the
cursor when a deletion reaches before it, when anything else changed, or when the typed part grew too long.
The snippets are chosen with the anchor and frozen with it: other snippets would be another prompt from its
first token on. Only a search that was late is asked again.

Long documents: only a window around the cursor is kept. Its start moves in coarse steps, so that a new
anchor a few lines further down still shares its beginning with the old prompt.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from lsp_server.completion.context import CompletionContext
from lsp_server.types import Snippet

MAX_TYPED_CHARS = 160
MAX_TYPED_LINES = 2
PREFIX_CHARS_PER_TOKEN = 5
SUFFIX_CHARS_PER_TOKEN = 2
WINDOW_STEP_CHARS = 2048


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was sent around the cursor when the anchor was set.

    `start` is the window's first offset in the context's prefix. `snippets` is None until a search answered
    in time.
    """

    start: int
    prefix: str
    suffix: str
    budget_tokens: int
    snippets: tuple[Snippet, ...] | None = None

    def holds(self, context: CompletionContext, budget_tokens: int) -> bool:
        """Whether this context is this anchor's text with a short piece typed at its end."""
        end = self.start + len(self.prefix)
        n_typed = len(context.prefix) - end
        return (
            budget_tokens == self.budget_tokens
            and 0 <= n_typed <= MAX_TYPED_CHARS
            and context.prefix.startswith(self.prefix, self.start)
            and context.prefix.count("\n", end) <= MAX_TYPED_LINES
            and _suffix_window(context.suffix, budget_tokens) == self.suffix
        )

    def typed(self, context: CompletionContext) -> str:
        """What stands between the anchor and the cursor."""
        return context.prefix[self.start + len(self.prefix) :]


def anchor_at_cursor(context: CompletionContext, budget_tokens: int) -> Anchor:
    """A new anchor; its window is larger than the budget, which model/fim.py trims to exactly."""
    start = _window_start(context.prefix, budget_tokens * PREFIX_CHARS_PER_TOKEN)
    return Anchor(
        start=start,
        prefix=context.prefix[start:],
        suffix=_suffix_window(context.suffix, budget_tokens),
        budget_tokens=budget_tokens,
    )


def _window_start(prefix: str, n_chars: int) -> int:
    """The start of a line, at most `n_chars` and a step before the end."""
    if len(prefix) <= n_chars + WINDOW_STEP_CHARS:
        return 0
    step = (len(prefix) - n_chars) // WINDOW_STEP_CHARS * WINDOW_STEP_CHARS
    line_start = prefix.find("\n", step, step + WINDOW_STEP_CHARS) + 1
    return line_start or step


def _suffix_window(suffix: str, budget_tokens: int) -> str:
    """The lines after the cursor that can matter, cut at a line's end where there is one."""
    n_chars = budget_tokens * SUFFIX_CHARS_PER_TOKEN
    if len(suffix) <= n_chars:
        return suffix
    line_end = suffix.rfind("\n", 0, n_chars) + 1
    return suffix[: line_end or n_chars]


class Anchors:
    """The anchors of the documents used last. Belongs to one session; the only mutable thing here."""

    def __init__(self, n_kept: int = 32) -> None:
        self._n_kept = n_kept
        self._by_uri: OrderedDict[str, Anchor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_uri)

    def place(self, context: CompletionContext, budget_tokens: int) -> Anchor:
        """The document's anchor if it still holds, else a new one at the cursor."""
        uri = context.snapshot.uri
        anchor = self._by_uri.get(uri)
        if anchor is None or not anchor.holds(context, budget_tokens):
            anchor = anchor_at_cursor(context, budget_tokens)
        self._keep(uri, anchor)
        return anchor

    def freeze_snippets(self, uri: str, anchor: Anchor, snippets: tuple[Snippet, ...]) -> Anchor:
        """The same anchor with the snippets that all of its prompts will have."""
        frozen = replace(anchor, snippets=snippets)
        if self._by_uri.get(uri) is anchor:  # a newer request may have moved it during the search
            self._keep(uri, frozen)
        return frozen

    def forget(self, uri: str) -> None:
        self._by_uri.pop(uri, None)

    def clear(self) -> None:
        self._by_uri.clear()

    def _keep(self, uri: str, anchor: Anchor) -> None:
        self._by_uri[uri] = anchor
        self._by_uri.move_to_end(uri)
        while len(self._by_uri) > self._n_kept:
            self._by_uri.popitem(last=False)
