"""What a person took of the suggestions, and what they refused.

Runs in the session. Counts, and notes each verdict once for `edgewise stats`; nothing leaves the machine.
Must not know what was suggested.
"""

from __future__ import annotations

from lsp_server.trace import ACCEPTED, REJECTED, TraceDraft, TraceLog


class Verdicts:
    """By the suggestion's id. Whoever takes a suggestion after all has accepted it."""

    def __init__(self, traces: TraceLog) -> None:
        self._traces = traces
        self._accepted: set[str] = set()
        self._rejected: set[str] = set()

    @property
    def n_accepted(self) -> int:
        return len(self._accepted)

    @property
    def n_rejected(self) -> int:
        return len(self._rejected - self._accepted)

    def accept(self, completion_id: str) -> None:
        self._note(ACCEPTED, completion_id, self._accepted)

    def reject(self, completion_id: str) -> None:
        if completion_id not in self._accepted:
            self._note(REJECTED, completion_id, self._rejected)

    def _note(self, method: str, completion_id: str, known: set[str]) -> None:
        if completion_id not in known:
            known.add(completion_id)
            trace = TraceDraft(method)
            trace.set(completion_id=completion_id)
            self._traces.note(trace)
