"""What `tsconfig.json` and `package.json` say about imports. Pure: from texts to values.

Runs in the session. Both may be written by strangers: what is not as expected says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_MAX_CHARS = 200_000
_MAX_PATHS = 400
_STRING_OR_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_CONDITIONS = ("source", "development", "import", "module", "default", "require", "types", "node", "browser")


@dataclass(frozen=True, slots=True)
class TsConfig:
    """`base_url` is None where none is given. `paths`: a pattern with at most one `*` to where it leads."""

    extends: tuple[str, ...] = ()
    base_url: str | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackageJson:
    """`exports` and `imports`: a pattern to the files that it may mean; `entries`: what the package is by
    itself."""

    name: str = ""
    entries: tuple[str, ...] = ()
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=64)
def parse_tsconfig(text: str) -> TsConfig:
    """JSON with comments and commas too many."""
    table = _table(_parse_json(text))
    options = _table(table.get("compilerOptions"))
    base_url = options.get("baseUrl")
    return TsConfig(
        extends=tuple(_strings(table.get("extends"))),
        base_url=base_url if isinstance(base_url, str) else None,
        paths={
            pattern: tuple(_strings(targets))
            for pattern, targets in list(_table(options.get("paths")).items())[:_MAX_PATHS]
        },
    )


@lru_cache(maxsize=256)
def parse_package_json(text: str) -> PackageJson:
    table = _table(_parse_json(text))
    name = table.get("name")
    exports = table.get("exports")
    by_path = exports if _is_by_path(exports) else {".": exports}
    main = [table.get(key) for key in ("source", "types", "typings", "module", "main")]
    return PackageJson(
        name=name if isinstance(name, str) else "",
        entries=tuple(entry for entry in main if isinstance(entry, str)),
        exports=_targets(by_path),
        imports=_targets(table.get("imports")),
    )


def match_pattern(pattern: str, module: str) -> str | None:
    """What `*` stands for, "" where there is none; None when the pattern does not fit."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if module == pattern else None
    if len(module) < len(before) + len(after):
        return None
    is_fit = module.startswith(before) and module.endswith(after)
    return module[len(before) : len(module) - len(after)] if is_fit else None


def mapped(paths: Mapping[str, Sequence[str]], module: str) -> Iterator[str]:
    """Where the patterns that fit lead: the one with the longest beginning first."""
    fitting = [(pattern, match_pattern(pattern, module)) for pattern in paths]
    fitting.sort(key=lambda item: (-len(item[0].partition("*")[0]), item[0]))
    for pattern, inner in fitting:
        if inner is not None:
            yield from (target.replace("*", inner) for target in paths[pattern])


def _targets(table: object) -> dict[str, tuple[str, ...]]:
    items = list(_table(table).items())[:_MAX_PATHS]
    return {pattern: tuple(_leaves(target, 0)) for pattern, target in items}


def _leaves(target: object, depth: int) -> Iterator[str]:
    """All files that a target may mean, by whatever condition, the likeliest source first."""
    if isinstance(target, str):
        yield target
    elif isinstance(target, list) and depth < 4:
        for item in target[:10]:
            yield from _leaves(item, depth + 1)
    elif isinstance(target, dict) and depth < 4:
        known = [key for key in _CONDITIONS if key in target]
        for key in [*known, *[key for key in target if key not in known]][:12]:
            yield from _leaves(target[key], depth + 1)


def _is_by_path(exports: object) -> bool:
    return isinstance(exports, dict) and any(str(key).startswith(".") for key in exports)


def _parse_json(text: str) -> object:
    if len(text) > _MAX_CHARS:
        return None
    try:
        without = _STRING_OR_COMMENT.sub(lambda match: match[1] or " ", text)
        return json.loads(_LAST_COMMA.sub(lambda match: match[1] or "", without))
    except (ValueError, RecursionError):
        return None


def _table(found: object) -> Mapping[str, object]:
    return found if isinstance(found, dict) else {}


def _strings(found: object) -> list[str]:
    items = found if isinstance(found, list) else [found]
    return [item for item in items if isinstance(item, str)]
