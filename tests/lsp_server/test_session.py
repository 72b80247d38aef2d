"""The session without LSP: what it starts, and what it tells the editor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsp_server.documents import Edit, Place
from lsp_server.session import Session
from lsp_server.settings import CACHE_VARIABLE, CONFIG_VARIABLE
from lsp_server.status import Status
from lsp_server.trace import TraceDraft
from lsp_server.types import Completion, CompletionRequest, NoCompletion, Reason
from model.protocol import HostState

URI = "file:///project/a.py"


class Recorder:
    """An editor that writes down what it is told."""

    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.progress: list[str] = []
        self.reports: list[str] = []
        self.is_indexed = asyncio.Event()

    def show_status(self, status: Status) -> None:
        self.statuses.append(status)
        if status.index.is_ready:
            self.is_indexed.set()

    def show_error(self, sentence: str) -> None:
        self.errors.append(sentence)

    def show_warning(self, sentence: str) -> None:
        self.warnings.append(sentence)

    def open_progress(self, title: str) -> Recorder:
        self.progress.append(title)
        return self

    def report(self, message: str, percentage: int | None = None) -> None:
        assert percentage is None or 0 <= percentage <= 100
        self.reports.append(message)

    def end(self, message: str = "") -> None:
        self.progress.append("end")


@pytest.fixture
def editor() -> Recorder:
    return Recorder()


@pytest.fixture
async def session(editor: Recorder, tmp_path: Path, monkeypatch) -> AsyncIterator[Session]:
    """With settings and folders of its own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config.toml"))
    session = Session(editor)
    yield session
    await session.aclose()


def ask(session: Session) -> CompletionRequest:
    document = session.document(URI)
    assert document is not None and document.buffer is not None
    snapshot = session.take_snapshot(document)
    return CompletionRequest(snapshot, len(snapshot.text))


async def test_a_model_that_is_missing_is_told_once(session: Session, editor: Recorder, tmp_path: Path):
    session.configure({"model": {"name": str(tmp_path / "missing.gguf")}}, {})
    session.open_document(URI, "python", 1, "def f():\n    ret")
    for _ in range(2):
        await session.reconcile()
        result = await session.complete(ask(session), TraceDraft("test"))
        assert isinstance(result, NoCompletion) and result.reason is Reason.MODEL_UNAVAILABLE
    [sentence] = editor.errors
    assert str(tmp_path / "missing.gguf") in sentence
    assert [status.state for status in editor.statuses] == [HostState.FAILED]


async def test_a_request_before_the_start_waits_for_it(session: Session, editor: Recorder, tmp_path: Path):
    session.configure(
        {"model": {"name": str(tmp_path / "missing.gguf")}, "completion": {"timeout_ms": 50}}, {}
    )
    session.open_document(URI, "python", 1, "def f():\n    ret")
    result = await session.complete(ask(session), TraceDraft("test"))
    assert isinstance(result, NoCompletion) and result.reason is Reason.TIMED_OUT
    assert editor.statuses == []


async def test_a_problem_is_told_when_it_is_new(session: Session, editor: Recorder):
    session.configure({}, {"completion": {"max_tokens": 0}})
    session.configure({}, {"completion": {"max_tokens": 0}})
    assert [text.count("max_tokens") for text in editor.warnings] == [1]
    session.configure({}, {"completion": {"max_tokens": 0, "timeout_ms": 1}})
    assert ["timeout_ms" in text for text in editor.warnings] == [False, True]
    assert len(session.problems()) == 2


async def test_the_newest_settings_win_over_those_of_the_start(session: Session):
    session.configure({"completion": {"max_tokens": 5, "timeout_ms": 100}}, {"completion": {"max_tokens": 6}})
    assert (session.settings.completion.max_tokens, session.settings.completion.timeout_ms) == (6, 100)


async def test_what_is_done_to_a_workspace_is_said(session: Session, editor: Recorder, tmp_path: Path):
    """Every file is searchable, and yet there is work: "reading 100 %" would be no answer to what it is."""
    root = tmp_path / "project"
    root.mkdir()
    for number in range(100):
        (root / f"m{number}.py").write_text("x = 1\n")
    session.configure({"model": {"name": str(tmp_path / "missing.gguf")}}, {})
    session.set_roots([str(root)])
    await session.reconcile()
    await asyncio.wait_for(editor.is_indexed.wait(), 60)
    assert editor.reports[1::2] == ["reading: 100 of 100 files", "adding words and types: 100 of 100 files"]
    shown = [status.index for status in editor.statuses if status.index.n_total]
    assert [(index.doing, index.is_ready) for index in shown] == [
        *[("reading", False)] * 2,
        *[("adding words and types", False)] * 2,
        ("adding words and types", True),
    ]


async def test_a_snapshot_does_not_change_with_its_document(session: Session):
    session.set_roots(["/project", "/project", ""])
    session.open_document(URI, "python", 1, "one\ntwo")
    before = ask(session)
    session.edit_document(URI, 2, [Edit("x", Place(1, 0), Place(1, 3))])
    assert (before.snapshot.text, before.snapshot.version) == ("one\ntwo", 1)
    assert before.snapshot.relative_path == "a.py"
    after = ask(session)
    assert (after.snapshot.text, after.snapshot.version) == ("one\nx", 2)
    session.close_document(URI)
    assert session.document(URI) is None
    session.edit_document(URI, 3, [Edit("closed")])
    assert session.document(URI) is None


async def test_nothing_starts_after_the_end(session: Session, editor: Recorder):
    await session.aclose()
    await session.reconcile()
    await session.restart()
    await session.aclose()
    assert editor.statuses == []


async def test_accepted_suggestions_are_counted_once_each(session: Session):
    for completion_id in ("a", "b", "a"):
        session.verdicts.accept(completion_id)
    assert session.verdicts.n_accepted == 2


async def test_a_real_completion(session: Session, editor: Recorder, tmp_path: Path, monkeypatch):
    """Index and model included; the status comes when they are ready, and progress ends."""
    monkeypatch.setenv("EDGEWISE_RUNTIME_DIR", str(tmp_path / "run"))
    root = tmp_path / "project"
    root.mkdir()
    uri = (root / "a.py").as_uri()
    session.configure({"model": {"idle_exit_s": 0.5}, "completion": {"timeout_ms": 30_000}}, {})
    session.set_roots([str(root)])
    await session.reconcile()
    session.open_document(uri, "python", 1, "def add(a, b):\n    ret")
    document = session.document(uri)
    assert document is not None
    request = CompletionRequest(session.take_snapshot(document), 22)
    result = await session.complete(request, TraceDraft("test"))
    assert isinstance(result, Completion)
    assert result.text.startswith("ret")
    assert session.status().state is HostState.READY
    assert "Starting the model" in editor.progress
    assert editor.errors == []
