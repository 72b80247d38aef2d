"""Where the FIM prefix starts and ends. The anchor makes the prompt append-only while a person types.

Runs in the session. Pure values; must not know tokens or the engine.

Everything before the anchor and after the cursor was sent once and stays, byte for byte, as it was sent;
what is typed since goes behind the FIM-middle token. The KV cache then holds all of the prompt but the last
few characters.

The rule. An anchor is set where the word at the cursor begins: the first request after a jump is the one
that a person waits for, and a prefix that ends there is what FIM models were trained on; text behind the
FIM-middle token is a second best that pays only when it saves a prefill. The anchor stays while the text
before it and the text after the cursor are what they were and the typed part is short (`MAX_TYPED_CHARS`,
`MAX_TYPED_LINES`); deleting what was typed since keeps it, too. Brackets and quotes that an editor puts
behind the cursor are no other text. It moves when a deletion reaches before it, when anything else changed,
or when the typed part grew too long; at rest it moves earlier (`is_due`), so that nobody waits for it. The
snippets are chosen with the anchor and frozen with it: other snippets would be another prompt from its
first token on. The next anchor's are appended to them (`layout.py`). Only a late search is asked again.

Where the model's layout ends with the prefix (prefix alone, or suffix first), typing is append-only by
itself. Such an anchor is open: it freezes the suffix, the snippets and where the prefix starts; the prefix
ends at the cursor. Of a suffix that the model is not shown only the beginning counts: it tells places apart.
Such an anchor is blind, and holds for other places of its window, too (`_is_near`): there the prompt is one
that the engine has, or nearly. Further off in the document a new one borrows its snippets. They were found
for another place, until a long pause.

Who turns back to a place finds its anchor again (`N_PLACES` for each document), and so the prompt that the
engine still has.

Long documents: only a window around the cursor is kept. Its start moves in coarse steps, so that a new
anchor a few lines further down still shares its beginning with the old prompt.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.layout import Epoch, begin
from lsp_server.types import Snippet
from model.protocol import Shown

MAX_TYPED_CHARS = 160
MAX_TYPED_LINES = 2
REST_TYPED_CHARS = 48
REST_SHARE = 0.25  # characters for each token of the budget that may be typed behind a prepared open anchor
OPEN_CHARS_PER_TOKEN = 8  # more than any code has: an open anchor's window never limits the prompt
PREFIX_CHARS_PER_TOKEN = 5
SUFFIX_CHARS_PER_TOKEN = 2
WINDOW_STEP_CHARS = 2048
HEAD_CHARS = 256
MAX_BEGUN_CHARS = 40
NEAR_SHARE = 0.5  # of what a blind anchor's window had before the cursor is enough at another place
N_PLACES = 4  # of a document whose anchors are remembered: more than a host has slots for

_AUTO_CLOSED = re.compile(r"""[)\]}>"'`]{0,4}""")
_WORD = re.compile(r"\w*\Z")


def begun_word(context: CompletionContext) -> str:
    """The text before the cursor that a tokenizer cuts differently once more is typed: half a word with the
    blank or the indentation before it. Of an entry of the menu nothing: it is whole."""
    line = context.line_before
    word = line[_last_word_start(line) :]
    if context.selected is not None or not line.strip() or len(word) > MAX_BEGUN_CHARS:
        return ""
    if line.strip(" \t") == word and len(line) <= 2 * MAX_BEGUN_CHARS:
        return line
    before = line[: len(line) - len(word)]
    return f" {word}" if before.endswith(" ") else word


