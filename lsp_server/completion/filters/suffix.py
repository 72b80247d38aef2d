"""The suggestion writes what follows the cursor already: on the cursor's line, or on the lines below."""

from __future__ import annotations

from itertools import islice

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.filters.block import Line, generated_lines
from lsp_server.completion.filters.repetition import is_telling
from lsp_server.types import NoCompletion, Reason

N_FOLLOWING_LINES = 8
FOLLOWING_CHARS = 2000

_REPEATS = NoCompletion(Reason.REPEATS_SUFFIX, "the suggestion repeats what follows the cursor")


def cut_overlap_on_line(text: str, context: CompletionContext) -> str | NoCompletion:
    """The end of a line that is the beginning of what stands behind the cursor is left out.

    A bracket or quote that closes what the suggestion itself has opened is not the one behind the cursor.
    More lines push the rest of the line down: there `placing.py` replaces it instead.
    """
    rest = context.line_after
    if not rest.strip() or "\n" in text:
        return text
    body = text.rstrip()
    for tail in (rest.rstrip(), rest.strip()):
        for n_chars in range(min(len(tail), len(body)), 0, -1):
            if body.endswith(tail[:n_chars]) and _is_same(body, tail, n_chars, context):
                kept = body[: len(body) - n_chars]
                return kept if kept.strip() else _REPEATS
    return text


def _is_same(body: str, tail: str, n_chars: int, context: CompletionContext) -> bool:
    """Whole words, and nothing that the suggestion needs for itself."""
    kept = body[: len(body) - n_chars]
    splits_word_after = _is_word(tail[n_chars - 1 : n_chars]) and _is_word(tail[n_chars : n_chars + 1])
    splits_word_before = _is_word(tail[:1]) and _is_word(kept[-1:])
    if splits_word_after or splits_word_before:
        return False
    scanned = context.scan(kept)
    return not scanned.openers and scanned.delimiter == context.scanned.delimiter


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def following_lines(context: CompletionContext) -> tuple[str, ...]:
    """The first lines below the cursor's that are not blank."""
    start = len(context.line_after) + 1
    below = context.suffix[start : start + FOLLOWING_CHARS]
    lines = (line.rstrip() for line in below.split("\n") if line.strip())
    return tuple(islice(lines, N_FOLLOWING_LINES))


def find_following_line(text: str, context: CompletionContext) -> Line | None:
    """The first complete line of the suggestion that is, without doubt, the next line of the document."""
    following = following_lines(context) if "\n" in text else ()
    if not following or not is_telling(following[0]):
        return None
    for line in generated_lines(text, context):
        if line.is_complete and line.full.rstrip() == following[0]:
            return line
    return None


def cut_following_lines(text: str, context: CompletionContext) -> str | NoCompletion:
    """From the line on that stands below already. A line such as `}` must be the beginning of nothing but
    repeats."""
    following = following_lines(context)
    lines = list(generated_lines(text, context))
    for index, line in enumerate(lines):
        if following and line.full.rstrip() == following[0] and _goes_on_as(lines[index:], following):
            kept = text[: max(line.start - 1, 0)]
            return kept if kept.strip() else _REPEATS
    return text


def _goes_on_as(lines: list[Line], following: tuple[str, ...]) -> bool:
    if is_telling(following[0]):
        return True
    tail = tuple(line.full.rstrip() for line in lines if not line.is_blank)
    return following[: len(tail)] == tail
