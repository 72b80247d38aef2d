"""Which names the workspace's ignore files leave out, by git's rules.

Runs in the index worker, and in the session for events of files. Reads ignore files and nothing else.
In order of weight: `.edgewiseignore`, `.gitignore` (each: the nearest that says something),
`.git/info/exclude`,
the setting `index.exclude`, then what hardly anybody wants. A later pattern with `!` brings back what an
earlier
one left out; nothing brings back what lies in an ignored folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pathspec import GitIgnoreSpec, RegexPattern
from pathspec.patterns.gitignore import GitIgnorePatternError

IGNORE_FILES = (".edgewiseignore", ".gitignore")

DEFAULTS = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "__pycache__/",
    ".venv/",
    "venv/",
    ".tox/",
    ".nox/",
    "node_modules/",
    "bower_components/",
    "jspm_packages/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".pytest_cache/",
    ".hypothesis/",
    ".idea/",
    ".vscode-test/",
    ".next/",
    ".nuxt/",
    ".svelte-kit/",
    ".parcel-cache/",
    ".turbo/",
    ".gradle/",
    ".terraform/",
    ".eggs/",
    "*.egg-info/",
    "vendor/",
    "_vendor/",
    "third_party/",
    "third-party/",
    "Pods/",
    "Carthage/",
    "site-packages/",
    "dist-packages/",
    ".yarn/",
    ".bundle/",
    ".build/",
    ".cache/",
    ".dart_tool/",
    ".direnv/",
    ".ipynb_checkpoints/",
    "DerivedData/",
    "elm-stuff/",
    "*.min.js",
    "*.min.mjs",
    "*.min.css",
    "*.bundle.js",
    "*.bundle.css",
]

# Written by programs, told by name; `source.py` tells others by what they say of themselves.
_GENERATED_NAMES = re.compile(
    r"""(?x)
    .*_pb2(?:_grpc)?\.pyi? | .*\.pb\.(?:go|cc|h|dart|swift|gw\.go) | .*_grpc\.pb\..* | zz_generated.*\.go
    | .*\.g\.(?:cs|dart) | .*\.freezed\.dart | .*\.designer\.cs | .*[._-]generated\.\w+ | .*\.gen\.\w+
    | bindata\.go | package-lock\.json | npm-shrinkwrap\.json | pnpm-lock\.ya?ml | go\.sum | .*\.lock
    | gradlew(?:\.bat)? | mvnw(?:\.cmd)? | .*\.tsbuildinfo | .*\.min\.\w+
    """,
    re.IGNORECASE,
)

_DEFAULT_FOLDERS = frozenset(name.rstrip("/") for name in DEFAULTS if "*" not in name)
_DEFAULT_ENDS = tuple(name.removeprefix("*") for name in DEFAULTS if "*" in name)

# Never read, whatever an ignore file says.
_NEVER = frozenset({".git", ".hg", ".svn", ".jj"})
_MAX_IGNORE_BYTES = 1_000_000


class _Pattern(NamedTuple):
    """One line of an ignore file. As pathspec has it, a pattern also means whatever lies in a folder that it
    means (its group `ps_d` is that folder's slash); the walk asks for each folder on the way, as git does: so
    only `path` itself counts."""

    regex: re.Pattern[str]
    is_left_out: bool
    has_slash: bool
    is_anchored: bool

    def means(self, path: str, bare: str) -> bool:
        """`bare` is `path` without the slash at the end of a folder's."""
        if not self.has_slash:
            return self.regex.search(bare) is not None
        found = self.regex.search(path, 0 if self.is_anchored else len(path) - 1)
        return found is not None and (found.start("ps_d") < 0 or found.end("ps_d") == len(path))


_Patterns: TypeAlias = tuple[_Pattern, ...]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one file, the last first; they count for what lies below `folder` ("" is the root)."""

    folder: str
    patterns: _Patterns

    def verdict(self, path: str) -> bool | None:
        """Whether `path` is left out, or None when no pattern says anything of it."""
        return _verdict(self.patterns, path[len(self.folder) :])


def _verdict(patterns: _Patterns, path: str) -> bool | None:
    """The last pattern that means `path` decides."""
    bare = path.removesuffix("/")
    return next((pattern.is_left_out for pattern in patterns if pattern.means(path, bare)), None)


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """What counts in one folder. `rules` are in order of weight."""

    nested: tuple[tuple[_Rules, ...], ...]
    rest: tuple[_Rules | _Defaults, ...]

    def is_ignored(self, path: str) -> bool:
        """`path` is relative to the root, with forward slashes; a folder ends with one."""
        if path.rstrip("/").rpartition("/")[2] in _NEVER:
            return True
        for rules in (*(rules for kind in self.nested for rules in kind), *self.rest):
            verdict = rules.verdict(path)
            if verdict is not None:
                return verdict
        return False

    def enter(self, root: Path, folder: str, names: Iterable[str]) -> IgnoreRules:
        """The rules inside of `folder` ("" or with a slash at its end), which holds the files `names`."""
        present = set(IGNORE_FILES).intersection(names)
        if not present:
            return self
        nested = tuple(
            (*_read_rules(root / folder / name, folder), *known) if name in present else known
            for name, known in zip(IGNORE_FILES, self.nested, strict=True)
        )
        return IgnoreRules(nested, self.rest)


class _Defaults:
    """`DEFAULTS`, each of which is a name or an end, without a pattern for each: every path is asked."""

    def verdict(self, path: str) -> bool | None:
        is_folder = path.endswith("/")
        is_named = is_folder and path[:-1].rpartition("/")[2] in _DEFAULT_FOLDERS
        return True if is_named or path.endswith(_DEFAULT_ENDS) else None


def is_generated(name: str) -> bool:
    return _GENERATED_NAMES.fullmatch(name) is not None


def root_rules(root: Path, exclude: Sequence[str] = ()) -> IgnoreRules:
    """The rules that hold before any ignore file inside of `root` has been read."""
    repository = _repository_above(root)
    above = tuple(_rules_above(root, repository)) if repository else ()
    info = _read_rules(root / ".git" / "info" / "exclude", "")
    rest: tuple[_Rules | _Defaults, ...] = (*above, *info, *_compile(exclude, ""), _Defaults())
    return IgnoreRules(nested=((), ()), rest=rest)


def _repository_above(root: Path) -> Path | None:
    """The folder above `root` that holds `.git`, when `root` itself is none."""
    if (root / ".git").exists():
        return None
    return next((folder for folder in root.parents if (folder / ".git").exists()), None)


def _rules_above(root: Path, repository: Path) -> Iterator[_Rules]:
    """Rules from folders above the root; none when they would leave out the root, which the user did open."""
    for folder in (root.parent, *root.parent.parents):
        inside = root.relative_to(folder).as_posix() + "/"
        for rules in _read_rules(folder / ".gitignore", ""):
            if _verdict(rules.patterns, inside):
                return
            yield _Shifted("", rules.patterns, inside)
        if folder == repository:
            return


@dataclass(frozen=True, slots=True)
class _Shifted(_Rules):
    """Rules of a folder above the root: `inside` is the root as that folder sees it."""

    inside: str = ""

    def verdict(self, path: str) -> bool | None:
        return _verdict(self.patterns, self.inside + path)


def _read_rules(path: Path, folder: str) -> tuple[_Rules, ...]:
    """Empty when there is no such file, or it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_IGNORE_BYTES)
    except (OSError, ValueError):
        return ()
    return _compile(content.decode("utf-8-sig", "replace").splitlines(), folder)


def _compile(lines: Iterable[str], folder: str) -> tuple[_Rules, ...]:
    lines = list(lines)
    try:
        spec = GitIgnoreSpec.from_lines(lines)
    except (GitIgnorePatternError, ValueError, re.error):
        spec = GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))
    patterns = tuple(_read_patterns(spec))
    return (_Rules(folder, patterns[::-1]),) if patterns else ()


def _read_patterns(spec: GitIgnoreSpec) -> Iterator[_Pattern]:
    for item in spec.patterns:
        if item.include is not None and isinstance(item, RegexPattern) and item.regex is not None:
            regex = item.regex
            yield _Pattern(regex, item.include, "ps_d" in regex.groupindex, regex.pattern.startswith("^"))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except (GitIgnorePatternError, ValueError, re.error):
        return False
    return True