def _last_word_start(line: str) -> int:
    found = _WORD.search(line)
    return found.start() if found else len(line)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was sent around the cursor when the anchor was set.

    `start` is the window's first offset in the context's prefix. Of an open anchor `prefix` is only how the
    window begins. `snippets` is None until a search answered in time. `prepared_at` is how long the text
    before the cursor was when the prompt was evaluated at rest, or -1; `is_cut`: more of the suffix followed;
    `is_blind`: the model was shown nothing of it. `is_borrowed`: the snippets were found for another place.
    """

    start: int
    prefix: str
    suffix: str
    budget_tokens: int
    snippets: tuple[Snippet, ...] | None = None
    is_open: bool = False
    prepared_at: int = -1
    is_cut: bool = False
    is_blind: bool = False
    is_borrowed: bool = False

    def holds(self, context: CompletionContext, budget_tokens: int, *, is_open: bool = False) -> bool:
        """Whether this context is this anchor's text with a short piece typed at its end."""
        return (
            (budget_tokens, is_open) == (self.budget_tokens, self.is_open)
            and context.prefix.startswith(self.prefix, self.start)
            and self._has_room(context)
            and (self._has_same_suffix(context) or self._is_near(context))
        )

    def _has_room(self, context: CompletionContext) -> bool:
        if self.is_open:
            room = self.budget_tokens * OPEN_CHARS_PER_TOKEN + 2 * WINDOW_STEP_CHARS
            return len(context.prefix) - self.start <= room
        end = self.start + len(self.prefix)
        n_typed = len(context.prefix) - end
        return n_typed <= MAX_TYPED_CHARS and context.prefix.count("\n", end) <= MAX_TYPED_LINES

    def _has_same_suffix(self, context: CompletionContext) -> bool:
        """Also when the editor has closed a bracket or a quote that was typed."""
        if self._is_suffix(context.suffix):
            return True
        closed = _AUTO_CLOSED.match(context.suffix)
        return closed is not None and self._is_suffix(context.suffix[closed.end() :])

    def _is_near(self, context: CompletionContext) -> bool:
        """Whether another place has nearly the same before the cursor, and the model sees nothing else."""
        n_before, n_then = len(context.prefix) - self.start, self.prepared_at - self.start
        is_enough = not self.start or n_before >= NEAR_SHARE * n_then
        return self.is_blind and is_enough and n_before - n_then <= self.budget_tokens * REST_SHARE

    def is_from_elsewhere(self, context: CompletionContext) -> bool:
        """Whether its snippets were found for another place."""
        return self.is_borrowed or (self.is_blind and not self._is_suffix(context.suffix))

    def _is_suffix(self, suffix: str) -> bool:
        """A suffix that was cut when it was evaluated says nothing of what comes behind it."""
        if self.is_cut:
            return suffix.startswith(self.suffix)
        return _suffix_window(suffix, self.budget_tokens) == self.suffix

    def found_again(self, context: CompletionContext, budget_tokens: int, *, is_open: bool) -> Anchor | None:
        """This anchor where its text stands now, if the cursor is there: text may have come in above it."""
        start = context.prefix.rfind(self.prefix) if self.prefix else -1
        if start < 0 or self.prepared_at < 0 or not self._has_same_suffix(context):
            return None
        moved = replace(self, start=start, prepared_at=self.prepared_at + start - self.start)
        return moved if moved.holds(context, budget_tokens, is_open=is_open) else None

    def split(self, context: CompletionContext) -> tuple[str, str]:
        """The text before the cursor: the prefix, and what stands between the anchor and the cursor."""
        end = len(context.prefix) if self.is_open else self.start + len(self.prefix)
        return context.prefix[self.start : end], context.prefix[end:]

    def is_due(self, context: CompletionContext) -> bool:
        """Whether to move it now that nobody types: so much was typed that it would have to move soon, or the
        text after the cursor is another one."""
        n_since = len(context.prefix) - self.prepared_at
        if self.prepared_at < 0 or not (self.is_blind or self._is_suffix(context.suffix)):
            return True
        if self.is_open:
            return n_since > self.budget_tokens * REST_SHARE
        return n_since > REST_TYPED_CHARS or self.split(context)[1].count("\n") >= MAX_TYPED_LINES

    def holds_at_rest(self, context: CompletionContext, is_open: bool) -> bool:
        """Whether there is nothing to prepare."""
        return self.holds(context, self.budget_tokens, is_open=is_open) and not self.is_due(context)

    def prepared(self, context: CompletionContext, shown: Shown) -> Anchor:
        """This anchor with what its prompt had when it was evaluated, and no more: that fits from now on,
        whatever is typed until the next rest."""
        end = len(context.prefix) - len(begun_word(context))
        start = max(self.start, end - shown.n_prefix) if shown.n_prefix else self.start
        is_blind = self.is_open and shown.n_prefix > 0 and not shown.n_suffix
        n_suffix = HEAD_CHARS if is_blind else shown.n_suffix
        snippets = self.snippets and tuple(self.snippets[index] for index in shown.snippets)
        return replace(
            self,
            start=start,
            prefix=context.prefix[start : min(end, start + HEAD_CHARS) if self.is_open else end],
            suffix=self.suffix[:n_suffix] if n_suffix else self.suffix,
            is_cut=self.is_cut or 0 < n_suffix < len(self.suffix),
            snippets=snippets,
            prepared_at=len(context.prefix),
            is_blind=is_blind,
        )

    def unread(self) -> Anchor:
        """As long as its prompt is still being evaluated."""
        return replace(self, prepared_at=-1)


def anchor_at_cursor(context: CompletionContext, budget_tokens: int, *, is_open: bool = False) -> Anchor:
    """A new anchor; its window is larger than the budget, which model/fim.py trims to exactly."""
    n_chars = budget_tokens * (OPEN_CHARS_PER_TOKEN if is_open else PREFIX_CHARS_PER_TOKEN)
    start = _window_start(context.prefix, n_chars)
    end = max(start, len(context.prefix) - len(begun_word(context)))
    return Anchor(
        start=start,
        prefix=context.prefix[start : min(end, start + HEAD_CHARS) if is_open else end],
        suffix=_suffix_window(context.suffix, budget_tokens),
        budget_tokens=budget_tokens,
        is_open=is_open,
    )


