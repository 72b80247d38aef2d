"""What the syntax tree says of the cursor: a statement begins here, or something is in the middle of being
written.

Runs in the session. Pure: text in, a kind of place out, None where the tree does not tell. A word
is put in at the cursor and the text around it is parsed; what the word became decides. Must not know
completion.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from lsp_server.index.grammars import parse_tree
from lsp_server.index.languages import Language, language_for, refine
from lsp_server.index.offsets import encode
from lsp_server.types import SyntaxPlace

# So much is parsed in about a millisecond; the part before the cursor begins at the left margin.
CHARS_BEFORE = 8_000
CHARS_AFTER = 4_000

_WORD = "edgewise_"
_MARGIN = re.compile(r"^[^\s)\]}#]", re.MULTILINE)
_OPENERS = frozenset({"{", ":"})
_MAX_CLIMB = 100  # each step costs as much as the tree is deep there


def read_syntax_place(before: str, after: str, language_id: str, path: str) -> SyntaxPlace | None:
    """`before` and `after` are the whole text around the cursor, with LF line ends."""
    language = language_for(language_id, path)
    if language is None or not language.bodies:
        return None
    language = refine(language, path, before)
    source, word = encode(_head(before)), encode(_WORD)
    tree = parse_tree(source + word + encode(_tail(after)), language, should_yield=False)
    leaf = tree.root_node.descendant_for_byte_range(len(source), len(source) + len(word))
    return None if leaf is None else _place(leaf, len(source), len(source) + len(word), language)


def _head(before: str) -> str:
    """From a line at the left margin on, so that what encloses the cursor is whole or not there at all."""
    if len(before) <= CHARS_BEFORE:
        return before
    tail = before[-CHARS_BEFORE:]
    margin = _MARGIN.search(tail, tail.find("\n") + 1)
    return tail[margin.start() :] if margin else tail


def _tail(after: str) -> str:
    """Up to a line at the left margin, where one is near."""
    if len(after) <= CHARS_AFTER:
        return after
    margins = [match.start() for match in _MARGIN.finditer(after, after.find("\n") + 1, CHARS_AFTER)]
    return after[: margins[-1]] if margins else after[:CHARS_AFTER]


def _place(leaf: Node, start: int, end: int, language: Language) -> SyntaxPlace | None:
    if string := _string_around(leaf):
        is_statement = string.parent is not None and string.parent.type == "expression_statement"
        return None if is_statement else SyntaxPlace(is_statement=False, kind=string.type)
    if leaf.end_byte != end or leaf.is_error or leaf.is_extra or "text" in leaf.type:
        return None
    found = _outermost(leaf, language)
    if found is None:
        return None
    node, parent = found
    before = node.prev_sibling
    if (node.end_byte != end and node.is_error) or (before is not None and before.is_error):
        return None
    is_statement = leaf.start_byte == start and parent.type in language.bodies and _is_first(node, before)
    return SyntaxPlace(is_statement, parent.type)


def _string_around(leaf: Node) -> Node | None:
    """The whole string whose text the word became a part of."""
    if not any(part in leaf.type for part in ("string", "heredoc")):
        return None
    parent = leaf.parent
    return parent if parent is not None and "string" in parent.type else leaf


def _outermost(leaf: Node, language: Language) -> tuple[Node, Node] | None:
    """The largest node that begins with the word, up to what holds statements; and what it stands in."""
    node = leaf
    for _ in range(_MAX_CLIMB):
        parent = node.parent
        if parent is None or (parent.is_error and parent.start_byte != leaf.start_byte):
            return None
        if parent.type in language.bodies or parent.start_byte != leaf.start_byte:
            return node, parent
        node = parent
    return None


def _is_first(node: Node, before: Node | None) -> bool:
    """Of the statements on its line; of a case, what stands behind the colon."""
    if before is None or before.type in _OPENERS:
        return True
    last = before.child(before.child_count - 1) if before.child_count else None
    if last is not None and last.type == ":":  # C: `case X:` is a statement of its own while nothing follows
        return True
    return before.type != "case" and before.end_point.row < node.start_point.row
