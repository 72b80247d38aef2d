"""Typing traces: how a person would type a part of a file again, key by key, from a text and a seed.

Pure. Intervals are log-normal with pauses at the ends of words and lines, and long ones before a jump; some
characters are mistyped, noticed a little later and corrected; where two parts are typed, the cursor goes to
and fro. Replaying all keys gives the original text. Must not know editors, servers or models.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lsp_server.types import Span

MEDIAN_S = 0.13  # between two keys within a word
SPREAD = 0.45  # of its logarithm
PAUSE_AT_WORD = 0.06  # how often a person stops to think, and for how long
PAUSE_AT_LINE = 0.3
PAUSE_S = (0.3, 1.1)
JUMP_S = (0.4, 1.0)
SLIP = 0.015  # of the characters are mistyped
MAX_UNNOTICED = 3
NOTHING = Span(0, 0)
_NEIGHBOURS = "qwertyuiopasdfghjklzxcvbnm"
_STROKE = re.compile(r"\n[ \t]*|.", re.DOTALL)  # editors indent a new line by themselves


@dataclass(frozen=True, slots=True)
class Key:
    """One key, `gap_s` after the one before: replaces `n_removed` characters at `offset` by `text`. A jump
    changes nothing but the cursor, which stands at `offset` afterwards. `left` is what of the whole text is
    still to be typed there; empty while something wrong stands before the cursor."""

    gap_s: float
    offset: int
    text: str = ""
    n_removed: int = 0
    left: Span = NOTHING

    @property
    def is_jump(self) -> bool:
        return not self.text and not self.n_removed

    @property
    def cursor(self) -> int:
        return self.offset + len(self.text)

    def applied(self, text: str) -> str:
        return text[: self.offset] + self.text + text[self.offset + self.n_removed :]


@dataclass(frozen=True, slots=True)
class Script:
    """A file as it stands before, and the keys that complete it to `whole`."""

    path: str
    whole: str
    start: str
    cursor: int
    keys: tuple[Key, ...]


def write_script(path: str, whole: str, holes: Sequence[Span], rng: random.Random) -> Script:
    """The holes, which do not overlap, are typed again: the first one in two parts, the others between."""
    parts = _order(whole, holes, rng)
    sheet = _Sheet(whole, sorted(holes), rng)
    start, cursor = sheet.text, sheet.cursor_of(parts[0][0])
    keys = tuple(key for hole, end in parts for key in sheet.type_until(hole, end))
    return Script(path, whole, start, cursor, keys)


def cut(script: Script, n_keys: int) -> Script:
    return replace(script, keys=script.keys[:n_keys])


def _order(whole: str, holes: Sequence[Span], rng: random.Random) -> list[tuple[int, int]]:
    """Which hole is typed up to which offset of the whole text, in turn."""
    ordered = sorted(holes)
    ends = [(number, hole.end) for number, hole in enumerate(ordered)]
    if len(ends) < 2:
        return ends
    first = rng.randrange(len(ends))
    begun = ordered[first]
    middle = whole.find("\n", begun.start + len(begun) // 2, begun.end)
    halves = [(first, middle)] if middle > begun.start else []
    return [*halves, *(end for end in ends if end[0] != first), ends[first]]


class _Sheet:
    """What has been typed so far."""

    def __init__(self, whole: str, holes: Sequence[Span], rng: random.Random) -> None:
        self._whole, self._holes, self._rng = whole, holes, rng
        self._typed = [hole.start for hole in holes]  # up to where, as offsets of the whole text
        self._current = -1
        self._think_s = 0.0

    @property
    def text(self) -> str:
        """With every hole open from where it was typed to."""
        pieces, at = [], 0
        for hole, typed in zip(self._holes, self._typed, strict=True):
            pieces.append(self._whole[at:typed])
            at = hole.end
        return "".join([*pieces, self._whole[at:]])

    def cursor_of(self, number: int) -> int:
        open_before = sum(
            hole.end - typed for hole, typed in zip(self._holes[:number], self._typed[:number], strict=True)
        )
        return self._typed[number] - open_before

    def type_until(self, number: int, end: int) -> Iterator[Key]:
        if self._current not in (-1, number):
            yield Key(self._rng.uniform(*JUMP_S), self.cursor_of(number), left=self._left(number))
        self._current = number
        for stroke in _STROKE.findall(self._whole, self._typed[number], end):
            if stroke.isalpha() and self._rng.random() < SLIP:
                yield from self._slip(number, end)
            gap_s, cursor = self._gap_s(), self.cursor_of(number)
            self._typed[number] += len(stroke)
            yield Key(gap_s, cursor, stroke, left=self._left(number))
            self._think_s = self._pause_after(stroke)

    def _slip(self, number: int, end: int) -> Iterator[Key]:
        """A wrong key, perhaps some right ones behind it, then back to before it."""
        at = self._typed[number]
        rest = self._whole[at + 1 : min(at + 1 + self._rng.randint(0, MAX_UNNOTICED), end)]
        wrong = self._rng.choice(_NEIGHBOURS.replace(self._whole[at].lower(), ""))
        struck = wrong + rest.partition("\n")[0]
        cursor = self.cursor_of(number)
        for index, character in enumerate(struck):
            yield Key(self._gap_s(), cursor + index, character)
        for index in reversed(range(1, len(struck))):
            yield Key(self._gap_s(), cursor + index, "", 1)
        yield Key(self._gap_s(), cursor, "", 1, self._left(number))

    def _left(self, number: int) -> Span:
        return Span(self._typed[number], self._holes[number].end)

    def _gap_s(self) -> float:
        gap_s = self._rng.lognormvariate(math.log(MEDIAN_S), SPREAD) + self._think_s
        self._think_s = 0.0
        return round(gap_s, 4)

    def _pause_after(self, stroke: str) -> float:
        if stroke[-1].isalnum():
            return 0.0
        share = PAUSE_AT_LINE if stroke[0] == "\n" else PAUSE_AT_WORD
        return self._rng.uniform(*PAUSE_S) if self._rng.random() < share else 0.0
