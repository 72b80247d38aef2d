"""What a person took and refused: each suggestion counts once."""

from __future__ import annotations

from lsp_server.trace import ACCEPTED, REJECTED, TraceLog, TraceRecord
from lsp_server.verdicts import Verdicts


class Sink:
    def __init__(self) -> None:
        self.records: list[TraceRecord] = []

    def write(self, record: TraceRecord) -> None:
        self.records.append(record)

    def close(self) -> None:
        pass


def test_each_counts_once() -> None:
    sink = Sink()
    verdicts = Verdicts(TraceLog(sink))
    for completion_id in ("a", "a", "b"):
        verdicts.reject(completion_id)
    for completion_id in ("b", "c", "c"):
        verdicts.accept(completion_id)
    verdicts.reject("c")
    assert (verdicts.n_accepted, verdicts.n_rejected) == (2, 1)
    noted = [(record.method, record.fields["completion_id"]) for record in sink.records]
    assert noted == [(REJECTED, "a"), (REJECTED, "b"), (ACCEPTED, "b"), (ACCEPTED, "c")]
