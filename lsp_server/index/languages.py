"""Every language that the index reads, one row each. A new language is a row, a query file and a golden
folder.

Runs in the session and in the index worker. Plain data: must not import tree-sitter (see `grammars.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Language:
    """`id` is the editor's language id. The grammar is `grammar_module.grammar_function()`.

    `imports` names the reader in `imports.py`, `resolver` the one in `resolve.py`; "" where there is
    none yet.
    `query` is the stem of the file under `queries/`, or several with `+` between; rows may share one.
    """

    id: str
    suffixes: tuple[str, ...]
    grammar_module: str
    query: str
    line_comment: str
    block_comment: tuple[str, str] | None = None
    grammar_function: str = "language"
    imports: str = ""
    resolver: str = ""


_C_BLOCK = ("/*", "*/")

LANGUAGES: tuple[Language, ...] = (
    Language(
        "python",
        (".py", ".pyi", ".pyw"),
        "tree_sitter_python",
        "python",
        "#",
        imports="python",
        resolver="python",
    ),
    Language(
        "javascript",
        (".js", ".mjs", ".cjs", ".jsx"),
        "tree_sitter_javascript",
        "javascript+jsx",
        "//",
        _C_BLOCK,
        imports="javascript",
        resolver="javascript",
    ),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        "tree_sitter_typescript",
        "typescript",
        "//",
        _C_BLOCK,
        "language_typescript",
        imports="javascript",
        resolver="javascript",
    ),
    Language(
        "typescriptreact",
        (".tsx",),
        "tree_sitter_typescript",
        "typescript+jsx",
        "//",
        _C_BLOCK,
        "language_tsx",
        imports="javascript",
        resolver="javascript",
    ),
    Language("go", (".go",), "tree_sitter_go", "go", "//", _C_BLOCK, imports="go"),
    Language("rust", (".rs",), "tree_sitter_rust", "rust", "//", _C_BLOCK, imports="rust"),
    Language("java", (".java",), "tree_sitter_java", "java", "//", _C_BLOCK, imports="java"),
    Language("c", (".c", ".h"), "tree_sitter_c", "c", "//", _C_BLOCK, imports="c"),
    Language(
        "cpp",
        (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".inl"),
        "tree_sitter_cpp",
        "cpp",
        "//",
        _C_BLOCK,
        imports="c",
    ),
)

# The editor's names for what one of the rows above parses.
ALIASES = {"javascriptreact": "javascript", "cuda-cpp": "cpp"}

# What tells a C++ header from a C one: both are called `.h`.
_CPP_HEADER = re.compile(
    r"^[ \t]*(?:(?:class|namespace|template|using)\b|(?:public|private|protected):)", re.MULTILINE
)

_BY_ID = {language.id: language for language in LANGUAGES}
_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def language_by_id(language_id: str) -> Language | None:
    return _BY_ID.get(ALIASES.get(language_id, language_id))


def language_for(language_id: str, path: str) -> Language | None:
    """What the editor says counts; the file's name where it says nothing."""
    return language_by_id(language_id) if language_id else language_of(path)


@cache
def _language_by_suffix(suffix: str) -> Language | None:
    return _BY_SUFFIX.get(suffix) or _BY_SUFFIX.get(suffix.lower())


def language_of(path: str) -> Language | None:
    """By the file's name alone: what the crawl asks of every file."""
    return _language_by_suffix(PurePosixPath(path).suffix)


def are_related(path: str, other: str) -> bool:
    """Whether code of one file may call code of the other: their imports are of one kind."""
    languages = language_of(path), language_of(other)
    return all(languages) and len({language.imports for language in languages if language}) == 1


def refine(language: Language, path: str, text: str) -> Language:
    """The same, or what the text shows it to be."""
    if language.id == "c" and path.endswith((".h", ".H")) and _CPP_HEADER.search(text):
        return _BY_ID["cpp"]
    return language
