"""Whether and where a text does not parse, and whether a change makes it worse.

Runs in the session. Pure; knows one file. Must not know who proposes the change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tree_sitter import Node

from lsp_server.index.grammars import parse_tree
from lsp_server.index.languages import Language, language_for, refine
from lsp_server.index.offsets import ByteOffsets, encode
from lsp_server.types import Span


def has_errors(text: str, language_id: str, path: str) -> bool:
    """Whether the text does not parse. A language that is not known has none."""
    language = language_for(language_id, path)
    if language is None:
        return False
    return _parse(text, refine(language, path, text)).has_error


def adds_errors(text: str, language_id: str, path: str, span: Span, replacement: str) -> bool:
    """Whether `replacement` in place of `span` brings errors that the text has not.

    Elsewhere, where the text parses now, it must parse afterwards; in the place itself there may be no more
    errors than were. An error that begins before the place and ends behind it hides what is wrong in it:
    then the replacement alone is held against the code alone.
    """
    after = text[: span.start] + replacement + text[span.end :]
    language = language_for(language_id, path)
    if language is None or not has_errors(after, language_id, path):
        return False
    language = refine(language, path, text)
    new_span = Span(span.start, span.start + len(replacement))
    old, new = _faults(text, language), _faults(after, language)
    if any(not _stood(fault, new_span, old, len(replacement) - len(span)) for fault in new):
        return True
    if _n_touching(new, new_span) > _n_touching(old, span):
        return True
    is_hidden = any(fault.start < new_span.start and fault.end > new_span.end for fault in new)
    alone = text[span.start : span.end]
    return is_hidden and len(_faults(replacement, language)) > len(_faults(alone, language))


def _parse(text: str, language: Language) -> Node:
    return parse_tree(encode(text), language, should_yield=True).root_node


def _faults(text: str, language: Language) -> list[Span]:
    """Where the parser skipped text, and the empty places where it made up what is missing."""
    offsets = ByteOffsets(text)
    found = _faulty(_parse(text, language))
    return [Span(offsets(node.start_byte), offsets(node.end_byte)) for node in found]


def _faulty(root: Node) -> Iterator[Node]:
    stack = [root] if root.has_error else []
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            yield node
        stack += [child for child in node.children if child.has_error]


def _touches(fault: Span, span: Span) -> bool:
    return fault.start <= span.end and fault.end >= span.start


def _n_touching(faults: Sequence[Span], span: Span) -> int:
    return sum(_touches(fault, span) for fault in faults)


def _stood(fault: Span, changed: Span, before: Sequence[Span], growth: int) -> bool:
    """Whether there was an error already where this one is, outside of what was changed."""
    if _touches(fault, changed):
        return True
    shift = growth if fault.start > changed.end else 0
    start, end = fault.start - shift, fault.end - shift
    return any(old.start <= start and end <= old.end for old in before)
