"""Cursors in real packages at which the rest of the line first uses a name that is defined in another file.

The rest of that line is what a method must not see. Which name is meant is judged by names alone: it has few
definitions, none in the same file, and the text names it neither before the cursor nor soon after it.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsp_server.index.languages import language_of
from lsp_server.index.parse import ParsedFile, parse
from lsp_server.types import Symbol, SymbolKind
from tests.bench.retrieval.sources import PYTHON, Source, is_test, own_prefixes

MAX_DEFINITIONS = 3
MIN_NAME = 4
MAX_REST = 120
N_SOON = 20
MAX_FILE_BYTES = 400_000

_WORD = re.compile(r"[^\W\d]\w*")
_BLANKS = re.compile(r"[ \t]+")
_BODY = re.compile(r"[ \t]*(?:\{(?:[^{}]*\}?)?|=>.*)[ \t]*;?[ \t]*(?://.*)?$")
# A tag or a comment.
_BEHIND = re.compile(r"[ \t]*(?:`.*|//.*|/\*.*|[;,][ \t]*)$")
_NOT_LINE_END = re.compile(r"[^\n]")
_VALUE = re.compile(r"[ \t]*=(?!>).*$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`lines` are the first lines of its definitions: one of them has to stand in the context."""

    name: str
    via: str
    lines: tuple[str, ...]
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """`text` is the file without the rest of the cursor's line."""

    id: str
    package: str
    root: Path
    file: str
    text: str
    offset: int
    wanted: tuple[Wanted, ...]
    language: str = "python"


