"""How a prompt's tokens are shared among snippets, prefix and suffix, and where the prefix is cut.

Pure arithmetic over lines and their token counts; runs in the session. Must not know families or sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final
from zlib import crc32

SUFFIX_SHARE: Final = 0.25  # the suffix says where to stop; what is far below the cursor says little more
MOST_SNIPPETS: Final = 0.75  # of the room, where somebody says how many tokens of context there should be
SNIPPET_SHARE: Final = (
    0.45  # definitions from elsewhere must leave the near prefix, worth most, more than half
)
START_SLACK: Final = (
    0.25  # of the prefix's room: how far the start may stay behind the oldest line that would fit
)
STEPS: Final = 24  # rooms change in steps of this fraction of the budget, not with every token that is typed
LONG: Final = 16_384  # tokens: a longer budget is for the workspace
LONG_STEPS: Final = 64  # of a long budget the same fraction would be a file left out
AROUND_STEPS: Final = 24  # but one such step is more than all that follows the cursor in a long prompt


@dataclass(frozen=True, slots=True)
class Need:
    """What could be shown: lines in the order of the file, snippets in the order of the prompt."""

    prefix: Sequence[str]
    prefix_counts: Sequence[int]
    suffix_counts: Sequence[int]
    snippet_counts: Sequence[int]
    snippet_ranks: Sequence[int] = ()  # the smallest are shown rather; without them the order says so
    context_tokens: int = 0  # at most are snippets; 0: as many as there is room for


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown: the prefix from line `start` on, `n_suffix` lines of the suffix, these snippets."""

    start: int
    n_suffix: int
    snippets: tuple[int, ...]


def step(budget: int) -> int:
    return max(1, budget // (STEPS if budget < LONG else LONG_STEPS))


def round_up(n_tokens: int, size: int) -> int:
    return -(-n_tokens // size) * size


def share(need: Need, room: int, size: int) -> Plan:
    """Suffix and snippets up to their caps, then the prefix; what is left goes to suffix, then snippets."""
    n_suffix = count_fitting(need.suffix_counts, int(room * SUFFIX_SHARE))
    suffix = sum(need.suffix_counts[:n_suffix])
    snippets = _choose(need, _snippet_room(need, room), size)
    start = pick_start(need.prefix, need.prefix_counts, room - suffix - _total(need, snippets))
    if start > 0:
        return Plan(start, n_suffix, snippets)
    spare = room - suffix - _total(need, snippets) - sum(need.prefix_counts)
    n_suffix = count_fitting(need.suffix_counts, suffix + spare // size * size)
    spare -= sum(need.suffix_counts[:n_suffix]) - suffix
    if room >= LONG and not need.context_tokens:
        around = sum(need.prefix_counts) + sum(need.suffix_counts[:n_suffix])
        return Plan(
            0, n_suffix, choose(need.snippet_counts, room, need.snippet_ranks, room // AROUND_STEPS, around)
        )
    least = _total(need, snippets)
    return Plan(0, n_suffix, _choose(need, max(least, (least + spare) // size * size), size))


def _snippet_room(need: Need, room: int) -> int:
    """Who limits the context says how much there should be; the file itself keeps a quarter."""
    if need.context_tokens:
        return min(need.context_tokens, int(room * MOST_SNIPPETS))
    return int(room * SNIPPET_SHARE)


def _choose(need: Need, room: int, size: int) -> tuple[int, ...]:
    room = min(room, need.context_tokens or room)
    return choose(need.snippet_counts, room, need.snippet_ranks, size)


def _total(need: Need, snippets: Sequence[int]) -> int:
    return sum(need.snippet_counts[index] for index in snippets)


def count_fitting(counts: Sequence[int], room: int) -> int:
    """How many of the first lines fit."""
    return sum(total <= room for total in accumulate(counts))


def choose(
    counts: Sequence[int], room: int, ranks: Sequence[int] = (), size: int = 1, around: int = 0
) -> tuple[int, ...]:
    """Whole snippets, those of the smallest rank first, in their order. One that is too large is left out for
    smaller ones after it. Snippets of no positive rank change with the cursor, as does what stands `around`
    it: so that the others do not change with them, they are counted together, in whole steps."""
    ranks = ranks or range(1, len(counts) + 1)
    chosen: list[int] = []
    first = around
    for index in sorted(range(len(counts)), key=ranks.__getitem__):
        used = round_up(first, size) if ranks[index] > 0 else first
        if used + counts[index] <= room:
            chosen.append(index)
            if ranks[index] > 0:
                room -= counts[index]
            else:
                first += counts[index]
    return tuple(sorted(chosen))


def pick_start(lines: Sequence[str], counts: Sequence[int], room: int) -> int:
    """The first line to keep, so that the kept lines fit and the choice outlives many keystrokes.

    Among the lines that could be the start, the one with the smallest key wins (a minimizer: Roberts et al.,
    2004). The key depends on the line alone, so the start stays put while text grows below it, and after an
    edit above it, until it no longer fits. Lines without indentation come first: a definition is a better
    start than its middle.
    """
    oldest = len(lines) - count_fitting(counts[::-1], room)
    if oldest == 0:
        return 0
    slack, start = int(room * START_SLACK), oldest
    while start < len(lines) - 1 and slack >= counts[start]:
        slack -= counts[start]
        start += 1
    candidates = range(oldest, min(start + 1, len(lines)))
    return min(candidates, key=lambda index: _key(lines[index]), default=len(lines))


def _key(line: str) -> tuple[bool, int]:
    text = line.strip("\r\n")
    return text[:1].isspace() or not text, crc32(text.encode("utf-8", "replace"))
