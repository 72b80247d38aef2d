"""What other completion tools would post for a place in a file: facts of their sources, in our own code.

Pure. Read for this project in their source as of 2026: llama.vim with llama-server's `/infill`, Continue,
TabbyML's agent and server. Prompts are in prefix-suffix-middle order with the model's own control tokens
where it has them. Decoding is greedy for all, which none of them does but which makes runs comparable. Must
not know when anything is asked, or how.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Ids = Sequence[int]

# llama.vim: lines around the cursor, and llama-server's batch as its documentation starts it.
N_PREFIX_LINES, N_SUFFIX_LINES = 256, 64
N_INFILL_BATCH = 1024
N_INFILL_PREDICT = 128
MAX_RIGHT_CHARS = 8
# Continue
CONTINUE_TOKENS, CONTINUE_PREFIX, CONTINUE_SUFFIX = 1024, 0.3, 0.2
# Tabby
TABBY_CHARS, TABBY_SNIPPET_CHARS, TABBY_CHUNK_CHARS = 1536, 768, 500
TABBY_QUERY_LINES = 20

_PREFIX_NAMES = ("<|fim_prefix|>", "<fim_prefix>", "<PRE>", "▁<PRE>", "<｜fim▁begin｜>", "[PREFIX]")
_SUFFIX_NAMES = ("<|fim_suffix|>", "<fim_suffix>", "<SUF>", "▁<SUF>", "<｜fim▁hole｜>", "[SUFFIX]")
_MIDDLE_NAMES = ("<|fim_middle|>", "<fim_middle>", "<MID>", "▁<MID>", "<｜fim▁end｜>", "[MIDDLE]")
_WORD = re.compile(r"\w{2,}")


@dataclass(frozen=True, slots=True)
class Controls:
    """The three control tokens, each empty where the vocabulary has none."""

    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()
    middle: tuple[int, ...] = ()

    @classmethod
    def of(cls, ids: Mapping[str, int]) -> Controls:
        def first(names: Sequence[str]) -> tuple[int, ...]:
            return next(((ids[name],) for name in names if name in ids), ())

        return cls(first(_PREFIX_NAMES), first(_SUFFIX_NAMES), first(_MIDDLE_NAMES))

    def psm(self, before: Ids, after: Ids, middle: Ids = (), extra: Ids = ()) -> list[int]:
        return [*extra, *self.prefix, *before, *self.suffix, *after, *self.middle, *middle]


@dataclass(frozen=True, slots=True)
class Around:
    """The text around a cursor as llama.vim cuts it: whole lines before, the cursor's line, lines after."""

    before: str
    line: str
    after: str

    @property
    def is_in_line(self) -> bool:
        """So much text stands right of the cursor that nothing is asked."""
        return len(self.after.partition("\n")[0]) > MAX_RIGHT_CHARS


def look_around(text: str, cursor: int) -> Around:
    start = text.rfind("\n", 0, cursor) + 1
    before = text[:start].splitlines(keepends=True)[-N_PREFIX_LINES:]
    after = text[cursor:].splitlines(keepends=True)[: N_SUFFIX_LINES + 1]
    return Around("".join(before), text[start:cursor], "".join(after))


def infill(before: Ids, line: Ids, after: Ids, extra: Ids, n_ctx: int, controls: Controls) -> list[int]:
    """As llama-server's `/infill` budgets it: three quarters of a batch before the cursor, one behind it, the
    remainder of the context for other files' chunks."""
    n_batch = min(N_INFILL_BATCH, n_ctx // 2)
    n_after = max(0, min(len(after), n_batch // 4 - (2 + len(line))))
    n_before = min(len(before), 3 * (n_batch // 4))
    n_extra = max(0, min(len(extra), n_ctx - n_batch - 2 * N_INFILL_PREDICT))
    return controls.psm(
        before[len(before) - n_before :], after[:n_after], line, extra[len(extra) - n_extra :]
    )


def pick_chunk(text: str, line: int, rng: random.Random) -> str:
    """llama.vim's ring: of 64 lines around a place, 32 that chance picks."""
    near = text.splitlines(keepends=True)[max(0, line - 32) : line + 32]
    start = rng.randint(0, max(0, len(near) - 32))
    return "".join(near[start : start + 32])


def overlap(one: str, other: str) -> float:
    """Jaccard's index of lines."""
    a, b = set(one.splitlines()), set(other.splitlines())
    return len(a & b) / len(a | b) if a | b else 0.0


def continue_prompt(
    before: Ids, after: Ids, snippets: Sequence[Ids], controls: Controls, rng: random.Random
) -> list[int]:
    """Continue: shares of 1024 tokens; snippets of other files in an order that is drawn for each request."""
    n_before = min(len(before), int(CONTINUE_TOKENS * CONTINUE_PREFIX))
    n_after = min(len(after), int(CONTINUE_TOKENS * CONTINUE_SUFFIX))
    left = CONTINUE_TOKENS - n_before - n_after
    shown: list[int] = []
    for snippet in rng.sample(snippets, len(snippets)):
        if len(snippet) <= left:
            shown += snippet
            left -= len(snippet)
    return controls.psm([*shown, *before[len(before) - n_before :]], after[:n_after])


def chunks_of(text: str, size: int) -> list[str]:
    """Whole lines, so many characters at most."""
    chunks = [""]
    for line in text.splitlines(keepends=True):
        if chunks[-1] and len(chunks[-1]) + len(line) > size:
            chunks.append("")
        chunks[-1] += line[:size]
    return [chunk for chunk in chunks if chunk.strip()]


def tabby_texts(text: str, cursor: int, others: Sequence[str]) -> tuple[str, str]:
    """Tabby: (what stands before the cursor, what stands behind it). Snippets that share words with the
    lines around the cursor go before the prefix as comments; all is clipped at its beginning."""
    near = text[:cursor].splitlines()[-TABBY_QUERY_LINES:]
    query = set(_WORD.findall("\n".join(near)))
    ranked = sorted(others, key=lambda chunk: -len(query & set(_WORD.findall(chunk))))
    snippets = ""
    for chunk in ranked:
        comment = "".join(f"# {line}\n" for line in chunk.splitlines())
        if query & set(_WORD.findall(chunk)) and len(snippets) + len(comment) <= TABBY_SNIPPET_CHARS:
            snippets += comment
    after = text[cursor : cursor + TABBY_CHARS // 4]
    before = snippets + _tail(text[:cursor], TABBY_CHARS - len(after) - len(snippets))
    return before, after


def _tail(text: str, size: int) -> str:
    return text[max(0, len(text) - size) :]


def count_gaps(times: Sequence[float]) -> float:
    """The mean of the last intervals, in seconds; Tabby waits by it."""
    gaps = [later - earlier for earlier, later in pairwise(times)][-10:]
    return sum(gaps) / len(gaps) if gaps else 0.0
