"""What the status item shows, the state of the model and of the index, in one frozen value; and the port that
editors are told things by.

Runs in the session. Pure. Must not know LSP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from model.protocol import HostState, HostStatus

NO_FIM_NOTE = "completes from the text before the cursor alone"


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """What the index holds, and how far the folder that is being indexed has come with what it is `doing`."""

    is_ready: bool = False
    n_files: int = 0
    n_symbols: int = 0
    n_done: int = 0
    n_total: int = 0
    doing: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """`message` is a sentence that a person can act on, or ""."""

    state: HostState = HostState.STOPPED
    message: str = ""
    model: str = ""
    engine: str = ""
    family: str = ""
    note: str = ""
    index: IndexProgress = IndexProgress()


def build_status(host: HostStatus, index: IndexProgress) -> Status:
    if host.info is None:
        return Status(state=host.state, message=host.message, index=index)
    return Status(
        state=host.state,
        message=host.message,
        model=host.info.name,
        engine=host.info.engine,
        family=host.info.family,
        note="" if host.info.has_fim else NO_FIM_NOTE,
        index=index,
    )


class Progress(Protocol):
    """One piece of long work, as the editor shows it."""

    def report(self, message: str, percentage: int | None = None) -> None: ...

    def end(self, message: str = "") -> None: ...


class Editor(Protocol):
    """What a session says to its editor."""

    def show_status(self, status: Status) -> None: ...

    def show_error(self, sentence: str) -> None: ...

    def show_warning(self, sentence: str) -> None: ...

    def open_progress(self, title: str) -> Progress: ...
