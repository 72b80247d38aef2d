"""Functions whose bodies are held out: found in a folder by the index's own rules, and a copy of the folder
without them.

Runs in the command-line process. What is ignored, generated or may hold secrets is not read. Writes only
into the copy. Must not know how anything is typed or completed.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lsp_server.index.crawl import FoundFile, Limits, crawl
from lsp_server.index.languages import language_of
from lsp_server.index.parse import parse
from lsp_server.types import Span, Symbol, SymbolKind

MAX_FILES = 2000
MAX_FILE_BYTES = 60_000
MAX_READ = 400  # files looked into for functions
MAX_COPIED = 200  # files beside those that are typed into
BODY_CHARS = range(80, 900)
_CALLABLES = (SymbolKind.FUNCTION, SymbolKind.METHOD)
_HEADER_END = re.compile(r"[:{][ \t]*\n")
_CLOSING = re.compile(r"\n[ \t]*[}\])]*[;,]?\s*\Z")


@dataclass(frozen=True, slots=True)
class Source:
    """A file and the bodies in it that may be taken out, in the order of the text."""

    path: str
    text: str
    bodies: tuple[Span, ...]


def find_sources(root: Path) -> Iterator[Source]:
    """Files with at least one function of a size that is typed in a minute or so."""
    for path in islice(_crawled(root), MAX_READ):
        source = read_source(root, path)
        if source is not None and source.bodies:
            yield source


def _crawled(root: Path) -> Iterator[str]:
    """Folder by folder."""
    limits = Limits(max_files=MAX_FILES)
    return (found.path for found in crawl(root, limits) if isinstance(found, FoundFile))


def read_source(root: Path, path: str) -> Source | None:
    """None for what no grammar reads, for large files, and for line ends that typing would not bring back."""
    language = language_of(path)
    try:
        if language is None or (root / path).stat().st_size > MAX_FILE_BYTES:
            return None
        text = (root / path).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
    if "\r" in text:
        return None
    return Source(path, text, tuple(find_bodies(text, parse(text, language, path).symbols)))


def find_bodies(text: str, symbols: Iterable[Symbol]) -> Iterator[Span]:
    """Of functions of moderate length, the outer ones of those that lie in each other."""
    end = 0
    for symbol in sorted((symbol for symbol in symbols if symbol.kind in _CALLABLES), key=lambda s: s.span):
        body = find_body(text, symbol.span)
        if body is not None and symbol.span.start >= end and len(body) in BODY_CHARS:
            end = symbol.span.end
            yield body


def find_body(text: str, span: Span) -> Span | None:
    """From behind the header's line end to the end of the last line that is more than closing brackets."""
    header = _HEADER_END.search(text, span.start, span.end)
    if header is None:
        return None
    body = text[header.end() - 1 : span.end]
    closing = _CLOSING.search(body)
    body = body[: closing.start()] if closing else body.rstrip()
    return Span(header.end() - 1, header.end() - 1 + len(body)) if body.strip() else None


def choose(sources: Sequence[Source], n: int, rng: random.Random) -> list[tuple[Source, Span]]:
    """Bodies of as many different files as there are, before a second one of any."""
    ordered = list(sources)
    rng.shuffle(ordered)
    queues = [rng.sample(source.bodies, len(source.bodies)) for source in ordered]
    chosen: list[tuple[Source, Span]] = []
    for turn in range(max(map(len, queues), default=0)):
        chosen += [
            (source, queue[turn]) for source, queue in zip(ordered, queues, strict=True) if queue[turn:]
        ]
    return chosen[:n]


def without(text: str, holes: Iterable[Span]) -> str:
    for hole in sorted(holes, reverse=True):
        text = text[: hole.start] + text[hole.end :]
    return text


def copy_workspace(root: Path, target: Path, texts: Mapping[str, str]) -> None:
    """Some of the files that the index would read, those in `texts` with that text instead: nothing that is
    held out is on disk."""
    others = (path for path in _crawled(root) if path not in texts)
    for path in [*texts, *islice(others, MAX_COPIED)]:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        if path in texts:
            (target / path).write_text(texts[path], "utf-8")
        else:
            shutil.copyfile(root / path, target / path)
