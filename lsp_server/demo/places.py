"""Where the demo types: real lines of real files, with the rest of the line, or a block, taken out.

Runs in the demo's process. Reads files, never writes one. Must not know the server, the model or the screen.
What the file's author wrote there is kept, so that a person can compare; nothing of it reaches the server.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lsp_server.text import lines as text_lines

PACKAGE = Path(__file__).parents[1]
N_PLACES = 5
_MAX_FILE_BYTES = 60_000
_MAX_FILES_SEEN = 400
_LINE_LENGTHS = range(20, 80)
_SKIPPED_FOLDERS = {"node_modules", "site-packages", "build", "dist", "work", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Place:
    """`text` is the file without what the author wrote at `offset`; `typed` is the beginning of that."""

    title: str
    path: Path
    text: str
    offset: int
    typed: str
    author: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A place in this package by what stands there: `before` ends at the cursor, `typed` and `rest` are taken
    out."""

    title: str
    path: str
    before: str
    typed: str
    rest: str


def choose_places(workspace: Path, n_places: int = N_PLACES) -> list[Place]:
    """This project's own places in this project; in any other folder lines found by their shape."""
    cuts = PROJECT_CUTS if PACKAGE.is_relative_to(workspace) else ()
    own = [place for cut in cuts if (place := cut_out(PACKAGE, cut))]
    return own or list(islice(find_places(workspace), n_places))


def default_workspace() -> Path:
    """This project where it is a checkout; installed, only this package of all that lies beside it."""
    return PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else PACKAGE


def cut_out(folder: Path, cut: Cut) -> Place | None:
    """None when the file does not hold exactly this code, exactly once."""
    path = folder / cut.path
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    whole = cut.before + cut.typed + cut.rest
    if text.count(whole) != 1:
        return None
    offset = text.index(whole) + len(cut.before)
    author = cut.typed + cut.rest
    return Place(cut.title, path, text[:offset] + text[offset + len(author) :], offset, cut.typed, author)


def find_places(workspace: Path) -> Iterator[Place]:
    """At most one line of each file; the shapes take turns, so that it is not five times the same."""
    for number, (path, text, tree) in enumerate(_read_python_files(workspace)):
        shape = SHAPES[number % len(SHAPES)]
        place = next((p for node in ast.walk(tree) if (p := _cut_statement(path, text, node, *shape))), None)
        if place:
            yield place


def _read_python_files(workspace: Path) -> Iterator[tuple[Path, str, ast.Module]]:
    for path in islice(_python_files(workspace), _MAX_FILES_SEEN):
        try:
            if 1_500 < path.stat().st_size < _MAX_FILE_BYTES:
                text = path.read_text("utf-8")
                yield path, text, ast.parse(text)
        except (OSError, ValueError, SyntaxError, RecursionError):
            continue


def _python_files(folder: Path) -> Iterator[Path]:
    """Files of a folder before those below it, in a fixed order, without hidden and generated folders."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    yield from (entry for entry in entries if entry.suffix == ".py" and entry.is_file())
    for entry in entries:
        hidden = entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS
        if not hidden and not entry.is_symlink() and entry.is_dir():
            yield from _python_files(entry)


SHAPES: Sequence[tuple[str, type[ast.stmt]]] = (
    ("the rest of a return", ast.Return),
    ("the rest of an assignment", ast.Assign),
    ("the rest of a call", ast.Expr),
)


def _cut_statement(path: Path, text: str, node: ast.AST, title: str, kind: type[ast.stmt]) -> Place | None:
    """The statement's line, cut near its start; None unless it is one ASCII line deep enough in the file."""
    if not isinstance(node, kind) or isinstance(getattr(node, "value", None), ast.Constant | None):
        return None
    lines = list(text_lines(text))
    line = lines[node.lineno - 1]
    code = line.strip()
    if (
        node.lineno != node.end_lineno
        or node.lineno < 25
        or not code.isascii()
        or len(code) not in _LINE_LENGTHS
    ):
        return None
    start = sum(len(before) for before in lines[: node.lineno - 1]) + len(line) - len(line.lstrip())
    typed = code[: max(len(code) // 3, 4)]
    return Place(title, path, text[:start] + text[start + len(code) :], start, typed, code)


PROJECT_CUTS: Sequence[Cut] = (
    Cut(
        "the next case of several",
        "demo/screen.py",
        before='    table.add_column("shown", justify="right")\n    ',
        typed='table.add_column("p',
        rest='50", justify="right")',
    ),
    Cut(
        "a line like the one above",
        "documents.py",
        before="    if buffer is None:\n        return None\n"
        "    start = buffer.clamped_offset_at(edit.start.line, edit.start.character, encoding)\n    ",
        typed="end = buffer.clamped_off",
        rest="set_at(edit.end.line, edit.end.character, encoding)",
    ),
    Cut(
        "an argument of an imported class",
        "documents.py",
        before="        language_id=document.language_id,\n        ",
        typed="version=doc",
        rest="ument.version,",
    ),
    Cut(
        "an attribute from a parameter",
        "demo/client.py",
        before="        self._process = process\n        ",
        typed="self._on_notification =",
        rest=" on_notification",
    ),
    Cut(
        "the body of a small function",
        "settings.py",
        before='    """Where the index of each workspace lives. Never inside of a workspace."""\n    ',
        typed="",
        rest="override = os.environ.get(CACHE_VARIABLE)\n"
        '    return Path(override) if override else Path(user_cache_dir("edgewise"))',
    ),
)
