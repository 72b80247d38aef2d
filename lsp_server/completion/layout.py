"""The order of what a prompt shows, so that consecutive prompts begin alike.

Runs in the session. Pure. Must not know tokens, model families or the index: sizes are in characters.

Two layouts. While a person types, the snippets of a document are an epoch: what was shown stays in its place
(`Epoch.follow`), what is new is appended, and the order is redone (`begin`) at a pause or when too much of it
is stale. A long prompt (`lengthen`) is asked for by hand: pieces of the workspace in an order that does not
depend on the cursor, then the far parts of the file itself, then what depends on the cursor, which is kept to
a few hundredths of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from lsp_server.types import Snippet
from model.protocol import FimPrompt, PromptSnippet

LONG_TOKENS = 16_384  # from this budget on a prompt is a long one
CHARS_PER_TOKEN = 3.4  # of code; the exact trimming is model/prompt.py's
BULK_CHARS_PER_TOKEN = 4.0  # more than any code has, so that a long prompt is filled

STALE_SHARE = 0.5  # of an epoch's lines that nobody would choose any more: the order is redone
STALE_AT_REST = 0.25  # at a pause, where redoing it keeps nobody waiting
EPOCH_CHARS_PER_TOKEN = 3  # of the budget: with more snippets than a prompt could hold, too

WINDOW_SHARE = 0.009  # of a long budget stands right before the cursor, and up to a step more
BELOW_SHARE = 0.005  # right after it
NEAR_SHARE = 0.01  # of a long budget are signatures that depend on the cursor
STEP_SHARE = 0.008  # the windows' ends move in steps of this
FAR_SHARE = 0.25  # of a long budget for the rest of the file, above and below
LEAST_WINDOW = 256  # tokens
PIECE_CHARS = 1600


@dataclass(frozen=True, slots=True)
class Epoch:
    """The snippets of one document in an order that is only appended to. `is_new`: nothing was yet."""

    snippets: tuple[Snippet, ...] = ()
    is_new: bool = True

    def follow(self, found: Sequence[Snippet], budget_tokens: int) -> Epoch:
        """With what was found now: the same order with the new lines at its end, or a new epoch. What was
        shown and is not wanted now costs nothing where it stands: it is in the KV cache."""
        if not found:
            return self
        seen = {line for item in self.snippets for line in _lines(item)}
        wanted = {line for item in found for line in _lines(item)}
        fresh = [item for rank, snippet in enumerate(found) if (item := _unseen(snippet, seen, rank))]
        snippets = (*self.snippets, *fresh)
        is_full = _n_chars(snippets) > budget_tokens * EPOCH_CHARS_PER_TOKEN
        if is_full or len(seen - wanted) > len(seen) * STALE_SHARE:
            return begin(found)
        return Epoch(snippets, is_new=self.is_new and not fresh)


def begin(found: Sequence[Snippet]) -> Epoch:
    """An order by what was found alone."""
    return Epoch(tuple(replace(item, rank=rank) for rank, item in enumerate(found)))


def is_gain(shown: Sequence[Snippet], found: Sequence[Snippet]) -> bool:
    """Whether it pays to evaluate what was found now instead of what is shown: it has lines that are not
    shown, or much of what is shown is stale."""
    seen = {line for item in shown for line in _lines(item)}
    wanted = {line for item in found for line in _lines(item)}
    return bool(wanted - seen) or len(seen - wanted) > len(seen) * STALE_AT_REST


def _lines(item: Snippet) -> Iterator[tuple[str, str]]:
    return ((item.path, line) for line in item.text.splitlines())


def _unseen(snippet: Snippet, seen: set[tuple[str, str]], rank: int) -> Snippet | None:
    """The lines that are not shown yet; of a class whose members are new also its first line."""
    lines: list[str] = []
    owner = ""
    for line in snippet.text.splitlines():
        is_member = line[:1].isspace()
        owner = owner if is_member else line
        if (snippet.path, line) not in seen:
            lines += [owner] if is_member and owner and owner not in lines else []
            lines.append(line)
    return replace(snippet, text="\n".join(lines), rank=rank) if lines else None


def _n_chars(snippets: Sequence[Snippet]) -> int:
    return sum(len(item.text) for item in snippets)


# --- long prompts -------------------------------------------------------------------------------------------


def near_chars(budget_tokens: int) -> int:
    """How much may depend on the cursor's very place."""
    return int(NEAR_SHARE * budget_tokens * CHARS_PER_TOKEN)


