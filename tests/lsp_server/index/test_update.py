"""Jobs of the worker, run here on a real store: what is parsed again, and what is not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lsp_server.index import update
from lsp_server.index.crawl import Limits, Skipped, SkipReason
from lsp_server.index.extractor import Extracted, Task, Wanted, extract, parse_source
from lsp_server.index.messages import BatchDone, Event, Job, JobDone, Planned, Step
from lsp_server.index.reader import Reader
from lsp_server.index.store import Store, make_private_folder
from lsp_server.index.update import Update
from tests.lsp_server.index.conftest import write_files


class Bench:
    """A workspace, its store, and the events of the last job."""

    def __init__(self, root: Path, folder: Path) -> None:
        make_private_folder(folder)
        self.root = root
        self.folder = folder
        self.store = Store(folder)
        self.events: list[Event] = []
        self.parse_source = parse_source

    def run(self, *paths: str, limits: Limits | None = None) -> JobDone:
        self.events = []
        job = Job(limits or Limits(), paths or None)
        return Update(self.root, self.store, self.extract_all, self.events.append).run(job)

    def extract_all(self, batches: Sequence[Sequence[Wanted]], task: Task) -> Iterator[list[Extracted]]:
        """What the pool does, here."""
        for batch in batches:
            yield extract(task._replace(files=tuple(batch)), self.parse_source)

    def age(self) -> None:
        """Makes every file old, so that its time tells whether it changed."""
        for path in self.root.rglob("*.py"):
            os.utime(path, ns=(10**18, 10**18))

    def names(self) -> dict[str, list[str]]:
        reader = self.reader()
        found = {path: [s.name for s in reader.top_level(path)] for path in self.store.stamps()}
        reader.close()
        return {path: names for path, names in sorted(found.items()) if names}

    def skipped(self) -> dict[str, SkipReason]:
        reader = self.reader()
        found = {item.path: item.reason for item in reader.totals().skipped}
        reader.close()
        return found

    def reader(self) -> Reader:
        reader = Reader(self.folder)
        reader.refresh()
        return reader


@pytest.fixture
def bench(root: Path, cache: Path) -> Iterator[Bench]:
    bench = Bench(root, cache)
    yield bench
    bench.store.close()


def test_only_changed_files_are_parsed_again(bench: Bench) -> None:
    write_files(bench.root, {f"m{i}.py": f"def f{i}(): pass\n" for i in range(5)})
    bench.age()
    assert bench.run().n_parsed == 5
    assert bench.run() == JobDone(0, 5, 0, 0, pytest.approx(0, abs=60))
    write_files(bench.root, {"m3.py": "def changed(): pass\n"})
    done = bench.run()
    assert (done.n_parsed, done.n_unchanged, done.n_removed) == (1, 4, 0)
    assert bench.names()["m3.py"] == ["changed"]


def test_touched_file_with_the_same_content_is_read_but_not_parsed(bench: Bench) -> None:
    write_files(bench.root, {"a.py": "def a(): pass\n"})
    bench.age()
    bench.run()
    os.utime(bench.root / "a.py", ns=(10**18 + 1, 10**18 + 1))
    done = bench.run()
    assert (done.n_parsed, done.n_batches) == (0, 1)
    assert bench.run().n_batches == 0


def test_change_within_one_tick_of_the_clock_is_seen(bench: Bench) -> None:
    """Same size, same time: a file so young is told by its content."""
    path = bench.root / "a.py"
    write_files(bench.root, {"a.py": "def a(): pass\n"})
    status = path.stat()
    bench.run()
    path.write_text("def b(): pass\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert bench.run().n_parsed == 1
    assert bench.names() == {"a.py": ["b"]}


def test_removed_files_and_folders_go(bench: Bench) -> None:
    write_files(bench.root, {"a.py": "x = 1", "d/b.py": "y = 1", "d/e/c.py": "z = 1", "dd.py": "w = 1"})
    bench.run()
    (bench.root / "a.py").unlink()
    assert bench.run("a.py").n_removed == 1
    for path in ("d/b.py", "d/e/c.py"):
        (bench.root / path).unlink()
    (bench.root / "d/e").rmdir()
    (bench.root / "d").rmdir()
    assert bench.run("d").n_removed == 2
    assert list(bench.names()) == ["dd.py"]


def test_single_paths_look_at_nothing_else(bench: Bench) -> None:
    write_files(bench.root, {"a.py": "a = 1", "b.py": "b = 1"})
    assert bench.run("a.py").n_parsed == 1
    assert list(bench.names()) == ["a.py"]
    assert not bench.reader().totals().is_complete


def test_new_folder_and_new_rules_mean_a_look_at_everything(bench: Bench) -> None:
    write_files(bench.root, {"d/a.py": "a = 1", "d/b.py": "b = 1"})
    bench.run("d")
    assert list(bench.names()) == ["d/a.py", "d/b.py"]
    write_files(bench.root, {".gitignore": "b.py\n"})
    bench.run(".gitignore")
    assert list(bench.names()) == ["d/a.py"]


def test_ignored_and_unknown_paths_do_nothing(bench: Bench) -> None:
    write_files(bench.root, {"node_modules/a.js": "let a = 1", "n.png": "", ".env.py": "K = 1"})
    assert bench.run("node_modules/a.js", "n.png", "../outside.py", "gone.py").n_parsed == 0
    bench.run(".env.py")
    assert bench.names() == {}
    assert bench.skipped() == {".env.py": SkipReason.SECRET}


def test_many_files_make_few_batches(bench: Bench) -> None:
    write_files(bench.root, {f"m{i}.py": "x = 1\n" for i in range(200)})
    assert bench.run().n_batches == 4


def test_the_steps_of_a_job_are_told_and_every_file_of_each(bench: Bench) -> None:
    """The first batch is written at once, and what came meanwhile together."""
    write_files(bench.root, {f"m{i}.py": "x = 1\n" for i in range(2000)})
    bench.run()
    plans = [index for index, event in enumerate(bench.events) if isinstance(event, Planned)]
    assert [bench.events[index] for index in plans] == [Planned(2000), Planned(2000, Step.DETAILS)]
    reading, details = bench.events[1 : plans[1]], bench.events[plans[1] + 1 :]
    for events in (reading, details):
        counts = [event.n_files for event in events if isinstance(event, BatchDone)]
        assert (counts[0], sum(counts)) == (64, 2000)
        assert len(counts) == len(events) < 2000 / 64


def test_what_waits_to_be_written_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_TOGETHER", 3)
    write_files(bench.root, {f"m{i}.py": "x = 1\n" for i in range(640)})
    bench.run()
    assert max(event.n_files for event in bench.events if isinstance(event, BatchDone)) <= 3 * 64


def test_guilty_file_is_tried_again_when_it_changes(bench: Bench) -> None:
    write_files(bench.root, {f"{name}.py": f"{name} = 1\n" for name in "abc"})

    def parse_or_blame(path: str, content: bytes):
        return Skipped(path, SkipReason.CRASHED, "why") if path == "b.py" else parse_source(path, content)

    bench.parse_source = parse_or_blame
    assert bench.run().n_parsed == 2
    assert bench.skipped() == {"b.py": SkipReason.CRASHED}
    bench.parse_source = parse_source
    bench.age()
    bench.run()
    bench.run()
    assert bench.skipped() == {}, "it was touched"


def test_what_cannot_be_read_as_code_is_listed(bench: Bench) -> None:
    write_files(bench.root, {"min.js": "a=1;" * 5000, "deep.py": "x = " + "[\n" * 100_000, "ok.py": "x = 1"})
    (bench.root / "bin.py").write_bytes(b"\0\1\2")
    bench.run()
    assert bench.skipped() == {
        "min.js": SkipReason.MINIFIED,
        "bin.py": SkipReason.BINARY,
        "deep.py": SkipReason.TOO_COSTLY,
    }
    bench.age()
    assert bench.run().n_parsed == 0


def test_file_that_vanishes_between_the_crawl_and_the_read(bench: Bench) -> None:
    write_files(bench.root, {"a.py": "a = 1", "b.py": "b = 1"})

    def tell(event: Event) -> None:
        if event == Planned(2):
            (bench.root / "a.py").unlink()

    done = Update(bench.root, bench.store, bench.extract_all, tell).run(Job(Limits()))
    assert done.n_parsed == 1
    assert list(bench.names()) == ["b.py"]


def test_parser_that_fails_on_one_file_spoils_no_other(bench: Bench) -> None:
    write_files(bench.root, {"a.py": "a = 1", "b.py": "b = 1"})

    def parse_or_not(path: str, content: bytes):
        return Skipped(path, SkipReason.FAILED) if path == "a.py" else parse_source(path, content)

    bench.parse_source = parse_or_not
    bench.run()
    assert list(bench.names()) == ["b.py"]
    assert bench.skipped() == {"a.py": SkipReason.FAILED}
