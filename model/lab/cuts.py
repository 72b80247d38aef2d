"""Where a file is cut into prefix, middle and suffix. Pure functions on text; knows nothing of tokens.

Half of the cuts follow what an editor asks for (the rest of the line, a whole line, a statement, a block, an
expression), half are random characters, as in "Efficient Training of Language Models to Fill in the Middle"
(Bavarian et al. 2022), so that no cut is strange.
"""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_MIDDLE = 1200  # characters


@dataclass(frozen=True)
class Cut:
    """The middle is `text[start:end]`."""

    start: int
    end: int


def line_starts(text: str) -> list[int]:
    """The offset of each line."""
    starts, at = [0], text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def rest_of_line(text: str, rng: random.Random) -> Cut:
    """From somewhere in a line, often the end of its indentation, to before its newline."""
    start, end = pick_line(text, rng)
    n_indent = end - start - len(text[start:end].lstrip())
    at = start + n_indent if rng.random() < 0.4 else rng.randint(start + n_indent, end)
    return Cut(at, end)


def whole_lines(text: str, rng: random.Random) -> Cut:
    """One line, its newline included, or with what follows up to a few lines more."""
    start, end = pick_line(text, rng)
    for _ in range(rng.choice((0, 0, 0, 0, 1, 2, 4))):
        following = text.find("\n", end + 1)
        end = following if following >= 0 else len(text)
    return Cut(start, min(end + 1, len(text)))


def pick_line(text: str, rng: random.Random) -> tuple[int, int]:
    """Start and end (before the newline) of a random line that is not blank."""
    for _ in range(20):
        at = rng.randrange(len(text))
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if text[start:end].strip():
            break
    return start, end


def few_lines(text: str, rng: random.Random) -> Cut:
    """From inside a line to the end of one of the next lines: what a completion of several lines is."""
    first = rest_of_line(text, rng)
    end = first.end
    for _ in range(rng.randint(1, 6)):
        following = text.find("\n", end + 1)
        end = following if following >= 0 else end
    return Cut(first.start, end)


def random_characters(text: str, rng: random.Random) -> Cut:
    """Any two characters, not too far apart."""
    start = rng.randrange(len(text))
    return Cut(start, min(len(text), start + int(rng.expovariate(1 / 120)) + 1))


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree, or None when the file is not Python of this version, or has line ends that `ast`
    counts and we do not.
    """
    if "\r" in text or "\f" in text:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def syntax_spans(text: str, tree: ast.Module) -> list[Cut]:
    """Statements, the bodies of blocks, and expressions."""
    starts, lines = line_starts(text), text.split("\n")

    def offset(line: int, column: int) -> int:
        if line > len(lines):  # inside an f-string, Python 3.11 gives places that do not exist
            return len(text)
        raw = lines[line - 1]
        return starts[line - 1] + (
            column if raw.isascii() else len(raw.encode()[:column].decode("utf-8", "ignore"))
        )

    spans = []
    for node in ast.walk(tree):
        for first, last in node_ranges(node):
            if last.end_lineno is not None and last.end_col_offset is not None:
                spans.append(
                    Cut(offset(first.lineno, first.col_offset), offset(last.end_lineno, last.end_col_offset))
                )
    return [span for span in spans if 3 < span.end - span.start <= MAX_MIDDLE]


def node_ranges(node: ast.AST) -> Iterator[tuple[ast.stmt | ast.expr, ast.stmt | ast.expr]]:
    """First and last node of the node itself and of its body."""
    if isinstance(node, ast.stmt | ast.expr):
        yield node, node
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and not isinstance(node, ast.Module):
        yield body[0], body[-1]


KINDS: list[tuple[float, Callable[[str, random.Random], Cut]]] = [
    (0.34, rest_of_line),
    (0.18, whole_lines),
    (0.12, few_lines),
    (0.11, random_characters),
]  # what is left, 0.25, is syntax


def pick_cut(text: str, spans: list[Cut], rng: random.Random) -> Cut:
    """One cut of a text: `spans` are its syntax spans, when it has any."""
    draw = rng.random()
    for share, kind in KINDS:
        if draw < share:
            return kind(text, rng)
        draw -= share
    return rng.choice(spans) if spans else rest_of_line(text, rng)
