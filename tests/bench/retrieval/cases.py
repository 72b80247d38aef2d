"""Cursors in real packages at which the rest of the line first uses a name that is defined in another file.

The rest of that line is what a method must not see. Which name is meant is judged by names alone: it has few
definitions, none in the same file, and the text names it neither before the cursor nor soon after it.
"""

from __future__ import annotations

import builtins
import importlib.util
import json
import keyword
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lsp_server.index.languages import language_of
from lsp_server.index.parse import ParsedFile, parse
from lsp_server.types import Symbol, SymbolKind

MAX_DEFINITIONS = 3
MIN_NAME = 4
MAX_REST = 120
N_SOON = 20
MAX_FILE_BYTES = 400_000

_WORD = re.compile(r"[^\W\d]\w*")
_SPLIT = re.compile(r"(?<![=!<>+\-*/%&|^:~])=(?!=) ?|\breturn |\.|\(")
_NOT_CODE = re.compile(r"[\"'#]")
_COMMON = frozenset(
    [*dir(builtins), *keyword.kwlist]
    + [name for kind in (str, bytes, list, dict, set, tuple, int, Exception) for name in dir(kind)]
    + ["self", "args", "kwargs", "name", "path", "close", "read", "write", "start", "stop", "run"]
)


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


def read_package(name: str) -> Path:
    """Where an installed package lies."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"There is no package {name} here: install it, or name another one.")
    return Path(spec.origin).parent


def read_files(root: Path) -> dict[str, str]:
    paths = (path for path in sorted(root.rglob("*.py")) if path.stat().st_size <= MAX_FILE_BYTES)
    return {path.relative_to(root).as_posix(): path.read_text("utf-8", "replace") for path in paths}


def make_cases(package: str, root: Path, n_cases: int, seed: int = 1) -> list[Case]:
    """At most two of a file, one of a name."""
    files = read_files(root)
    python = language_of("x.py")
    assert python is not None
    parsed = {file: parse(text, python, file) for file, text in files.items()}
    definitions: dict[str, list[Symbol]] = defaultdict(list)
    for found in parsed.values():
        for symbol in found.symbols:
            if symbol.kind is not SymbolKind.FIELD:
                definitions[symbol.name].append(symbol)
    candidates = [
        (file, offset, wanted)
        for file, text in files.items()
        if not _is_test(file)
        for offset, wanted in _places(text, parsed[file], definitions, files)
    ]
    random.Random(f"{seed}:{package}").shuffle(candidates)
    return list(_chosen(package, root, files, candidates, n_cases))


def _chosen(
    package: str,
    root: Path,
    files: dict[str, str],
    candidates: Iterable[tuple[str, int, Wanted]],
    n_cases: int,
) -> Iterator[Case]:
    n_of_file: dict[str, int] = defaultdict(int)
    names: set[str] = set()
    for file, offset, wanted in candidates:
        if len(names) >= n_cases:
            return
        if n_of_file[file] < 2 and wanted.name not in names:
            n_of_file[file] += 1
            names.add(wanted.name)
            text = files[file]
            end = text.find("\n", offset)
            cut = text[:offset] + (text[end:] if end >= 0 else "")
            yield Case(f"{package}-{len(names):03d}", package, root, file, cut, offset, (wanted,))


def _is_test(file: str) -> bool:
    return bool(re.search(r"(^|/)(tests?|testing|docs?|examples?|_vendor|vendor)(/|$)|(^|/)test_", file))


def _places(
    text: str, parsed: ParsedFile, definitions: dict[str, list[Symbol]], files: dict[str, str]
) -> Iterator[tuple[int, Wanted]]:
    own = {symbol.name for symbol in parsed.symbols}
    imported = {item.alias for item in parsed.imports}
    lines = text.split("\n")
    bodies = [s for s in parsed.symbols if s.kind in (SymbolKind.FUNCTION, SymbolKind.METHOD)]
    inside = {line for symbol in bodies for line in range(symbol.line + 1, symbol.end_line + 1)}
    inside -= {line for item in parsed.imports for line in range(item.line, item.line + 1)}
    seen = set(_WORD.findall(_without_imports(text[: _offset(lines, min(inside, default=0))], parsed)))
    start = 0
    for number, line in enumerate(lines):
        split = _SPLIT.search(line) if number in inside and not _NOT_CODE.search(line) else None
        if split and split.end() < len(line) <= split.end() + MAX_REST:
            soon = set(_WORD.findall("\n".join(lines[number + 1 : number + 1 + N_SOON])))
            for name in _WORD.findall(line[split.end() :]):
                if name not in seen | soon | own | _COMMON and len(name) >= MIN_NAME:
                    wanted = _wanted(name, line, imported, definitions.get(name, []), files)
                    if wanted is not None:
                        yield start + split.end(), wanted
        if number in inside:
            seen.update(_WORD.findall(line))
        start += len(line) + 1


def _offset(lines: list[str], number: int) -> int:
    return sum(len(line) + 1 for line in lines[:number])


def _without_imports(text: str, parsed: ParsedFile) -> str:
    for item in parsed.imports:
        text = text[: item.span.start] + " " * len(item.span) + text[item.span.end :]
    return text


def _wanted(
    name: str, line: str, imported: set[str], symbols: list[Symbol], files: dict[str, str]
) -> Wanted | None:
    if not 1 <= len(symbols) <= MAX_DEFINITIONS:
        return None
    is_behind_dot = re.search(rf"\.\s*{name}\b", line) is not None
    symbols = [symbol for symbol in symbols if is_behind_dot or not symbol.container]
    if not symbols or not (is_behind_dot or name in imported):
        return None
    via = "import" if name in imported else "member" if symbols[0].container else "module"
    firsts = tuple(_definition_line(files[s.path], s) for s in symbols)
    return Wanted(name, via, firsts, tuple((s.path, s.line) for s in symbols))


def _definition_line(text: str, symbol: Symbol) -> str:
    """The line on which its name stands: decorators may come before it."""
    start = text.find(symbol.name, symbol.span.start)
    return text[text.rfind("\n", 0, start) + 1 :].partition("\n")[0].strip()


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
