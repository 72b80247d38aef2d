"""Tree-sitter grammars and compiled queries, each loaded when it is first wanted.

Runs in the session (for the open file's imports and for explain) and in the index worker. Must not know
what the
captures are used for. The captures of `queries/*.scm`:

    @class @function @method @variable @field @module   a definition; its `@name`; its `@body` where the
    grammar
                                                        does not call it so; `@receiver` holds its
                                                        container's name
    @scope                                              names what lies in it, but is no definition (Rust's
    `impl`)
    @call @use                                          the name of what is called; other uses (bases,
    annotations)
    @import                                             a statement for `imports.py`
    @comment @attribute                                 documentation above a definition; lines to look beyond
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Point, Query, QueryCursor, Tree

from lsp_server.index.languages import Language

QUERY_FOLDER = Path(__file__).with_name("queries")

# Small enough that no parse keeps other threads of the session waiting: each piece is asked for in Python.
_PIECE_BYTES = 1 << 13

# A query's time grows with the square of both: no person nests like this, nor makes so many errors at once.
_MAX_DEPTH = 2000
_MAX_ERROR_CHILDREN = 4000
_N_SAMPLES = 64

Captures: TypeAlias = dict[str, list[Node]]
Match: TypeAlias = tuple[int, Captures]


@cache
def load_grammar(module: str, function: str) -> Grammar:
    return Grammar(getattr(importlib.import_module(module), function)())


@cache
def load_query(module: str, function: str, name: str) -> Query:
    sources = ((QUERY_FOLDER / f"{stem}.scm").read_text("utf-8") for stem in name.split("+"))
    return Query(load_grammar(module, function), "\n".join(sources))


def grammar_of(language: Language) -> Grammar:
    return load_grammar(language.grammar_module, language.grammar_function)


def parse_tree(source: bytes, language: Language, should_yield: bool) -> Tree:
    """`should_yield`: let other threads run meanwhile (a parse of plain bytes holds the interpreter's
    lock)."""
    parser = Parser(grammar_of(language))
    return parser.parse(_reader(source)) if should_yield else parser.parse(source)


def _reader(source: bytes) -> Callable[[int, Point], bytes]:
    return lambda offset, _point: source[offset : offset + _PIECE_BYTES]


def matches(tree: Tree, language: Language, should_yield: bool) -> Iterator[Match]:
    """Every match with the number of its pattern. With `should_yield` some come more than once.

    The query runs range by range for the sake of other threads: its progress callback crashes in tree-
    sitter 0.26.1.
    """
    query = load_query(language.grammar_module, language.grammar_function, language.query)
    n_bytes = tree.root_node.end_byte
    step = _PIECE_BYTES if should_yield else n_bytes + 1
    for start in range(0, n_bytes + 1, step):
        cursor = QueryCursor(query)
        cursor.set_byte_range(start, min(start + step, n_bytes + 1))
        yield from cursor.matches(tree.root_node)


def is_too_costly(tree: Tree) -> bool:
    """Looks at nodes spread over the tree: what costs time, deep nesting or rubbish, has many of them."""
    n_nodes, has_error = tree.root_node.descendant_count, tree.root_node.has_error
    if n_nodes < _MAX_DEPTH:
        return False
    cursor = tree.walk()
    for index in range(0, n_nodes, max(1, n_nodes // _N_SAMPLES)):
        cursor.goto_descendant(index)
        if cursor.depth > _MAX_DEPTH or (has_error and cursor.goto_parent() and _is_rubbish(cursor.node)):
            return True
    return False


def _is_rubbish(node: Node | None) -> bool:
    return node is not None and node.is_error and node.child_count > _MAX_ERROR_CHILDREN
