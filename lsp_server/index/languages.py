"""Every language that the index reads, one row each. A new language is a row, a query file and a golden
folder.

Runs in the session and in the index worker. Plain data: must not import tree-sitter (see `grammars.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Language:
    """`id` is the editor's language id. The grammar is `grammar_module.grammar_function()`.

    `imports` names the reader in `imports.py`, `resolver` the one in `resolve`.
    `query` is the stem of the file under `queries/`, or several with `+` between; rows may share one.
    A notebook's path counts as Python's; `source.py` looks at its kernel. `names` are files without a suffix.
    `member_marks` stand between a receiver and a name. `bodies` are the grammar's nodes that hold statements,
    members or cases one below the other; without them the tree is not asked for a completion's mode.
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
    names: tuple[str, ...] = ()
    member_marks: tuple[bytes, ...] = (b".", b"->", b"::")
    bodies: frozenset[str] = frozenset()


_C_BLOCK = ("/*", "*/")
_SCRIPT_BODIES = frozenset(
    {"program", "statement_block", "class_body", "switch_body", "switch_case", "switch_default"}
    | {"interface_body", "enum_body"}
)
_GO_BODIES = frozenset(
    {"source_file", "block", "statement_list", "field_declaration_list", "interface_type"}
    | {"expression_switch_statement", "type_switch_statement", "select_statement"}
    | {"expression_case", "type_case", "default_case", "communication_case"}
)
_RUST_BODIES = frozenset(
    {"source_file", "block", "declaration_list", "field_declaration_list", "enum_variant_list", "match_block"}
)
_JAVA_BODIES = frozenset(
    {"program", "block", "constructor_body", "class_body", "interface_body", "annotation_type_body"}
    | {"enum_body_declarations", "switch_block", "switch_block_statement_group"}
)
_C_BODIES = frozenset(
    {"translation_unit", "compound_statement", "field_declaration_list", "case_statement", "declaration_list"}
    | {"preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif"}
)

LANGUAGES: tuple[Language, ...] = (
    Language(
        "python",
        (".py", ".pyi", ".pyw", ".ipynb"),
        "tree_sitter_python",
        "python",
        "#",
        imports="python",
        resolver="python",
        bodies=frozenset({"module", "block"}),
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
        bodies=_SCRIPT_BODIES,
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
        bodies=_SCRIPT_BODIES,
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
        bodies=_SCRIPT_BODIES,
    ),
    Language(
        "go", (".go",), "tree_sitter_go", "go", "//", _C_BLOCK, imports="go", resolver="go", bodies=_GO_BODIES
    ),
    Language(
        "rust",
        (".rs",),
        "tree_sitter_rust",
        "rust",
        "//",
        _C_BLOCK,
        imports="rust",
        resolver="rust",
        bodies=_RUST_BODIES,
    ),
    Language(
        "java",
        (".java",),
        "tree_sitter_java",
        "java",
        "//",
        _C_BLOCK,
        imports="java",
        resolver="java",
        bodies=_JAVA_BODIES,
    ),
    Language(
        "csharp",
        (".cs", ".csx"),
        "tree_sitter_c_sharp",
        "csharp",
        "//",
        _C_BLOCK,
        imports="csharp",
        resolver="csharp",
    ),
    Language(
        "kotlin",
        (".kt", ".kts"),
        "tree_sitter_kotlin",
        "kotlin",
        "//",
        _C_BLOCK,
        imports="kotlin",
        resolver="kotlin",
    ),
    Language(
        "scala",
        (".scala", ".sc"),
        "tree_sitter_scala",
        "scala",
        "//",
        _C_BLOCK,
        imports="scala",
        resolver="scala",
    ),
    Language(
        "swift", (".swift",), "tree_sitter_swift", "swift", "//", _C_BLOCK, imports="swift", resolver="swift"
    ),
    Language("zig", (".zig",), "tree_sitter_zig", "zig", "//", imports="zig", resolver="zig"),
    Language(
        "php",
        (".php", ".phtml", ".inc"),
        "tree_sitter_php",
        "php",
        "//",
        _C_BLOCK,
        "language_php",
        imports="php",
        resolver="php",
    ),
    Language(
        "ruby",
        (".rb", ".rake", ".gemspec", ".ru"),
        "tree_sitter_ruby",
        "ruby",
        "#",
        imports="ruby",
        resolver="ruby",
        names=("Rakefile", "Gemfile", "Guardfile", "Vagrantfile"),
    ),
    Language(
        "lua",
        (".lua",),
        "tree_sitter_lua",
        "lua",
        "--",
        ("--[[", "]]"),
        imports="lua",
        resolver="lua",
        member_marks=(b".", b":"),
    ),
    Language(
        "shellscript",
        (".sh", ".bash", ".bats", ".ksh"),
        "tree_sitter_bash",
        "shellscript",
        "#",
        imports="shell",
        resolver="shell",
        member_marks=(),
    ),
    Language(
        "c", (".c", ".h"), "tree_sitter_c", "c", "//", _C_BLOCK, imports="c", resolver="c", bodies=_C_BODIES
    ),
    Language(
        "cpp",
        (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".inl"),
        "tree_sitter_cpp",
        "cpp",
        "//",
        _C_BLOCK,
        imports="c",
        resolver="c",
        bodies=_C_BODIES,
    ),
)

# The editor's names for what one of the rows above parses.
ALIASES = {
    "javascriptreact": "javascript",
    "cuda-cpp": "cpp",
    "bash": "shellscript",
    "sh": "shellscript",
}

# What tells a C++ header from a C one: both are called `.h`.
_CPP_HEADER = re.compile(
    r"^[ \t]*(?:(?:class|namespace|template|using)\b|(?:public|private|protected):)", re.MULTILINE
)

_BY_ID = {language.id: language for language in LANGUAGES}
_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}
_BY_NAME = {name: language for language in LANGUAGES for name in language.names}

# What a script without a suffix says of itself: the interpreter in its first line.
_INTERPRETERS = {
    "python": "python", "pypy": "python", "node": "javascript", "deno": "typescript", "bun": "typescript",
    "ruby": "ruby", "php": "php", "lua": "lua", "luajit": "lua", "sh": "shellscript",
    "bash": "shellscript", "dash": "shellscript", "ksh": "shellscript", "ash": "shellscript",
}  # fmt: skip


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
    name = path.rpartition("/")[2]
    return _language_by_suffix(suffix_of(name)) or _BY_NAME.get(name)


def suffix_of(name: str) -> str:
    """What `PurePosixPath(name).suffix` says of a name without folders, ten times as quickly."""
    dot = name.rfind(".")
    return name[dot:] if 0 < dot < len(name) - 1 else ""


def language_of_script(text: str) -> Language | None:
    """By a file's first line, for one whose name tells nothing."""
    if not text.startswith("#!"):
        return None
    words = [word.rpartition("/")[2] for word in text[2:].partition("\n")[0].split()]
    if words and words[0] == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    interpreter = words[0].rstrip("0123456789.") if words else ""
    return language_by_id(_INTERPRETERS.get(interpreter, ""))


def are_related(path: str, other: str) -> bool:
    """Whether code of one file may call code of the other: their imports are of one kind."""
    languages = language_of(path), language_of(other)
    return all(languages) and len({language.imports for language in languages if language}) == 1


def refine(language: Language, path: str, text: str) -> Language:
    """The same, or what the text shows it to be."""
    if language.id == "c" and path.endswith((".h", ".H")) and _CPP_HEADER.search(text):
        return _BY_ID["cpp"]
    return language
