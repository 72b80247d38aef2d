"""What a window remembers is bounded: thousands of keys in documents that are opened and closed again.

The session and its index are the real ones; only the model is scripted, because what is counted is memory.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsp_server.completer import MAX_COMPUTATIONS, Computation
from lsp_server.completion.context import CompletionContext
from lsp_server.documents import Edit, Place
from lsp_server.session import Session
from lsp_server.settings import CACHE_VARIABLE, CONFIG_VARIABLE
from lsp_server.trace import REQUEST, TraceDraft
from lsp_server.types import CompletionRequest, DocumentSnapshot
from model.protocol import FimPrompt, GenerationOptions, Piece, Shown

from .test_session import Recorder

N_FILES = 12
N_ROUNDS = 6
TYPED = "\n\ndef total(values: list[int]) -> int:\n    return su"
MODULE = '''"""A module."""

from module{next} import Thing{next}


class Thing{number}:
    def __init__(self, size: int) -> None:
        self.size = size

    def grow(self, other: "Thing{next}") -> int:
        return self.size + other.size
'''


class Typing(Session):
    """A session whose model says the same thing always."""

    async def _generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        for text in ("m(", "values", ")\n"):
            await asyncio.sleep(0)
            yield Piece(text)

    async def _prefill(self, prompt: FimPrompt, budget_tokens: int) -> Shown:
        return Shown(len(prompt.prefix + prompt.middle), len(prompt.suffix))

    async def _measure(self, prompt: FimPrompt, budget_tokens: int) -> Shown:
        return await self._prefill(prompt, budget_tokens)

    async def _replace_engine(self) -> None:
        self._started.set()


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Typing]:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config.toml"))
    root = tmp_path / "workspace"
    root.mkdir()
    for number in range(N_FILES):
        text = MODULE.format(number=number, next=(number + 1) % N_FILES)
        (root / f"module{number}.py").write_text(text)
    session = Typing(Recorder())
    session.set_roots([str(root)])
    await session.reconcile()
    assert session._index is not None
    await session._index.wait_ready()
    yield session
    await session.aclose()


async def type_into(session: Session, uri: str, text: str) -> None:
    """One file is opened, typed in, asked about after every third key, and closed."""
    session.open_document(uri, "python", 1, text)
    line, column = text.count("\n"), 0
    for number, character in enumerate(TYPED):
        place = Place(line, column)
        session.edit_document(uri, number + 2, [Edit(character, place, place)])
        line, column = (line + 1, 0) if character == "\n" else (line, column + 1)
        document = session.document(uri)
        assert document is not None and document.buffer is not None
        snapshot = session.take_snapshot(document)
        if number % 3 == 0:
            trace = TraceDraft(REQUEST)
            session.traces.add(trace)
            await session.complete(CompletionRequest(snapshot, len(snapshot.text)), trace)
        await asyncio.sleep(0)
    session.close_document(uri)


def read_files(root: Path) -> dict[str, str]:
    return {path.as_uri(): path.read_text() for path in sorted(root.glob("*.py"))}


def alive() -> Counter[str]:
    """What is still there of work on documents, after everything that can be collected was."""
    gc.collect()
    kinds = (DocumentSnapshot, CompletionContext, Computation, asyncio.Task)
    return Counter(type(item).__name__ for item in gc.get_objects() if isinstance(item, kinds))


async def test_closed_documents_are_forgotten(session: Typing, tmp_path: Path) -> None:
    files = read_files(tmp_path / "workspace")
    for uri, text in files.items():
        await type_into(session, uri, text)
    n_frozen, before = gc.get_freeze_count(), alive()
    n_keys = 0
    for _ in range(N_ROUNDS):
        for uri, text in files.items():
            await type_into(session, uri, text)
            n_keys += len(TYPED)
    assert n_keys > 3000
    assert gc.get_freeze_count() <= n_frozen, "frozen garbage is never collected"
    now = alive()
    assert all(now[kind] <= before[kind] + MAX_COMPUTATIONS for kind in now), (before, now)
    completer = session._completer
    assert (len(completer._computations), len(completer._histories)) == (0, 0)
    assert (len(completer._memory.anchors), len(completer._memory.suggestions)) == (0, 0)
    assert session._documents == {} and session.turns._last == {}
    assert session._index is not None
    assert not any(session._index._documents.values())


async def test_open_documents_cost_a_bounded_memory(session: Typing, tmp_path: Path) -> None:
    """A hundred open at once: what is kept for a suggestion is kept of the newest."""
    n_open = 100
    for number in range(n_open):
        uri = (tmp_path / "workspace" / f"new{number}.py").as_uri()
        session.open_document(uri, "python", 1, "x = 1\ny =")
        session.edit_document(uri, 2, [Edit(" ", Place(1, 3), Place(1, 3))])
        await asyncio.sleep(0)
    completer = session._completer
    assert len(completer._computations) <= MAX_COMPUTATIONS
    assert len(completer._memory.anchors) <= 32
    assert len(completer._memory.suggestions) <= 64
    assert len(asyncio.all_tasks()) < n_open / 2