def read_package(name: str) -> Path:
    """Where an installed package lies."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"There is no package {name} here: install it, or name another one.")
    return Path(spec.origin).parent


def read_files(root: Path, source: Source = PYTHON) -> dict[str, str]:
    paths = (
        path
        for suffix in source.suffixes
        for path in sorted(root.rglob(f"*{suffix}"))
        if path.stat().st_size <= MAX_FILE_BYTES and not path.name.endswith(source.skipped)
    )
    return {path.relative_to(root).as_posix(): path.read_text("utf-8", "replace") for path in paths}


@dataclass(frozen=True, slots=True)
class Package:
    """A package in memory. `definitions` by name, `prefixes` begin the import paths that lead into it."""

    name: str
    root: Path
    source: Source
    files: Mapping[str, str]
    parsed: Mapping[str, ParsedFile]
    definitions: Mapping[str, Sequence[Symbol]]
    prefixes: tuple[str, ...]


def load_package(name: str, root: Path, source: Source = PYTHON) -> Package:
    files = read_files(root, source)
    language = language_of(f"x{source.suffixes[0]}")
    assert language is not None
    parsed = {file: parse(text, language, file) for file, text in files.items()}
    definitions: dict[str, list[Symbol]] = defaultdict(list)
    for file, found in parsed.items():
        for symbol in found.symbols if source is PYTHON or not is_test(file) else ():
            if symbol.kind is not SymbolKind.FIELD or source.has_fields:
                definitions[symbol.name].append(symbol)
    return Package(name, root, source, files, parsed, definitions, own_prefixes(source, root))


def make_cases(package: Package, n_cases: int, seed: int = 1) -> list[Case]:
    """At most two of a file, one of a name."""
    candidates = [
        (file, offset, wanted)
        for file in package.files
        if not is_test(file)
        for offset, wanted in _places(package, file)
    ]
    random.Random(f"{seed}:{package.name}").shuffle(candidates)
    return list(_chosen(package, candidates, n_cases))


def _chosen(package: Package, candidates: Iterable[tuple[str, int, Wanted]], n_cases: int) -> Iterator[Case]:
    n_of_file: dict[str, int] = defaultdict(int)
    names: set[str] = set()
    for file, offset, wanted in candidates:
        if len(names) >= n_cases:
            return
        if n_of_file[file] < 2 and wanted.name not in names:
            n_of_file[file] += 1
            names.add(wanted.name)
            text = package.files[file]
            end = text.find("\n", offset)
            cut = text[:offset] + (text[end:] if end >= 0 else "")
            case_id = f"{package.name}-{len(names):03d}"
            yield Case(case_id, package.name, package.root, file, cut, offset, (wanted,), package.source.id)


def _places(package: Package, file: str) -> Iterator[tuple[int, Wanted]]:
    """At most one a line: where the line is first cut, the first name behind it that is new."""
    text, parsed, source = package.files[file], package.parsed[file], package.source
    own = {symbol.name for symbol in parsed.symbols}
    lines = text.split("\n")
    bodies = [s for s in parsed.symbols if s.kind in (SymbolKind.FUNCTION, SymbolKind.METHOD)]
    inside = {line for symbol in bodies for line in range(symbol.line + 1, symbol.end_line + 1)}
    inside -= {line for item in parsed.imports for line in range(item.line, item.line + 1)}
    bare = _without_imports(text, parsed).split("\n")
    seen = set(_WORD.findall(_without_imports(text[: _offset(lines, min(inside, default=0))], parsed)))
    start = 0
    for number, line in enumerate(lines):
        is_fit = number in inside and not source.not_code.search(line)
        split = source.split.search(line) if is_fit else None
        if split and split.end() < len(line) <= split.end() + MAX_REST:
            soon = set(_WORD.findall("\n".join(lines[number + 1 : number + 1 + N_SOON])))
            for name in _WORD.findall(line[split.end() :]):
                if name not in seen | soon | own | source.common and len(name) >= MIN_NAME:
                    wanted = _wanted(package, file, name, line)
                    if wanted is not None:
                        yield start + split.end(), wanted
        if number in inside or source.has_fields:
            seen.update(_WORD.findall(bare[number]))
        start += len(line) + 1


def _offset(lines: list[str], number: int) -> int:
    return sum(len(line) + 1 for line in lines[:number])


def _without_imports(text: str, parsed: ParsedFile) -> str:
    for item in parsed.imports:
        blanks = _NOT_LINE_END.sub(" ", text[item.span.start : item.span.end])
        text = text[: item.span.start] + blanks + text[item.span.end :]
    return text


def _wanted(package: Package, file: str, name: str, line: str) -> Wanted | None:
    symbols = package.definitions.get(name, ())
    if not 1 <= len(symbols) <= MAX_DEFINITIONS:
        return None
    modules = {item.alias: item.module for item in package.parsed[file].imports}
    behind = re.search(rf"(?:(\w+)[?!]?|[^\w\s])\.\s*{name}\b", line)
    root = behind[1] if behind else None
    if root in modules and not modules[root].startswith(package.prefixes):
        return None  # of another package
    via, symbols = _meant(package, file, symbols, modules, name=name, root=root, is_behind=behind is not None)
    if not symbols:
        return None
    firsts = tuple(_definition_line(package.files[s.path], s) for s in symbols)
    return Wanted(name, via, firsts, tuple((s.path, s.line) for s in symbols))


def _meant(
    package: Package,
    file: str,
    symbols: Sequence[Symbol],
    modules: Mapping[str, str],
    *,
    name: str,
    root: str | None,
    is_behind: bool,
) -> tuple[str, Sequence[Symbol]]:
    """(how it can be seen, the definitions that it can be)"""
    if name in modules:
        if package.source.has_packages:
            return "", ()  # a package, not what is in it
        is_own = modules[name].startswith(package.prefixes)
        return "import", [symbol for symbol in symbols if is_own and (is_behind or not symbol.container)]
    if package.source.has_packages:
        return _meant_in_package(file, symbols, modules.get(root or ""), is_behind=is_behind)
    if not is_behind:
        return "", ()
    return ("member" if symbols[0].container else "module"), symbols


def _meant_in_package(
    file: str, symbols: Sequence[Symbol], module: str | None, *, is_behind: bool
) -> tuple[str, Sequence[Symbol]]:
    """Go: behind a package's name, a member, or of another file of the same folder."""
    folder = _folder(file)
    if module is not None:
        last = module.rpartition("/")[2]
        found = [s for s in symbols if not s.container and _folder(s.path).rpartition("/")[2] in (last, "")]
        return "module", found
    if is_behind:
        found = [s for s in symbols if s.container and (s.name[0].isupper() or _folder(s.path) == folder)]
        return "member", found
    return "package", [s for s in symbols if not s.container and _folder(s.path) == folder]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _definition_line(text: str, symbol: Symbol) -> str:
    """The line on which its name stands (decorators may come before it), without a body or a value: of what
    is no function or class, its declaration."""
    start = text.find(symbol.name.strip("#"), symbol.span.start)
    line = text[text.rfind("\n", 0, start) + 1 :].partition("\n")[0]
    if symbol.kind is SymbolKind.FIELD:
        line = symbol.signature.partition("\n")[0]
    if symbol.kind in (SymbolKind.FIELD, SymbolKind.VARIABLE):
        return one_spaced(_VALUE.sub("", _BEHIND.sub("", line)))
    return one_spaced(_BEHIND.sub("", _BODY.sub("", line)))


def one_spaced(text: str) -> str:
    """gofmt writes columns: blanks do not count."""
    return _BLANKS.sub(" ", text).strip()


def load_cases(path: Path) -> list[Case]:
    """Cases made by another tool: {"id", "repo", "root", "file", "line", "col", "wanted"}."""
    return [_loaded(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _loaded(row: dict[str, object]) -> Case:
    root, file, line, column = Path(str(row["root"])), str(row["file"]), row["line"], row["col"]
    assert isinstance(line, int) and isinstance(column, int)
    text = (root / file).read_text("utf-8", "replace")
    offset = _offset(text.split("\n"), line) + column
    end = text.find("\n", offset)
    wanted = []
    for item in row["wanted"]:  # type: ignore[attr-defined]
        places = tuple((found["file"], found["line"]) for found in item["defs"])
        wanted.append(Wanted(item["name"], item["via"], tuple(d["sig"] for d in item["defs"]), places))
    cut = text[:offset] + (text[end:] if end >= 0 else "")
    return Case(str(row["id"]), str(row["repo"]), root, file, cut, offset, tuple(wanted))
