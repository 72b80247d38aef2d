"""The index as the user sees the workspace now: the store, with the unsaved text of open documents laid
over it.

Runs in the session, in the thread that all questions to the index run in. Must not know processes or LSP.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lsp_server.index.imports import Import
from lsp_server.index.languages import language_for, refine
from lsp_server.index.parse import ParsedFile, parse
from lsp_server.index.reader import Reader
from lsp_server.index.secrets import is_secret
from lsp_server.index.store import module_stem
from lsp_server.types import Reference, Symbol

_KEPT_PARSES = 16
_MAX_OF_FOLDER = 200
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """Unsaved text. `path` is relative to the root."""

    path: str
    text: str
    language_id: str = ""


class ParseCache:
    """The last few parses of open documents, so that a document is parsed once a version, and only when
    asked for."""

    def __init__(self) -> None:
        self._parses: OrderedDict[tuple[str, str], tuple[str, ParsedFile]] = OrderedDict()

    def parse(self, path: str, text: str, language_id: str) -> ParsedFile:
        key = (path, language_id)
        known = self._parses.get(key)
        if known is None or known[0] != text:
            known = (text, _parse_document(path, text, language_id))
        self._parses[key] = known
        self._parses.move_to_end(key)
        while len(self._parses) > _KEPT_PARSES:
            self._parses.popitem(last=False)
        return known[1]


def _parse_document(path: str, text: str, language_id: str) -> ParsedFile:
    language = language_for(language_id, path)
    if language is None:
        return ParsedFile()
    return parse(text, refine(language, path, text), path, should_yield=True)


class View:
    """One question's sight of one workspace folder."""

    def __init__(self, reader: Reader, documents: Mapping[str, OpenDocument], cache: ParseCache) -> None:
        reader.refresh()
        self._reader = reader
        self._documents = {path: document for path, document in documents.items() if not is_secret(path)}
        self._cache = cache
        self._exists: dict[str, bool] = {}
        self._paths: dict[str, list[str]] = {}

    def existing(self, paths: Sequence[str]) -> set[str]:
        """Asked for the same paths again and again in one question."""
        unknown = [path for path in paths if path not in self._exists]
        if unknown:
            found = self._reader.existing(unknown) | (self._documents.keys() & set(unknown))
            self._exists.update((path, path in found) for path in unknown)
        return {path for path in paths if self._exists[path]}

    def paths_with_stem(self, stem: str) -> list[str]:
        if stem not in self._paths:
            opened = [path for path in self._documents if module_stem(path) == stem]
            self._paths[stem] = sorted({*self._reader.paths_with_stem(stem), *opened})
        return self._paths[stem]

    def text_of(self, path: str) -> str:
        document = self._documents.get(path)
        return document.text if document is not None else self._reader.text_of(path)

    def files_in(self, folder: str) -> Sequence[str]:
        return self._reader.files_beside(f"{folder.removeprefix('./')}?", _MAX_OF_FOLDER)

    def top_level(self, path: str) -> list[Symbol]:
        return self._of_file(path, self._reader.top_level, lambda s: not s.container)

    def named(self, path: str, name: str) -> list[Symbol]:
        return self._of_file(
            path, lambda p: self._reader.named(p, name), lambda s: s.name == name and not s.container
        )

    def members(self, path: str, container: str) -> list[Symbol]:
        return self._of_file(
            path, lambda p: self._reader.members(p, container), lambda s: s.container == container
        )

    def imports_of(self, path: str) -> list[Import]:
        parsed = self._parsed(path)
        return list(parsed.imports) if parsed is not None else self._reader.imports_of(path)

    def definitions(self, name: str) -> list[Symbol]:
        opened = (s for parsed in self._all_parsed() for s in parsed.symbols if s.name == name)
        return self._merge(self._reader.definitions(name), opened, lambda s: (s.path, s.span.start))

    def references(self, name: str) -> list[Reference]:
        opened = (r for parsed in self._all_parsed() for r in parsed.references if r.name == name)
        return self._merge(self._reader.references(name), opened, lambda r: (r.path, r.span.start))

    def _of_file(
        self, path: str, read: Callable[[str], list[Symbol]], is_wanted: Callable[[Symbol], bool]
    ) -> list[Symbol]:
        parsed = self._parsed(path)
        return read(path) if parsed is None else [symbol for symbol in parsed.symbols if is_wanted(symbol)]

    def _parsed(self, path: str) -> ParsedFile | None:
        document = self._documents.get(path)
        return self._cache.parse(path, document.text, document.language_id) if document else None

    def _all_parsed(self) -> Iterable[ParsedFile]:
        for document in self._documents.values():
            yield self._cache.parse(document.path, document.text, document.language_id)

    def _merge(
        self, stored: Iterable[_T], opened: Iterable[_T], key: Callable[[_T], tuple[str, int]]
    ) -> list[_T]:
        kept = [item for item in stored if key(item)[0] not in self._documents]
        return sorted([*kept, *opened], key=key)
