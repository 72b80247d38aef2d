"""How it is written elsewhere: calls of the function around the cursor, and the twin of the line above.

Runs in the session, in the thread that all questions to the index run in. A question with a deadline gets
what was read before: reading is bounded, and done once the answer is out.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsp_server.index.chunk import match_all, match_name
from lsp_server.index.place import Place
from lsp_server.index.reader import Reader
from lsp_server.types import Snippet

REASON_CALLS = "calls it"
REASON_TWIN = "like the line above"
# Of the budget.
SHARE = 0.12
_MAX_CHARS = 700
_KEPT = 64
_MAX_CHUNKS = 6
_MAX_CALLS = 3
_MAX_DEFINITIONS = 3
_MIN_NAME = 4
_MIN_WORDS = 4
_N_BELOW = 4
_LINE_CHARS = 160
_ALIKE = 0.7
_WORD = re.compile(r"[^\W\d]\w{2,}")
_DEFINES = re.compile(
    r"\s*(?:(?:export|public|private|static|async|default)\s+)*(?:def|class|function|func|fn)\b"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`function` is the name of the one around the cursor, "" for none; `above` the last line above it that
    is not empty. `version` is that of the store."""

    path: str
    function: str
    above: str
    version: int


def wanted_at(path: str, text: str, place: Place, version: int) -> Wanted:
    lines = text[: place.offset].split("\n")[:-1]
    above = next((line for line in reversed(lines[-3:]) if line.strip()), "")
    name = place.function.rpartition(".")[2]
    is_fit = len(name) >= _MIN_NAME and not name.startswith("__")
    return Wanted(path, name if is_fit else "", above.strip(), version)


class Patterns:
    """One for each workspace folder."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: OrderedDict[Wanted, tuple[Snippet, ...]] = OrderedDict()

    def known(self, wanted: Wanted) -> tuple[Snippet, ...]:
        return self._known.get(wanted, ())

    def read(self, wanted: Wanted) -> tuple[Snippet, ...]:
        if wanted not in self._known:
            twins = tuple(self._twin(wanted))[:1]
            self._known[wanted] = (*self._calls(wanted), *twins)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return self._known[wanted]

    def _calls(self, wanted: Wanted) -> Iterator[Snippet]:
        """Lines of other files; of a name that few definitions have, else others are called."""
        if not wanted.function:
            return
        definitions = self._reader.symbols_named([wanted.function])
        if len(definitions) > _MAX_DEFINITIONS:
            return
        call = re.compile(rf"(?<!\w){re.escape(wanted.function)}[ ]?\(")
        left = _MAX_CALLS
        for path, chunk in self._chunks(match_name(wanted.function), wanted.path):
            lines = [line for line in chunk.split("\n") if call.search(line) and not _DEFINES.match(line)]
            shown = list(dict.fromkeys(line.strip() for line in lines if len(line) <= _LINE_CHARS))[:left]
            if shown:
                left -= len(shown)
                yield Snippet(path, "\n".join(shown), REASON_CALLS)
            if left <= 0:
                return

    def _twin(self, wanted: Wanted) -> Iterator[Snippet]:
        """A line with the same names, and what follows it."""
        words = set(_WORD.findall(wanted.above))
        if len(words) < _MIN_WORDS:
            return
        for path, chunk in self._chunks(match_all(words), wanted.path):
            lines = chunk.split("\n")
            for number, line in enumerate(lines[:-1]):
                others = set(_WORD.findall(line))
                if len(words & others) >= _ALIKE * len(words | others):
                    shown = [one[:_LINE_CHARS] for one in lines[number : number + 1 + _N_BELOW]]
                    yield Snippet(path, "\n".join(shown).rstrip(), REASON_TWIN)
                    break

    def _chunks(self, match: str, path: str) -> Iterator[tuple[str, str]]:
        """(path, text) of a few other chunks, the best by BM25 first."""
        for other, start, stop in self._reader.chunks_matching(match, path, _MAX_CHUNKS) if match else ():
            yield other, self._reader.text_of(other)[start:stop]


def within(snippets: Sequence[Snippet], budget_chars: int) -> tuple[Snippet, ...]:
    """What fits into its share."""
    left = min(_MAX_CHARS, int(SHARE * budget_chars))
    kept = []
    for snippet in snippets:
        cost = cost_of(snippet)
        if cost <= left:
            left -= cost
            kept.append(snippet)
    return tuple(kept)


def cost_of(snippet: Snippet) -> int:
    return len(snippet.text) + len(snippet.path) + 5
