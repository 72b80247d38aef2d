"""Fill-in-the-middle: recognises the family of a model and lays a prompt out as it was trained to see it.

Pure; runs in the session (through the client) and in the engine host (which recognises its file).
Must not know sockets, files, engines or how text becomes tokens. The table itself is `families`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from model.families import CONTROL_TOKENS, FAMILIES, FILE_DECIDES, NONE, Family, Order, split_template
from model.protocol import FimPrompt, ModelRefused, PromptSnippet, SegmentKind

__all__ = [
    "CONTROL_TOKENS",
    "FAMILIES",
    "FILE_DECIDES",
    "NONE",
    "Family",
    "Order",
    "Segment",
    "family",
    "fill_snippet",
    "find_control_ids",
    "layout",
    "recognise",
]

N_SNIPPETS: Final = 256  # of a few prompts


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a prompt, not yet tokenised. `text` of a control token is its name in the vocabulary."""

    kind: SegmentKind
    path: str
    text: str
    is_control: bool = False


def find_control_ids(tokens: Sequence[str]) -> dict[str, int]:
    """The ids of all known control tokens that a vocabulary holds; `tokens` in the order of their ids."""
    return {token: index for index, token in enumerate(tokens) if token in CONTROL_TOKENS}


def family(name: str) -> Family:
    """The row of this name: how a setting overrides what was recognised."""
    for row in (*FAMILIES, NONE):
        if row.name == name:
            return row
    allowed = ", ".join(row.name for row in (*FAMILIES, NONE))
    raise ModelRefused(f'There is no FIM family "{name}": set the model\'s family to one of {allowed}.')


def recognise(tokens: Collection[str], architecture: str, name: str) -> Family:
    """The family of a file by its name, else its architecture, else its tokens; never without its tokens."""
    vocabulary = tokens if isinstance(tokens, set | frozenset) else frozenset(tokens)
    possible = [row for row in FAMILIES if row.required <= vocabulary]
    plain_name = re.sub(r"[^a-z0-9]", "", name.lower())
    by_name = (row for row in possible if any(word in plain_name for word in row.names))
    by_architecture = (row for row in possible if architecture in row.architectures)
    by_tokens = (row for row in possible if row.known_by and row.known_by <= vocabulary)
    for rows in (by_name, by_architecture, by_tokens):
        for row in rows:
            return row
    return NONE


def layout(row: Family, prompt: FimPrompt) -> tuple[Segment, ...]:
    """The prompt as its family was trained to see it. Other files need the path of this one beside them."""
    start = [Segment(SegmentKind.HEADER, "", row.bos, is_control=True)] if row.bos else []
    return (*start, *_fill(row, row.repository if row.repository and prompt.path else row.file, prompt))


_KINDS = {
    "{header}": SegmentKind.HEADER,
    "{snippets}": SegmentKind.SNIPPET,
    "{path}": SegmentKind.PATH,
    "{prefix}": SegmentKind.PREFIX,
    "{typed}": SegmentKind.PREFIX,
    "{suffix}": SegmentKind.SUFFIX,
    "{middle}": SegmentKind.MIDDLE,
}


def _fill(row: Family, template: str, prompt: FimPrompt) -> Iterator[Segment]:
    fields = {
        "{path}": prompt.path,
        "{prefix}": prompt.prefix,
        "{typed}": prompt.prefix + prompt.middle,
        "{suffix}": prompt.suffix,
        "{middle}": prompt.middle,
    }
    parts = split_template(template, row.control)
    for index, part in enumerate(parts):
        if part == "{header}":
            yield from _header(row, prompt) if prompt.repository else ()
        elif part == "{snippets}":
            yield from (segment for snippet in prompt.snippets for segment in fill_snippet(row, snippet))
        else:
            kind = _kind(parts[index:])
            yield from _write(row, part, Segment(kind, prompt.path, ""), fields)


def _kind(parts: Sequence[str]) -> SegmentKind:
    """A control token or a literal text belongs to the field that it stands before."""
    return next(kind for part in parts for field, kind in _KINDS.items() if field in part)


def _header(row: Family, prompt: FimPrompt) -> Iterator[Segment]:
    yield from _write(
        row, row.header, Segment(SegmentKind.HEADER, "", ""), {"{repository}": prompt.repository}
    )


@lru_cache(maxsize=N_SNIPPETS)
def fill_snippet(row: Family, snippet: PromptSnippet) -> tuple[Segment, ...]:
    """The part of the layout that shows one snippet: the same at each key."""
    fields = {"{path}": snippet.path, "{text}": snippet.text.removesuffix("\n")}
    return tuple(_write(row, row.snippet, Segment(SegmentKind.SNIPPET, snippet.path, ""), fields))


def _write(row: Family, template: str, blank: Segment, fields: Mapping[str, str]) -> Iterator[Segment]:
    """The pieces of a template. A text whose field is empty is left out, with the literals around it."""
    for part in split_template(template, row.control):
        pieces = re.split(r"(\{\w+\})", part)
        if part in row.control:
            yield replace(blank, text=part, is_control=True)
        elif any(fields.get(piece) for piece in pieces):
            yield replace(blank, text="".join(fields.get(piece, piece) for piece in pieces))
