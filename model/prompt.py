"""Builds the prompt that is posted: trims a `FimPrompt` to a number of tokens, lays it out, tokenises it.

Runs in the session, behind `ModelClient.build_prompt`. Must not know HTTP or any one model family.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby
from operator import attrgetter
from typing import Final

from model.budget import Need, Plan, round_up, share, step
from model.fim import Order, Segment, fill_snippet, layout
from model.protocol import (
    FimPrompt,
    ModelRefused,
    PromptSnippet,
    SegmentKind,
    Shown,
    TokenPrompt,
    TokenSegment,
)
from model.tokens import MAX_LINE_CHARS, Ids, Tokenizer

CHARS_PER_TOKEN: Final = (
    8  # looked at: twice what code has on average, so the window is never what limits a prompt
)
FIRST_CHARS_PER_TOKEN: Final = 3.0  # of snippets are tokenised at first, more when they were too few
LEAST_WAVE: Final = 4096  # characters
LEAST_TEXT: Final = 0.25  # of the budget: with less room for code, header and path are left out
FINE_CHARS: Final = 16  # pieces of the line at the cursor when the whole line does not fit


async def build_prompt(tokenizer: Tokenizer, prompt: FimPrompt, budget: int) -> TokenPrompt:
    """A prompt of at most `budget` tokens. The ids before what is being typed seldom change."""
    for less in _ever_less(prompt):
        work = _Work(tokenizer, less, budget)
        room = await work.measure()
        if room >= budget * LEAST_TEXT:
            break
    if room <= 0:
        raise ModelRefused(
            f"{budget} tokens are too few for any prompt: set completion.prompt_tokens higher."
        )
    return await work.finish(room)


def _ever_less(prompt: FimPrompt) -> Iterator[FimPrompt]:
    """Without header and path; then with what was typed as the end of the prefix, where it can be cut."""
    yield prompt
    bare = replace(prompt, path="", snippets=())
    yield bare
    yield replace(bare, prefix=prompt.prefix + prompt.middle, middle="")


def tail(text: str, n_chars: int) -> str:
    """About the last `n_chars`, from the start of a line, or of a piece of a long line."""
    start = len(text) - n_chars
    if start <= 0:
        return text
    line = text.rfind("\n", 0, start) + 1
    piece = line + round_up(start - line, MAX_LINE_CHARS)
    newline = text.find("\n", start, piece)
    return text[newline + 1 if newline >= 0 else piece :]


def _joined(snippets: Iterable[PromptSnippet]) -> Iterator[PromptSnippet]:
    """Neighbours of the same file under one path."""
    for path, group in groupby(snippets, attrgetter("path")):
        yield PromptSnippet(path, "\n".join(snippet.text.removesuffix("\n") for snippet in group))


class _Work:
    """One prompt on its way."""

    def __init__(self, tokenizer: Tokenizer, prompt: FimPrompt, budget: int) -> None:
        self.tokenizer, self.budget, self.row = tokenizer, budget, tokenizer.family
        if self.row.joins_middle:
            prompt = replace(prompt, prefix=prompt.prefix + prompt.middle, middle="")
        self.prompt = prompt
        self.ids: dict[str, Ids] = {}
        self.prefix = tokenizer.lines(tail(prompt.prefix, budget * CHARS_PER_TOKEN))
        has_suffix = self.row.order is not Order.PREFIX_ONLY
        self.suffix = tokenizer.lines(prompt.suffix[: budget * CHARS_PER_TOKEN]) if has_suffix else []
        self.snippets = self._fill_snippets()
        ranks = [snippet.rank for snippet in prompt.snippets]
        self.waiting = deque(sorted(range(len(self.snippets)), key=ranks.__getitem__))

    def _fill_snippets(self) -> list[tuple[Segment, ...]]:
        if not (self.row.repository and self.prompt.path and "{snippets}" in self.row.repository):
            return []
        return [fill_snippet(self.row, snippet) for snippet in self.prompt.snippets]

    async def measure(self) -> int:
        """Tokenises all that may be shown. Returns what control tokens, header, path and middle leave."""
        frame = layout(self.row, replace(self.prompt, prefix="", suffix="", snippets=()))
        wave = self._next_wave(int(self.budget * FIRST_CHARS_PER_TOKEN))
        await self._encode(
            [*self.prefix, *self.suffix, *self._lines_of(frame), *self._lines_of_snippets(wave)]
        )
        await self._measure_more(wave)
        n_middle = self._count(part for part in frame if part.kind is SegmentKind.MIDDLE)
        room = self.budget - self._count(frame)
        rounded = room - (round_up(n_middle, step(self.budget)) - n_middle)
        return rounded if rounded > self.budget // 2 else room

    async def _measure_more(self, wave: Sequence[int]) -> None:
        """Wave by wave, the likeliest first, until there is more than the budget could show."""
        n_chars = n_tokens = 0
        while wave:
            n_chars += sum(map(self._n_chars, wave))
            n_tokens += sum(self._count(self.snippets[index]) for index in wave)
            missing = self.budget - n_tokens
            wave = self._next_wave(missing * n_chars // max(n_tokens, 1) + LEAST_WAVE) if missing > 0 else []
            await self._encode(self._lines_of_snippets(wave))

    def _next_wave(self, n_chars: int) -> list[int]:
        wave: list[int] = []
        while self.waiting and n_chars > 0:
            wave.append(self.waiting.popleft())
            n_chars -= self._n_chars(wave[-1])
        return wave

    def _n_chars(self, index: int) -> int:
        return sum(len(part.text) for part in self.snippets[index])

    def _lines_of_snippets(self, indexes: Iterable[int]) -> Iterator[str]:
        return self._lines_of(chain.from_iterable(self.snippets[index] for index in indexes))

    def _lines_of(self, parts: Iterable[Segment]) -> Iterator[str]:
        texts = (part.text for part in parts if not part.is_control)
        return chain.from_iterable(map(self.tokenizer.known_lines, texts))

    async def _encode(self, lines: Iterable[str]) -> None:
        self.ids |= await self.tokenizer.encode(line for line in lines if line not in self.ids)

    async def finish(self, room: int) -> TokenPrompt:
        await self._cut_long_line(room)
        need = Need(
            self.prefix,
            [len(self.ids[line]) for line in self.prefix],
            [len(self.ids[line]) for line in self.suffix],
            self._snippet_counts(),
            [snippet.rank for snippet in self.prompt.snippets],
            self.prompt.context_tokens,
        )
        plan = share(need, room, step(self.budget))
        result = await self._tokenise(plan)
        while len(result.ids) > self.budget and plan.start < len(self.prefix):
            plan = replace(plan, start=plan.start + 1)
            result = await self._tokenise(plan)
        return result

    def _snippet_counts(self) -> list[int]:
        """Those that were not measured do not fit."""
        unmeasured = set(self.waiting)
        return [
            self.budget + 1 if index in unmeasured else self._count(snippet)
            for index, snippet in enumerate(self.snippets)
        ]

    async def _cut_long_line(self, room: int) -> None:
        if self.prefix and len(self.ids[self.prefix[-1]]) > room // 2:
            line = self.prefix.pop()
            self.prefix += [line[at : at + FINE_CHARS] for at in range(0, len(line), FINE_CHARS)]
            await self._encode(self.prefix)

    async def _tokenise(self, plan: Plan) -> TokenPrompt:
        shown = replace(
            self.prompt,
            prefix="".join(self.prefix[plan.start :]),
            suffix="".join(self.suffix[: plan.n_suffix]),
            snippets=tuple(_joined(self.prompt.snippets[index] for index in plan.snippets)),
        )
        segments = [(segment, self._lines(segment, plan)) for segment in layout(self.row, shown)]
        await self._encode(line for _, lines in segments for line in lines)
        finished = tuple(self._finished(segment, lines) for segment, lines in segments)
        n_prefix = len(shown.prefix) + len(shown.middle)
        return TokenPrompt(finished, shown=Shown(n_prefix, len(shown.suffix), plan.snippets))

    def _lines(self, segment: Segment, plan: Plan) -> Sequence[str]:
        """The prefix and the suffix keep the cuts that were counted."""
        if segment.is_control:
            return ()
        kept = self.prefix[plan.start :]
        if segment.kind is SegmentKind.PREFIX and kept:
            lead = segment.text[: len(segment.text) - sum(map(len, kept))]
            return (lead + kept[0], *kept[1:])
        if segment.kind is SegmentKind.SUFFIX:
            return self.suffix[: plan.n_suffix]
        return self.tokenizer.known_lines(segment.text)

    def _finished(self, segment: Segment, lines: Iterable[str]) -> TokenSegment:
        if segment.is_control:
            ids: Ids = (self.tokenizer.control_ids[segment.text],)
        else:
            ids = tuple(chain.from_iterable(self.ids[line] for line in lines))
        return TokenSegment(segment.kind, segment.path, segment.text, ids)

    def _count(self, segments: Iterable[Segment]) -> int:
        return sum(1 if part.is_control else self._count_text(part.text) for part in segments)

    def _count_text(self, text: str) -> int:
        return sum(len(self.ids[line]) for line in self.tokenizer.known_lines(text))
