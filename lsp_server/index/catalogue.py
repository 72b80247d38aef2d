"""The files of one workspace folder as outlines, kept between questions: the store under the open documents.

Runs in the session, in the thread that all questions to the index run in. Knows no judgement. Keeps a bounded
number of outlines, and looks at each again only after the store has changed.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from lsp_server.index.fact_readers import read_facts
from lsp_server.index.languages import language_for, language_of
from lsp_server.index.outline import Outline
from lsp_server.index.reader import Reader
from lsp_server.index.resolve import resolve, resolve_member
from lsp_server.index.secrets import is_secret
from lsp_server.index.store import module_stem
from lsp_server.index.view import OpenDocument, ParseCache
from lsp_server.types import Symbol

_KEPT_OUTLINES = 600
_KEPT_NAMES = 20_000
_MAX_EXPORTS = 2000
_MAX_HOPS = 5


class Late(Exception):
    """The question took longer than it may."""


@dataclass(slots=True)
class _Kept:
    """An outline, the file's content that it is of, and the store's version when that was last checked."""

    outline: Outline
    stamp: bytes
    version: int


class Catalogue:
    """`refresh` before each question. Implements the port `Files` of `resolve.py`."""

    def __init__(self, reader: Reader, parses: ParseCache) -> None:
        self._reader = reader
        self._parses = parses
        self._documents: dict[str, OpenDocument] = {}
        self._current = Outline("")
        self._deadline_s = math.inf
        self._version = -1
        self._names: frozenset[str] = frozenset()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._opened: dict[str, tuple[str, Outline]] = {}
        self._exists: dict[str, bool] = {}
        self._stems: dict[str, list[str]] = {}
        self._modules: dict[tuple[str, str], str] = {}
        self._importers: dict[tuple[str, ...], Sequence[str]] = {}
        self._siblings: dict[tuple[str, ...], Sequence[str]] = {}
        self._named: dict[str, list[Symbol]] = {}
        self._exports: dict[str, dict[str, Symbol]] = {}

    def refresh(
        self, documents: Mapping[str, OpenDocument], current: Outline, deadline_s: float | None = None
    ) -> None:
        """`current` takes the place of whatever is known of the file that is being typed in. After
        `deadline_s` (of `time.monotonic`) nothing more is read from the store: `Late` is raised."""
        self._deadline_s = math.inf if deadline_s is None else deadline_s
        self._reader.refresh()
        version = self._reader.version()
        self._documents = {path: item for path, item in documents.items() if not is_secret(path)}
        names = frozenset({*self._documents, current.path})
        if version != self._version or names != self._names or len(self._named) > _KEPT_NAMES:
            self._forget()
        self._version, self._names, self._current = version, names, current

    def _forget(self) -> None:
        """Everything that another state of the files may answer otherwise."""
        for table in (self._exists, self._stems, self._modules, self._importers, self._siblings):
            table.clear()
        self._named.clear()
        self._exports.clear()

    def outline(self, path: str) -> Outline:
        if path == self._current.path:
            return self._current
        document = self._documents.get(path)
        if document is not None:
            return self._of_document(document)
        kept = self._kept.get(path)
        if kept is not None and kept.version != self._version:
            kept = self._checked(path, kept)
        if kept is None:
            if time.monotonic() > self._deadline_s:
                raise Late
            kept = _Kept(self._reader.outline(path), self._reader.stamp(path), self._version)
        self._kept[path] = kept
        self._kept.move_to_end(path)
        while len(self._kept) > _KEPT_OUTLINES:
            self._kept.popitem(last=False)
        return kept.outline

    @property
    def version(self) -> int:
        return self._version

    def resolve(self, importer: str, module: str) -> str:
        """The file of a module as `importer` writes it; "" when it is none of the workspace."""
        key = (importer.rpartition("/")[0], module)
        if key not in self._modules:
            language = language_of(importer)
            self._modules[key] = resolve(language.resolver, module, importer, self) if language else ""
        return self._modules[key]

    def resolve_member(self, importer: str, module: str, name: str) -> str:
        """The file that `name` of a module is, when it is a module itself."""
        key = (importer.rpartition("/")[0], f"{module} {name}")
        if key not in self._modules:
            language = language_of(importer)
            found = resolve_member(language.resolver, module, name, importer, self) if language else ""
            self._modules[key] = found
        return self._modules[key]

    def submodule(self, package: str, name: str) -> str:
        """The file of `name` in the package whose `__init__` is at `package`."""
        return self.resolve_member(package, ".", name)

    def importers(self, path: str, names: Sequence[str], n_files: int) -> Sequence[str]:
        """Other files that import the same names, most of them first."""
        key = (path, *names)
        if key not in self._importers:
            found = self._reader.importers(names, path, n_files) if names else []
            self._importers[key] = found
        return self._importers[key]

    def siblings(self, path: str, n_files: int) -> Sequence[str]:
        """Other files of the same folder."""
        key = (path.rpartition("/")[0],)
        if key not in self._siblings:
            self._siblings[key] = self._reader.files_beside(path, n_files + 1)
        return [other for other in self._siblings[key] if other != path][:n_files]

    def symbols_named(self, names: Sequence[str]) -> dict[str, list[Symbol]]:
        """Everything in the store that is called so, but in the current file; only names that are found."""
        unknown = [name for name in names if name not in self._named]
        if unknown:
            self._named.update((name, []) for name in unknown)
            for symbol in self._reader.symbols_named(unknown):
                self._named[symbol.name].append(symbol)
        found = ((name, [s for s in self._named[name] if s.path != self._current.path]) for name in names)
        return {name: symbols for name, symbols in found if symbols}

    def exports(self, path: str) -> Mapping[str, Symbol]:
        """What others find in a module, from wherever it took it."""
        if path not in self._exports or path == self._current.path:
            self._exports[path] = {}  # a module that takes from itself
            self._exports[path] = dict(islice(self._offered(path), _MAX_EXPORTS))
        return self._exports[path]

    def _offered(self, path: str) -> Iterator[tuple[str, Symbol]]:
        outline = self.outline(path)
        yield from outline.top.items()
        for name, item in outline.imported.items():
            symbol = self.definition(path, name) if item.name and name not in outline.top else None
            if symbol is not None:
                yield name, symbol
        for item in outline.stars:
            target = self.resolve(path, item.module)
            yield from self.exports(target).items() if target else ()

    def definition(self, path: str, name: str, n_hops: int = 0) -> Symbol | None:
        """Where what a module calls `name` is defined, through what it imports itself."""
        outline = self.outline(path)
        if name in outline.top or n_hops > _MAX_HOPS:
            return outline.top.get(name)
        item = outline.imported.get(name)
        if item is not None:
            target = self.resolve(path, item.module) if item.name else ""
            return self.definition(target, item.name, n_hops + 1) if target and target != path else None
        for star in outline.stars:
            target = self.resolve(path, star.module)
            found = self.definition(target, name, n_hops + 1) if target and target != path else None
            if found is not None:
                return found
        return None

    def existing(self, paths: Sequence[str]) -> set[str]:
        unknown = [path for path in paths if path not in self._exists]
        if unknown:
            found = self._reader.existing(unknown) | (self._names & set(unknown))
            self._exists.update((path, path in found) for path in unknown)
        return {path for path in paths if self._exists[path]}

    def paths_with_stem(self, stem: str) -> list[str]:
        if stem not in self._stems:
            opened = [path for path in self._names if module_stem(path) == stem]
            self._stems[stem] = sorted({*self._reader.paths_with_stem(stem), *opened})
        return self._stems[stem]

    def _checked(self, path: str, kept: _Kept) -> _Kept | None:
        """The same outline when the file has the same content as when it was made."""
        if self._reader.stamp(path) != kept.stamp:
            return None
        kept.version = self._version
        return kept

    def _of_document(self, document: OpenDocument) -> Outline:
        known = self._opened.get(document.path)
        if known is None or known[0] != document.text:
            parsed = self._parses.parse(document.path, document.text, document.language_id)
            language = language_for(document.language_id, document.path)
            facts = read_facts(language.id if language else "", document.text, parsed.symbols)
            known = (document.text, Outline(document.path, parsed.symbols, parsed.imports, facts))
            self._opened[document.path] = known
        return known[1]
