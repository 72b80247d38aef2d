"""`edgewise prompt --batch CASES.jsonl`: the cross-file context of many places, for benchmarks.

Runs in the command-line process, over the index alone: no model is asked, so a token counts as 3.5
characters. One index serves all cases of a root. What stands right of the cursor on its line is never
looked at.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsp_server.commands.failure import BadArgument
from lsp_server.commands.index import open_index
from lsp_server.commands.target import read_source
from lsp_server.text import PositionEncoding, TextBuffer, language_of
from lsp_server.types import DocumentSnapshot, Snippet

if TYPE_CHECKING:
    from lsp_server.index.service import IndexService


@dataclass(frozen=True, slots=True)
class Case:
    """A cursor as LSP counts: lines from 0, characters in UTF-16. `file` is relative to `root`."""

    id: str
    root: str
    file: str
    line: int
    character: int


def read_cases(path: Path) -> list[Case]:
    """Raises BadArgument, with the number of the line that is no case."""
    return [_read_case(path, number, line) for number, line in _numbered(read_source(path))]


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _read_case(path: Path, number: int, line: str) -> Case:
    try:
        row: Mapping[str, Any] = json.loads(line)
        case = Case(str(row["id"]), str(row["root"]), str(row["file"]), row["line"], row["character"])
    except (ValueError, TypeError, KeyError):
        case = Case("", "", "", -1, -1)
    if not all(type(count) is int and count >= 0 for count in (case.line, case.character)):
        raise BadArgument(
            f'Line {number} of {path} is no case: write {{"id", "root", "file", "line", "character"}} '
            "as JSON, line and character from 0."
        )
    return case


async def build_contexts(cases: Sequence[Case], budgets: Sequence[int]) -> AsyncIterator[dict[str, Any]]:
    """Rows of `{"id", "budget", "context"}`, root by root, in the order of the cases."""
    for root in dict.fromkeys(case.root for case in cases):
        folder = _existing_folder(root)
        async with open_index(folder) as service:
            for case in cases:
                if case.root == root:
                    for budget in budgets:
                        context = await _build_context(service, folder, case, budget)
                        yield {"id": case.id, "budget": budget, "context": context}


def _existing_folder(root: str) -> Path:
    folder = Path(root).resolve()
    if not folder.is_dir():
        raise BadArgument(f"{root} is not a folder: name the root of the project in each case.")
    return folder


async def _build_context(service: IndexService, root: Path, case: Case, budget_tokens: int) -> str:
    from lsp_server.index.retrieval import CHARS_PER_TOKEN

    path = root / case.file
    text = read_source(path)
    offset = TextBuffer.of(text).clamped_offset_at(case.line, case.character, PositionEncoding.UTF16)
    snapshot = DocumentSnapshot(
        path.as_uri(), str(path), case.file, str(root), language_of(path.name), 1, text
    )
    found = await service.retrieve(snapshot, offset, int(budget_tokens * CHARS_PER_TOKEN))
    return render(found.snippets)


def render(snippets: Sequence[Snippet]) -> str:
    """As a prompt of a model without tokens for paths would have it."""
    return "".join(f"# {snippet.path}\n{snippet.text}\n" for snippet in snippets)
