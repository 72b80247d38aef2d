"""What the benchmark must know of a language: its files, where a line is cut, which names say nothing.

A row a language. Which name is meant is judged without the resolver that is measured: by names, folders and
the beginning of import paths.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TEST = re.compile(
    r"(^|/)(tests?|testing|testdata|docs?|examples?|_vendor|vendor|node_modules|benchmarks?|__tests__)(/|$)"
    r"|(^|/)test_|_test\.go$|\.(?:test|spec|bench)\.ts$|\.d\.ts$|\.pb\.go$"
)


@dataclass(frozen=True, slots=True)
class Source:
    """`split` ends where a cursor may stand. `has_fields`: a field may be wanted. `has_packages`: files of a
    folder see each other's names."""

    id: str
    suffixes: tuple[str, ...]
    split: re.Pattern[str]
    not_code: re.Pattern[str]
    common: frozenset[str] = field(default_factory=frozenset)
    has_fields: bool = False
    has_packages: bool = False
    skipped: tuple[str, ...] = ()


def is_test(file: str) -> bool:
    return bool(_TEST.search(file))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PYTHON = Source(
    "python",
    (".py",),
    re.compile(r"(?<![=!<>+\-*/%&|^:~])=(?!=) ?|\breturn |\.|\("),
    re.compile(r"[\"'#]"),
    frozenset(
        [*dir(builtins), *keyword.kwlist]
        + [name for kind in (str, bytes, list, dict, set, tuple, int, Exception) for name in dir(kind)]
        + ["self", "args", "kwargs", "name", "path", "close", "read", "write", "start", "stop", "run"]
    ),
)

_SCRIPT_WORDS = _words(
    "abstract async await boolean break case catch class const continue debugger declare default delete else"
    " enum export extends false finally from function implements import infer instanceof interface keyof"
    " module namespace never null number object private protected public readonly return static string super"
    " switch symbol this throw true type typeof undefined unknown void while with yield constructor"
    # what every program may call without importing it
    " Array Boolean Date Error Map Math Number Object Promise Proxy Reflect RegExp Set String Symbol WeakMap"
    " WeakSet JSON console length name value values keys entries push shift splice slice concat join map"
    " filter reduce some every find findIndex indexOf includes forEach sort reverse flat flatMap split trim"
    " replace match test exec toString valueOf call apply bind then catch finally resolve reject add delete"
    " clear size next done message stack create assign freeze defineProperty hasOwnProperty prototype"
    " startsWith endsWith padStart toLowerCase toUpperCase charCodeAt charAt substring isArray parse"
    " stringify abort signal aborted data path text json body headers method status close read write start"
    " stop args race flush args all allSettled any cause code"
)

TYPESCRIPT = Source(
    "typescript",
    (".ts",),
    re.compile(r"(?<![=!<>+\-*/%&|^:~])=(?![=>]) ?|\breturn |\bnew |\?\.|\.|\("),
    re.compile(r"[\"'`]|//|/\*|^\s*\*"),
    _SCRIPT_WORDS,
    has_fields=True,
    skipped=(".d.ts",),
)

_GO_WORDS = _words(
    "break case chan const continue default defer else fallthrough for func goto import interface map package"
    " range return select struct switch type var append cap close complex copy delete imag len make new panic"
    " print println real recover bool byte error float32 float64 int int8 int16 int32 int64 rune string uint"
    " uint8 uint16 uint32 uint64 uintptr true false nil iota any"
    # methods that the standard library's types have too
    " Error String Close Read Write Lock Unlock RLock RUnlock Done Wait Name Len Less Swap Next Reset Bytes"
    " Format Value Load Store Time Add Sub Get Set Has Err Context Type Kind Text Size Mode Before After Unix"
    " Stop Start Run Sprintf Errorf Printf Fprintf Is As Unwrap Flush Scan Open Seek Addr Header Body Host"
    " Path Query File Files Marshal Unmarshal ReadFrom ReadAll PostForm CloseNotify Method Code Status Fatal"
    " WriteString WriteByte ReadByte Print Println Panic Join Split Contains Index Trim Replace Repeat Field"
    " Fields Elem Interface NumField Values Keys Cookie Cookies Form URL Scheme Copy Clone Equal Compare Dial"
    " Listen Accept Shutdown Serve Handle HandleFunc ServeHTTP Parse Execute Lookup Signal Broadcast Notify"
    " Deadline Timeout Truncate Round Seconds Milliseconds Hours Minutes Encode Decode Sum Hash Writer Reader"
    " Delete Range Clear Transport Client Server Request Response Errors Offset Line Column Filename"
)

GO = Source(
    "go",
    (".go",),
    re.compile(r"(?<![=!<>+\-*/%&|^])=(?!=) ?|\breturn |\.|\(|&"),
    re.compile(r"[\"'`]|//|/\*"),
    _GO_WORDS,
    has_fields=True,
    has_packages=True,
)

SOURCES: Mapping[str, Source] = {source.id: source for source in (PYTHON, TYPESCRIPT, GO)}


def own_prefixes(source: Source, root: Path) -> tuple[str, ...]:
    """How an import path begins that leads into the package itself."""
    if source is TYPESCRIPT:
        return (".",)
    mod = root / "go.mod"
    text = mod.read_text("utf-8") if source is GO and mod.exists() else ""
    found = re.search(r"^module\s+(\S+)", text, re.MULTILINE)
    return (found[1],) if found else ("",)
