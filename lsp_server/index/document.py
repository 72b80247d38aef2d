"""The imports of the document that is being typed in, found again at each key without parsing it each time.

Runs in the session, in the thread that all questions to the index run in.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from lsp_server.index.imports import Import
from lsp_server.index.languages import language_for, refine
from lsp_server.index.parse import parse

_KEPT = 16

# A line that may start an import, in any of the languages.
_IMPORT_LINE = re.compile(r"^.*\b(?:import|from|export|require|use|mod|include)\b.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Known:
    """`head` is the text up to the end of the last import; `tail_lines` what looks like imports after it."""

    head: str
    tail_lines: list[str]
    imports: tuple[Import, ...]


class ImportCache:
    """Typing below the imports changes none: the file is parsed again only when a line that may import did
    change."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.n_parsed = 0

    def imports_of(self, path: str, text: str, language_id: str) -> tuple[Import, ...]:
        known = self._known.get(path)
        if known is None or not _is_same(known, text):
            known = self._parse(path, text, language_id)
        self._known[path] = known
        self._known.move_to_end(path)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known.imports

    def _parse(self, path: str, text: str, language_id: str) -> _Known:
        self.n_parsed += 1
        language = language_for(language_id, path)
        if language is None:
            return _Known("", _IMPORT_LINE.findall(text), ())
        imports = parse(text, refine(language, path, text), path, should_yield=True).imports
        end = max((item.span.end for item in imports), default=0)
        return _Known(text[:end], _IMPORT_LINE.findall(text, end), imports)


def _is_same(known: _Known, text: str) -> bool:
    return text.startswith(known.head) and _IMPORT_LINE.findall(text, len(known.head)) == known.tail_lines
