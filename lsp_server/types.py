"""Shared nouns of the editor session, all frozen.

Runs in the session and in its index worker. Must not know LSP, tree-sitter, SQL or the model.
Offsets count `str` code points from 0. Lines count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of offsets."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class DocumentSnapshot:
    """One document as it stood when a request arrived.

    `path` is absolute, or "" for a document that is not a file; `relative_path` is what a prompt shows:
    relative to `workspace_root` with forward slashes. `before` and `after` are the other cells when the
    document is a cell of a notebook.
    """

    uri: str
    path: str
    relative_path: str
    workspace_root: str
    language_id: str
    version: int
    text: str
    before: str = ""
    after: str = ""


PAIRS = frozenset(("()", "[]", "{}", '""', "''", "``", "<>"))


@dataclass(frozen=True, slots=True)
class Change:
    """An edit in one place: at `offset` so many characters were taken out and `text` was put in."""

    offset: int
    n_removed: int
    text: str

    @property
    def cursor(self) -> int:
        """Where it leaves the cursor: behind what was typed; of a pair that the editor closed, in it."""
        return self.offset + (1 if self.text in PAIRS else len(self.text))


class Trigger(StrEnum):
    INVOKED = "invoked"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class SelectedCompletion:
    """The entry that is selected in the editor's completion menu: `text` would replace `span`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """`wants_others`: alternatives too, which take as long as the suggestion again."""

    snapshot: DocumentSnapshot
    offset: int
    trigger: Trigger = Trigger.AUTOMATIC
    selected: SelectedCompletion | None = None
    wants_others: bool = False


class SymbolKind(StrEnum):
    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    METHOD = "method"
    VARIABLE = "variable"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. `signature` is the declaration without its body; `container` the dotted enclosing
    scopes."""

    name: str
    kind: SymbolKind
    path: str
    span: Span
    line: int
    signature: str
    container: str = ""
    docstring: str = ""
    end_line: int = 0


def dotted_name(symbol: Symbol) -> str:
    return f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name


@dataclass(frozen=True, slots=True)
class Reference:
    """A place where a name is used. `scope` is the dotted name of the definition around it, or "".

    `receiver` is the word before the dot (`store` of `self.store.write`), "?" when it is no word, "" for a
    plain name.
    """

    name: str
    path: str
    span: Span
    line: int
    scope: str = ""
    is_call: bool = False
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text from another file chosen for one prompt, and why it was chosen. Where not all of them fit, those
    of the smallest `rank` are shown; the order stays."""

    path: str
    text: str
    reason: str
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for one prompt. `note` is a word for the trace: why there is little or nothing.
    `is_late`: the time was over before all of it was found; who asks again gets more."""

    snippets: tuple[Snippet, ...] = ()
    note: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """A suggestion. `text` replaces `span`; the span starts at or before the cursor and `text` holds what
    was typed. `others` may be taken instead, where a person asked by hand."""

    text: str
    span: Span
    is_cached: bool = False
    others: tuple[Completion, ...] = ()


class Reason(StrEnum):
    """Why there is no suggestion. The value is what traces and `--json` show."""

    DISABLED = "disabled"
    BAD_POSITION = "bad-position"
    FILE_TOO_LARGE = "file-too-large"
    NOT_TEXT = "not-text"
    MIDDLE_OF_WORD = "middle-of-word"
    TEXT_AFTER_CURSOR = "text-after-cursor"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    MODEL_UNAVAILABLE = "model-unavailable"
    TIMED_OUT = "timed-out"
    EMPTY = "empty"
    WHITESPACE_ONLY = "whitespace-only"
    REPEATS_SUFFIX = "repeats-suffix"
    REPETITION = "repetition"
    UNSURE = "unsure"
    SELECTION_MISMATCH = "selection-mismatch"
    INTERNAL_ERROR = "internal-error"


@dataclass(frozen=True, slots=True)
class SyntaxPlace:
    """Where the cursor stands in the syntax tree: at the beginning of a statement, or not. `kind` is the
    grammar's name of the node around it."""

    is_statement: bool
    kind: str


@dataclass(frozen=True, slots=True)
class NoCompletion:
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """A place that a person can jump to; `line` is 1-based here because people read it."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    annotation: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What `explain` knows of a piece of code without any model."""

    title: str
    kind: str
    path: str
    start_line: int
    end_line: int
    signature: str = ""
    docstring: str = ""
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    calls: tuple[tuple[str, Location | None], ...] = ()
    callers: tuple[tuple[str, Location], ...] = ()
    raises: tuple[str, ...] = ()
    complexity: int = 0
    n_lines: int = 0
    notes: tuple[str, ...] = field(default=())
    language_id: str = ""
    code: str = ""
    bases: tuple[str, ...] = ()
    defines: tuple[tuple[str, Location], ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
