"""A session without an editor: the server's own session code, for one question on the command line.

Runs in the command-line process. Must not know LSP, nor what the question is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.commands.failure import BadArgument, CommandFailed
from lsp_server.commands.output import write_note
from lsp_server.session import Session
from lsp_server.status import Status
from lsp_server.text import language_of
from lsp_server.types import DocumentSnapshot
from model.protocol import HostState
from model.store import resolve_model

READY_SECONDS = 120.0
INDEX_SECONDS = 20.0
# A host started for one answer is not kept for minutes; one that an editor uses stays with the editor.
IDLE_EXIT_SECONDS = 2.0
# Nobody is typing: the answer may take longer than in an editor, and a busy machine does not change it.
PATIENCE = {
    "completion.search_deadline_ms": 5000,
    "completion.t_max_predict_ms": 20_000,
    "completion.timeout_ms": 60_000,
}
_ROOT_MARKERS = (".git", "pyproject.toml", "package.json", "Cargo.toml", "go.mod", "pom.xml", ".hg")


class NoProgress:
    """A command answers in a moment: nothing to show meanwhile."""

    def report(self, message: str, percentage: int | None = None) -> None:
        pass

    def end(self, message: str = "") -> None:
        pass


class Terminal:
    """The session's `Editor`: warnings go to stderr, and whoever waits is woken when the status changes."""

    def __init__(self) -> None:
        self.status = Status()
        self._changed = asyncio.Event()

    def show_status(self, status: Status) -> None:
        self.status = status
        self._changed.set()

    def show_error(self, sentence: str) -> None:
        """Not shown here: a host that failed ends the command with this sentence."""

    def show_warning(self, sentence: str) -> None:
        write_note(f"edgewise: {sentence}")

    def open_progress(self, title: str) -> NoProgress:
        return NoProgress()

    async def wait_for_model(self) -> None:
        """Raises CommandFailed with the host's own sentence when there will be none."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while self.status.state not in (HostState.READY, HostState.FAILED):
                    await self._wait_for_change()
        except TimeoutError:
            raise CommandFailed(
                f"The model was not ready after {READY_SECONDS:.0f} s: try a smaller one."
            ) from None
        if self.status.state is HostState.FAILED:
            raise CommandFailed(self.status.message)

    async def wait_for_index(self) -> None:
        """A workspace that takes longer to read is used as far as it was read."""
        with suppress(TimeoutError):
            async with asyncio.timeout(INDEX_SECONDS):
                while not self.status.index.is_ready:
                    await self._wait_for_change()

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A running session with one document open in it."""

    session: Session
    terminal: Terminal
    snapshot: DocumentSnapshot

    async def wait_until_ready(self) -> None:
        """For the model, and for as much of the index as there will be."""
        await self.terminal.wait_for_model()
        await self.wait_for_index()

    async def wait_for_index(self) -> None:
        if self.session.settings.index.enabled:
            await self.terminal.wait_for_index()


def quiet_logs() -> None:
    """What libraries log is for the server's log; a command says what a person must know itself."""
    logging.getLogger().addHandler(logging.NullHandler())


@asynccontextmanager
async def open_file(
    path: Path, text: str, workspace: Path | None, values: dict[str, Any]
) -> AsyncIterator[OpenFile]:
    """`values` are settings on top of the user's own."""
    quiet_logs()
    check_workspace(workspace)
    path, root = _resolve(path, workspace)
    terminal = Terminal()
    session = Session(terminal)
    session.configure({"model.idle_exit_s": IDLE_EXIT_SECONDS, **PATIENCE}, values)
    session.set_roots([str(root)])
    try:
        await session.reconcile()
        uri = path.as_uri()
        session.open_document(uri, language_of(path.name), 1, text)
        document = session.document(uri)
        assert document is not None
        yield OpenFile(session, terminal, session.take_snapshot(document))
    finally:
        await session.aclose()


def _resolve(path: Path, workspace: Path | None) -> tuple[Path, Path]:
    path = path.resolve()
    return path, workspace.resolve() if workspace else find_workspace(path)


def check_workspace(workspace: Path | None) -> None:
    """For whatever folder a command takes. Raises BadArgument."""
    if workspace is not None and not workspace.is_dir():
        raise BadArgument(f"{workspace} is not a folder: name the folder of the project.")


def model_values(name: str | None) -> dict[str, Any]:
    """The settings of `--model`. Raises ModelRefused for a model that is not there."""
    return {} if name is None else {"model.name": str(resolve_model(name))}


def find_workspace(path: Path) -> Path:
    """The innermost folder above the file that looks like a project; else the file's own folder."""
    for folder in path.parents:
        if any((folder / marker).exists() for marker in _ROOT_MARKERS):
            return folder
    return path.parent
