"""Loops, which small models fall into: the same line, the same lines, the same words again and again."""

from __future__ import annotations

import re

from lsp_server.completion.context import CompletionContext
from lsp_server.types import NoCompletion, Reason

MAX_PERIOD_LINES = 3
MIN_REPEATS = 3
_WORD_LOOP = re.compile(r"([^\n]{4,60}?)\1{2,}")
_LETTERS = re.compile(r"[^\W\d_]")
_WORDY = re.compile(r"\w.*\w.*\w")


def is_telling(line: str) -> bool:
    """A line that is not written twice by chance, as `}`, `];` or an empty one are."""
    return bool(_WORDY.search(line))


def find_loop(text: str) -> int | None:
    """Where the first repeat begins."""
    found = [end for end in (_loop_of_lines(text), _loop_of_words(text)) if end is not None]
    return min(found, default=None)


def is_looping(text: str) -> bool:
    """Whether a loop has begun at the end of a growing text; its older lines were looked at before."""
    last_line = text[text.rfind("\n") + 1 :]
    return _loop_of_words(last_line) is not None or _loop_of_lines(text) is not None


def _loop_of_lines(text: str) -> int | None:
    """One to three lines that come three times in a row: the end of their first time."""
    lines = text.split("\n")
    keys = [line.strip() for line in lines]
    for period in range(1, MAX_PERIOD_LINES + 1):
        for start in range(len(lines) - period * MIN_REPEATS + 1):
            unit = keys[start : start + period]
            if any(map(is_telling, unit)) and keys[start:][: period * MIN_REPEATS] == unit * MIN_REPEATS:
                return len("\n".join(lines[: start + period]))
    return None


def _loop_of_words(text: str) -> int | None:
    """The same few words three times in a row within a line: the end of their first time."""
    for match in _WORD_LOOP.finditer(text):
        if len(_LETTERS.findall(match.group(1))) >= 2:
            return match.end(1)
    return None


def cut_loop(text: str, context: CompletionContext) -> str | NoCompletion:
    """What loops is shown once. A text that begins with a loop inside of a line is worth nothing."""
    loop = find_loop(text)
    if loop is None:
        return text
    kept = text[:loop]
    words = _WORD_LOOP.match(text.lstrip())
    if words and kept.strip() == words.group(1).strip():
        return NoCompletion(Reason.REPETITION, "the model repeats itself")
    return kept


def reject_echo(text: str, context: CompletionContext) -> str | NoCompletion:
    """The suggestion is what stands right above it."""
    lines = [line.strip() for line in (context.line_before + text).split("\n") if line.strip()]
    above = context.prefix[: len(context.prefix) - len(context.line_before)]
    lines_above = [line.strip() for line in above[-4000:].split("\n") if line.strip()]
    if lines and any(map(is_telling, lines)) and lines_above[-len(lines) :] == lines:
        return NoCompletion(Reason.REPETITION, "the suggestion repeats the lines above it")
    return text
