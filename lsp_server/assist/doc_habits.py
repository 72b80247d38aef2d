"""What a file's documentation says of parameters already: a new one of the same name gets the same words.

Runs in the session. Pure text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

MAX_CHARS = 100

_SHAPES = (
    re.compile(r"^(?P<indent> +)(?P<name>\*{0,2}\w+)(?: \([^)\n]*\))?: +(?P<text>\S.*)$"),  # Google
    re.compile(r"^(?P<indent> *):param (?:[\w.\[\]]+ )?(?P<name>\w+): +(?P<text>\S.*)$"),  # Sphinx
    re.compile(r"^(?P<indent>[ */#-]*)[@\\]param (?:\{[^}\n]*\} )?(?P<name>[$\w]+) (?:- )?(?P<text>\S.*)$"),
    re.compile(r"^(?P<indent>[ /]*)<param name=\"(?P<name>\w+)\">(?P<text>[^<\n]+)</param>$"),  # C#
    re.compile(r"^(?P<indent>[ /]*)- (?:[Pp]arameter )?(?P<name>\w+): +(?P<text>\S.*)$"),  # Swift
)
_NUMPY = re.compile(r"^(?P<indent> *)(?P<name>\*{0,2}\w+)(?: : \S.*)?$")


def known_words(docs: Sequence[str]) -> Mapping[str, str]:
    """By a parameter's name, what most of the documentations say of it; nothing where they differ evenly."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for doc in docs:
        for name, text in _items(doc.replace("\r\n", "\n").split("\n")):
            counts[name][text] += 1
    return {name: said for name, texts in counts.items() if (said := _most_common(texts))}


def _most_common(texts: Counter[str]) -> str:
    [(first, n_first), *others] = texts.most_common(2)
    return "" if others and others[0][1] == n_first else first


def _items(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Of one line each: what goes on below is not the whole of what is said."""
    for number, line in enumerate(lines):
        below = lines[number + 1 :] or [""]
        found = _numpy_item(line, below) or next(filter(None, (shape.match(line) for shape in _SHAPES)), None)
        if isinstance(found, re.Match):
            if not _goes_on(line, below[0]):
                yield from _item(found["name"], found["text"])
        elif found is not None:
            yield from _item(*found)


def _numpy_item(line: str, below: Sequence[str]) -> tuple[str, str] | None:
    """The text stands deeper, on the next line."""
    found = _NUMPY.match(line)
    if found is None or not below[0].strip() or _width(below[0]) <= _width(line):
        return None
    is_longer = len(below) > 1 and _width(below[1]) >= _width(below[0]) and bool(below[1].strip())
    return None if is_longer else (found["name"], below[0].strip())


def _item(name: str, text: str) -> Iterator[tuple[str, str]]:
    """A single word says nothing."""
    text = text.removesuffix("*/").rstrip()
    if len(text) <= MAX_CHARS and " " in text:
        yield name.lstrip("*$"), text


def _goes_on(line: str, below: str) -> bool:
    bare = below.lstrip(" */#")
    return bool(bare) and len(below) - len(bare) > len(line) - len(line.lstrip(" */#"))


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
