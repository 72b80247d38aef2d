"""What is known of a text that is being typed, read again at each key only where it changed.

Runs in the session, in the thread that all questions to the index run in. A text is cut into blocks that can
be read each by itself; what was read of a block is kept as long as its text is in use.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lsp_server.index.fact_readers import WITHOUT_TYPES, FactReader, reader_of
from lsp_server.index.facts import Exprs, Facts, Scope

_KEPT_CHARS = 2_000_000  # a few large documents; each key adds the block that it is typed in
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Block:
    """`code` is the text without strings, comments and imports; offsets of `facts` are from its start."""

    code: str
    words: frozenset[str]
    facts: Facts


@dataclass(frozen=True, slots=True)
class LiveText:
    """One version of a text: its blocks with where they begin, and the facts of all of them."""

    text: str
    starts: Sequence[int]
    blocks: Sequence[Block]
    facts: Facts
    reader: FactReader = WITHOUT_TYPES

    def words(self, start: int, end: int) -> frozenset[str]:
        """The words of its code in a range."""
        found: set[str] = set()
        for first, block in self._from(start):
            if first >= end:
                break
            if start <= first and first + len(block.code) <= end:
                found |= block.words
            else:
                found.update(_WORD.findall(block.code[max(0, start - first) : end - first]))
        return frozenset(found)

    def _from(self, offset: int) -> Iterator[tuple[int, Block]]:
        index = max(0, bisect_right(self.starts, offset) - 1)
        return zip(self.starts[index:], self.blocks[index:], strict=True)


class LiveTexts:
    """Remembers blocks, of any text, up to a number of characters."""

    def __init__(self, max_chars: int = _KEPT_CHARS) -> None:
        self._max_chars = max_chars
        self._n_chars = 0
        self._blocks: OrderedDict[tuple[str, str], Block] = OrderedDict()
        self.n_read = 0

    def read(self, language_id: str, text: str) -> LiveText:
        reader = reader_of(language_id)
        starts = list(dict.fromkeys([0, *reader.split(text)]))
        ends = [*starts[1:], len(text)]
        blocks = [
            self._block(reader, language_id, text[start:end]) for start, end in zip(starts, ends, strict=True)
        ]
        return LiveText(text, starts, blocks, _joined(starts, blocks), reader)

    def _block(self, reader: FactReader, language_id: str, text: str) -> Block:
        key = (language_id, text)
        block = self._blocks.get(key)
        if block is None:
            self.n_read += 1
            code = reader.code(text)
            block = Block(code, frozenset(_WORD.findall(code)), reader.types(text, code))
            self._n_chars += len(text)
        self._blocks[key] = block
        self._blocks.move_to_end(key)
        while self._n_chars > self._max_chars and len(self._blocks) > 1:
            (_, oldest), _ = self._blocks.popitem(last=False)
            self._n_chars -= len(oldest)
        return block


def _joined(starts: Sequence[int], blocks: Sequence[Block]) -> Facts:
    """What blocks say of the same scope (the module's) is put together."""
    bases: dict[str, Exprs] = {}
    results: dict[str, Exprs] = {}
    values: dict[str, dict[str, Exprs]] = {}
    local: dict[str, Mapping[str, Exprs]] = {}
    scopes: list[Scope] = []
    for start, block in zip(starts, blocks, strict=True):
        facts = block.facts
        for name, exprs in facts.bases.items():
            bases[name] = exprs or bases.get(name, ())
        results.update(facts.results)
        local.update(facts.locals)
        for scope, table in facts.values.items():
            values.setdefault(scope, {}).update(table)
        scopes += [_shifted(scope, start) for scope in facts.scopes]
    return Facts(bases, values, results, {}, local, tuple(scopes))


def _shifted(scope: Scope, offset: int) -> Scope:
    if not offset:
        return scope
    return Scope(scope.name, scope.is_class, scope.start + offset, scope.end + offset, scope.indent)