def follow(before: Anchor | None, anchor: Anchor) -> Anchor:
    """A new anchor after the document's last one. Of a blind one it borrows the snippets."""
    if before is None or not before.is_blind or before.budget_tokens != anchor.budget_tokens:
        return anchor
    return replace(anchor, snippets=before.snippets, is_borrowed=before.snippets is not None)


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
        self._left: OrderedDict[str, tuple[Anchor, ...]] = OrderedDict()  # a document's others, newest first
        self._epochs: OrderedDict[str, Epoch] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_uri)

    def copy(self) -> Anchors:
        """Others with the same anchors now."""
        others = Anchors(self._n_kept)
        others._by_uri |= self._by_uri
        others._left |= self._left
        others._epochs |= self._epochs
        return others

    def get(self, uri: str) -> Anchor | None:
        return self._by_uri.get(uri)

    def place(self, context: CompletionContext, budget_tokens: int, *, is_open: bool = False) -> Anchor:
        """The document's anchor if it still holds, else one that was left here, else a new one at the
        cursor."""
        uri = context.snapshot.uri
        anchor = self._by_uri.get(uri)
        if anchor is None or not anchor.holds(context, budget_tokens, is_open=is_open):
            anchor = self._turn_back(context, budget_tokens, is_open=is_open) or follow(
                anchor, anchor_at_cursor(context, budget_tokens, is_open=is_open)
            )
        self._keep(uri, anchor)
        return anchor

    def _turn_back(self, context: CompletionContext, budget_tokens: int, *, is_open: bool) -> Anchor | None:
        uri = context.snapshot.uri
        if (current := self._by_uri.get(uri)) is not None:
            self._leave(uri, current)
        for left in self._left.get(uri, ()):
            again = left.found_again(context, budget_tokens, is_open=is_open)
            if again is not None and again.snippets is not None:
                self._keep_epoch(uri, Epoch(again.snippets, is_new=False))
                return again
        return None

    def _leave(self, uri: str, anchor: Anchor) -> None:
        """The newest of each place."""
        if anchor.snippets is None or anchor.prepared_at < 0:
            return
        others = (left for left in self._left.pop(uri, ()) if left.suffix != anchor.suffix)
        self._left[uri] = (anchor, *others)[:N_PLACES]
        while len(self._left) > self._n_kept:
            self._left.popitem(last=False)

    def freeze_snippets(self, uri: str, anchor: Anchor, found: tuple[Snippet, ...]) -> Anchor:
        """The same anchor with the snippets that all of its prompts will have: those of the anchor before it
        in their places, and what was found now."""
        known = self._epochs.get(uri)
        epoch = begin(found) if known is None else known.follow(found, anchor.budget_tokens)
        frozen = replace(anchor, snippets=epoch.snippets)
        if self._by_uri.get(uri) is anchor:  # a newer request may have moved it during the search
            self._keep_epoch(uri, epoch)
            self._keep(uri, frozen)
        return frozen

    def put(self, uri: str, anchor: Anchor) -> None:
        """Moves the document's anchor. What it left out of its snippets does not come back by itself."""
        if anchor.snippets is not None:
            before = self._epochs.get(uri)
            is_new = before is None or (before.is_new and set(anchor.snippets) <= set(before.snippets))
            self._keep_epoch(uri, Epoch(anchor.snippets, is_new))
        if (before_it := self._by_uri.get(uri)) is not None and before_it.suffix != anchor.suffix:
            self._leave(uri, before_it)
        self._keep(uri, anchor)

    def lift(self, uri: str) -> None:
        """The next anchor is set anew; its snippets still follow those before."""
        self._by_uri.pop(uri, None)

    def end_epoch(self, uri: str) -> bool:
        """The next snippets are ordered by what is found alone. False: they are already."""
        epoch = self._epochs.get(uri)
        if epoch is None or epoch.is_new:
            return False
        del self._epochs[uri]
        return True

    def forget(self, uri: str) -> None:
        self._by_uri.pop(uri, None)
        self._left.pop(uri, None)
        self._epochs.pop(uri, None)

    def clear(self) -> None:
        self._by_uri.clear()
        self._left.clear()
        self._epochs.clear()

    def _keep_epoch(self, uri: str, epoch: Epoch) -> None:
        self._epochs[uri] = epoch
        self._epochs.move_to_end(uri)
        while len(self._epochs) > self._n_kept:
            self._epochs.popitem(last=False)

    def _keep(self, uri: str, anchor: Anchor) -> None:
        self._by_uri[uri] = anchor
        self._by_uri.move_to_end(uri)
        while len(self._by_uri) > self._n_kept:
            self._by_uri.popitem(last=False)