def window_start(prefix: str, budget_tokens: int) -> int:
    """Where the text right before the cursor begins: a line without indentation, in coarse steps."""
    return _coarse_start(prefix, *_sizes(WINDOW_SHARE, budget_tokens))


def _sizes(share: float, budget_tokens: int) -> tuple[int, int]:
    least = LEAST_WINDOW * (share / WINDOW_SHARE)
    n_chars = int(max(share * budget_tokens, least) * CHARS_PER_TOKEN)
    return n_chars, int(STEP_SHARE * budget_tokens * CHARS_PER_TOKEN)


def _coarse_start(text: str, n_chars: int, step: int) -> int:
    """The start of a definition, else of a line, at the last multiple of `step` that leaves `n_chars`."""
    at = (len(text) - n_chars) // step * step
    return _boundary(text, at, at + step) if at > 0 else 0


def _boundary(text: str, start: int, end: int) -> int:
    """The first start of a line without indentation in a range, else of a line, else `start`."""
    line = first = text.find("\n", start, end) + 1
    while 0 < line < end:
        if text[line : line + 1].isalnum() or text[line : line + 1] in "@#/_":
            return line
        line = text.find("\n", line, end) + 1
    return first or start


def _below_end(suffix: str, budget_tokens: int) -> int:
    """Where the text right after the cursor ends. Counted from the file's end, which does not move."""
    n_chars, step = _sizes(BELOW_SHARE, budget_tokens)
    rest = (len(suffix) - n_chars) // step * step
    return _boundary(suffix, len(suffix) - rest, len(suffix) - rest + step) if rest > 0 else len(suffix)


def lengthen(prompt: FimPrompt, workspace: Sequence[Snippet], budget_tokens: int) -> FimPrompt:
    """The prompt with the workspace before it. Its own snippets are what depends on the cursor: they come
    last, file by file, and are the last to go; the rest of its file comes before them. What has no positive
    rank is counted together: a line that moves from the window to the far parts changes nothing else."""
    start = window_start(prompt.prefix, budget_tokens)
    end = _below_end(prompt.suffix, budget_tokens)
    far = _far(prompt, start, end, budget_tokens)
    n_first = len(prompt.snippets) + len(far)
    return replace(
        prompt,
        prefix=prompt.prefix[start:],
        suffix=prompt.suffix[:end],
        snippets=(
            *(PromptSnippet(item.path, item.text, item.rank + n_first + 1) for item in workspace),
            *(PromptSnippet(prompt.path, text, distance - len(far)) for distance, text in far),
            *(replace(item, rank=-len(far) - 1) for item in sorted(prompt.snippets, key=attrgetter("path"))),
        ),
    )


def _far(prompt: FimPrompt, start: int, end: int, budget_tokens: int) -> list[tuple[int, str]]:
    """The file above the window and below it, in pieces with how far off they are."""
    n_chars, step = (
        int(FAR_SHARE * budget_tokens * CHARS_PER_TOKEN),
        int(budget_tokens * CHARS_PER_TOKEN / 16),
    )
    top = _coarse_start(prompt.prefix[:start], n_chars // 2, step)
    above = list(_pieces(prompt.prefix[top:start]))
    below = list(_pieces(prompt.suffix[end : end + n_chars // 2]))
    distances = [*range(len(above) - 1, -1, -1), *range(len(below))]
    return list(zip(distances, (*above, *below), strict=True))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = len(text)
        if end - at > PIECE_CHARS:
            end = _boundary(text, at + PIECE_CHARS // 2, at + 2 * PIECE_CHARS)
        yield text[at:end]
        at = end
