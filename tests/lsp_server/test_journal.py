"""Records for other processes: bounded, private, and no trouble when the disk is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lsp_server import journal as journal_module
from lsp_server.journal import MAX_FILES, Journal, read_records
from lsp_server.trace import REQUEST, TraceDraft, TraceRecord


def record(number: int = 1, at: float = 1.0) -> TraceRecord:
    return TraceRecord(number, REQUEST, 12.5, {"context": 0.5}, {"outcome": "shown", "n_prompt": 7}, at)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "traces")
    records = [record(number, at=float(number)) for number in range(3)]
    for one in records:
        journal.write(one)
    journal.close()
    assert read_records(tmp_path / "traces") == records


def test_a_clock_that_is_set_back_changes_no_order(tmp_path: Path) -> None:
    """The last record is the one that `edgewise why` explains."""
    journal, other = Journal(tmp_path), Journal(tmp_path)
    records = [record(1, at=20_000.0), record(2, at=50.0), record(3, at=60.0)]
    for one in records:
        journal.write(one)
    other.write(record(4, at=40.0))
    journal.close()
    other.close()
    assert [one.number for one in read_records(tmp_path)] == [4, 1, 2, 3]


def test_a_draft_becomes_a_line(tmp_path: Path) -> None:
    draft = TraceDraft(REQUEST)
    draft.set(outcome="shown")
    frozen = draft.freeze()
    journal = Journal(tmp_path)
    journal.write(frozen)
    journal.flush()
    assert read_records(tmp_path) == [frozen]
    assert frozen.at > 0
    journal.close()


def test_it_belongs_to_the_user_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "traces")
    journal.write(record())
    journal.close()
    [path] = (tmp_path / "traces").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_grows_too_large_loses_its_older_half(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_FILE_BYTES", 2000)
    journal = Journal(tmp_path)
    for number in range(100):
        journal.write(record(number, at=float(number)))
        journal.flush()
    journal.close()
    [path] = tmp_path.iterdir()
    assert path.stat().st_size <= 2200
    numbers = [one.number for one in read_records(tmp_path)]
    assert numbers == list(range(numbers[0], 100))
    assert len(numbers) >= 5


def test_of_old_sessions_few_files_are_kept(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 3):
        (tmp_path / f"{number:020d}-1.jsonl").write_text("")
    journal = Journal(tmp_path)
    journal.write(record())
    journal.close()
    assert len(list(tmp_path.iterdir())) == MAX_FILES


def test_a_window_that_stays_open_keeps_its_records(tmp_path: Path) -> None:
    """Its file is the oldest by name, not by what was written to it."""
    for number in range(MAX_FILES + 3):
        path = tmp_path / f"{number:020d}-1.jsonl"
        path.write_text("")
        os.utime(path, (number, number))
    os.utime(tmp_path / f"{0:020d}-1.jsonl", (1000, 1000))
    journal = Journal(tmp_path)
    journal.write(record())
    journal.close()
    assert (tmp_path / f"{0:020d}-1.jsonl").exists()
    assert len(list(tmp_path.iterdir())) == MAX_FILES


def test_waiting_records_are_few(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_WAITING", 10)
    monkeypatch.setattr(journal_module, "FLUSH_S", 1000.0)
    journal = Journal(tmp_path)
    for number in range(50):
        journal.write(record(number))
    journal.close()
    assert len(read_records(tmp_path)) == 10


def test_a_folder_that_cannot_be_written_costs_the_records_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "traces")
    journal.write(record())
    journal.close()
    assert read_records(tmp_path / "file" / "traces") == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"number": 1}',
        '{"number": 1, "method": "m", "total_ms": "x", "stages_ms": {}, "fields": {}}',
        '{"number": 1, "method": "m", "total_ms": 1, "stages_ms": [], "fields": {}}',
        '{"number": 1, "method": "m", "total_ms": 1, "stages_ms": {"a": "b"}, "fields": {}}',
        '{"number": 1, "method": 2, "total_ms": 1, "stages_ms": {}, "fields": {}}',
        '{"number": 1, "method": "m", "total_ms": 1, "stages_ms": {}, "fields": {}, "new": 1}',
        "\xff\xfe",
    ],
)
def test_what_is_no_record_is_left_out(tmp_path: Path, line: str) -> None:
    journal = Journal(tmp_path)
    journal.write(record())
    journal.close()
    (tmp_path / "0-other.jsonl").write_text(f"{line}\n", "latin-1")
    assert read_records(tmp_path) == [record()]
