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
from functools import lru_cache
from itertools import islice

from lsp_server.index.fact_readers import read_facts
from lsp_server.index.languages import language_for, language_of
from lsp_server.index.outline import Outline
from lsp_server.index.packages import merge
from lsp_server.index.reader import Reader
from lsp_server.index.resolve import (
    OWN_PACKAGE,
    PACKAGE_RESOLVER,
    is_by_name,
    is_exported,
    package_folder,
    resolve,
    resolve_member,
)
from lsp_server.index.secrets import is_secret
from lsp_server.index.store import module_stem
from lsp_server.index.view import OpenDocument, ParseCache
from lsp_server.types import Symbol

_KEPT_OUTLINES = 600
_KEPT_NAMES = 20_000
_MAX_EXPORTS = 2000
_MAX_HOPS = 5
_MAX_OF_FOLDER = 200
_TEST_FILES = ("_test.go",)


class Late(Exception):
    """The question took longer than it may."""


@dataclass(slots=True)
class _Kept:
    """An outline, the file's content that it is of, and the store's version when that was last checked."""

    outline: Outline
    stamp: bytes
    version: int


class Catalogue:
    """`refresh` before each question. Implements the port `Files` of `resolve`."""

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
        self._definitions: dict[tuple[str, str], Symbol | None] = {}
        self._folders: dict[str, Sequence[str]] = {}
        self._packages: dict[str, Outline] = {}
        self._own_package: Outline | None = None
        self._seen: dict[str, Outline] = {}

    def refresh(
        self, documents: Mapping[str, OpenDocument], current: Outline, deadline_s: float | None = None
    ) -> None:
        """`current` takes the place of whatever is known of the file that is being typed in. After
        `deadline_s` (of `time.monotonic`) nothing more is read from the store: `Late` is raised."""
        self.limit(deadline_s)
        self._reader.refresh()
        version = self._reader.version()
        self._documents = {path: item for path, item in documents.items() if not is_secret(path)}
        names = frozenset({*self._documents, current.path})
        if version != self._version or names != self._names or len(self._named) > _KEPT_NAMES:
            self._forget()
        self._version, self._names, self._current = version, names, current
        self._own_package = None
        self._definitions.clear()
        self._seen.clear()

    def _forget(self) -> None:
        """Everything that another state of the files may answer otherwise."""
        for table in (self._exists, self._stems, self._modules, self._importers, self._siblings):
            table.clear()
        self._named.clear()
        self._exports.clear()
        self._folders.clear()
        self._packages.clear()

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
            self.check_time()
            kept = _Kept(self._reader.outline(path), self._reader.stamp(path), self._version)
        self._kept[path] = kept
        self._kept.move_to_end(path)
        while len(self._kept) > _KEPT_OUTLINES:
            self._kept.popitem(last=False)
        return kept.outline

    def limit(self, deadline_s: float | None) -> None:
        """For more of the same question."""
        self._deadline_s = math.inf if deadline_s is None else deadline_s

    def check_time(self) -> None:
        """To be called wherever a question may take long."""
        if time.monotonic() > self._deadline_s:
            raise Late

    @property
    def version(self) -> int:
        """Of the store, at the last question."""
        return self._version

    def current_version(self) -> int:
        """Another number when the store has changed since."""
        self._reader.refresh()
        return self._reader.version()

    def module(self, path: str) -> Outline:
        """What the code of a file sees without importing it: the file, or all files of its package."""
        found = self._seen.get(path)
        if found is None:
            found = self._seen[path] = self._module(path)
        return found

    def _module(self, path: str) -> Outline:
        folder = path if path.endswith("/") else package_folder(_resolver(path), path)
        if not folder:
            return self.outline(path)
        if folder != package_folder(_resolver(self._current.path), self._current.path):
            return self._package(folder)
        if self._own_package is None:
            self._own_package = merge(folder, [self._current, self._package(folder)])
        return self._own_package

    def _package(self, folder: str) -> Outline:
        """Without the current file."""
        if folder not in self._packages:
            listed = (path for path in self.files_in(folder) if path != self._current.path)
            paths = [path for path in listed if _resolver(path) == PACKAGE_RESOLVER]
            wanted = [path for path in paths if not path.endswith(_TEST_FILES)]
            self._packages[folder] = merge(folder, [self.outline(path) for path in wanted])
        return self._packages[folder]

    def in_package(self, path: str) -> Mapping[str, Symbol]:
        """What a file sees of other files without importing it."""
        folder = package_folder(_resolver(path), path)
        return self._package(folder).top if folder else {}

    def is_exported(self, name: str) -> bool:
        """Whether the current file is meant to see a name of another module."""
        return is_exported(_resolver(self._current.path), name)

    def is_found_by_name(self, path: str) -> bool:
        """Whether the language of a file names types, not the files that they are in."""
        return is_by_name(_resolver(path))

    def resolve(self, importer: str, module: str, name: str = "") -> str:
        """The file of a module, or of `name` in it, as `importer` writes it; "" when it is none of the
        workspace. A package that is a folder ends with a slash."""
        resolver = _resolver(importer)
        asked = f"{module}\n{name}" if name and is_by_name(resolver) else module
        key = (importer.rpartition("/")[0], asked)
        if key not in self._modules:
            self._modules[key] = resolve(resolver, module, importer, self, name)
        return self._modules[key]

    def resolve_member(self, importer: str, module: str, name: str) -> str:
        """The file that `name` of a module is, when it is a module itself."""
        key = (importer.rpartition("/")[0], f"{module} {name}")
        if key not in self._modules:
            self._modules[key] = resolve_member(_resolver(importer), module, name, importer, self)
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
            self.check_time()
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
        outline = self.outline(path) if not path.endswith("/") else self._package(path)
        if path.endswith("/"):
            yield from outline.top.items()
            return
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
        key = (path, name)
        if key not in self._definitions:
            self._definitions[key] = None  # a module that takes from itself
            self._definitions[key] = self._definition(path, name, n_hops)
        return self._definitions[key]

    def _definition(self, path: str, name: str, n_hops: int) -> Symbol | None:
        outline = self.module(path)
        if name in outline.top or n_hops > _MAX_HOPS:
            return outline.top.get(name)
        item = outline.imported.get(name)
        if item is not None and item.name:
            target = self.resolve(path, item.module, item.name) if item.module else path
            return self.definition(target, item.name, n_hops + 1) if target else None
        if item is not None:
            return None
        targets = [self.resolve(path, star.module, name) for star in outline.stars]
        if is_by_name(_resolver(path)):
            targets.append(self.resolve(path, OWN_PACKAGE, name))
        for target in targets:
            found = self.definition(target, name, n_hops + 1) if target and target != path else None
            if found is not None:
                return found
        return None

    def text_of(self, path: str) -> str:
        document = self._documents.get(path)
        return document.text if document is not None else self._reader.text_of(path)

    def files_in(self, folder: str) -> Sequence[str]:
        if folder not in self._folders:
            inner = folder.removeprefix("./")
            found = self._reader.files_beside(f"{inner}?", _MAX_OF_FOLDER)
            opened = [path for path in self._names if path.rpartition("/")[0] == inner.rstrip("/")]
            self._folders[folder] = sorted({*found, *opened})
        return self._folders[folder]

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


@lru_cache(maxsize=4096)
def _resolver(path: str) -> str:
    if path.endswith("/"):
        return PACKAGE_RESOLVER
    language = language_of(path)
    return language.resolver if language is not None else ""
