"""Parsing processes: every batch is answered, whatever becomes of the process that had it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from lsp_server.index import extractor
from lsp_server.index.extractor import Extracted, Task, Wanted
from lsp_server.index.pool import Pool, PoolBroken
from tests.lsp_server.index.conftest import write_files


@pytest.fixture
def pool(root: Path) -> Iterator[Pool]:
    pool = Pool(n_at_once=3)
    yield pool
    pool.close()


def wanted(n_files: int) -> list[list[Wanted]]:
    """Batches of two."""
    return [[Wanted(f"m{i}.py", b""), Wanted(f"m{i + 1}.py", b"")] for i in range(0, n_files, 2)]


def found(pool: Pool, root: Path, batches: list[list[Wanted]]) -> dict[str, Extracted]:
    answers = list(pool.run(batches, Task(str(root), 10**6, 0)))
    pool.rest()
    return {item.path: item for answer in answers for item in answer}


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_each_file_is_answered_once_and_one_process_is_kept(pool: Pool, root: Path) -> None:
    write_files(root, {f"m{i}.py": f"def f{i}(): pass\n" for i in range(20)})
    answers = found(pool, root, wanted(22))
    assert len(answers) == 22
    assert [path for path, item in answers.items() if item.is_gone] == ["m20.py", "m21.py"]
    assert answers["m7.py"].packed is not None
    assert answers["m7.py"].packed.rows["symbols"][0][:2] == ("f7", "function")
    (kept,) = children()
    assert found(pool, root, wanted(2)).keys() == {"m0.py", "m1.py"}
    assert children() == [kept]
    pool.close()
    assert children() == []


def test_known_content_is_not_sent_back(pool: Pool, root: Path) -> None:
    write_files(root, {"m0.py": "x = 1\n"})
    (first,) = found(pool, root, [[Wanted("m0.py", b"")]]).values()
    (again,) = found(pool, root, [[Wanted("m0.py", first.hash)]]).values()
    assert again.is_same and again.packed is None


def test_job_that_is_given_up_leaves_no_answer_to_the_next(pool: Pool, root: Path) -> None:
    write_files(root, {f"m{i}.py": "x = 1\n" for i in range(20)})
    answers = pool.run(wanted(20), Task(str(root), 10**6, 0))
    next(answers)
    answers.close()
    assert found(pool, root, wanted(4)).keys() == {"m0.py", "m1.py", "m2.py", "m3.py"}


def serve_nothing(connection: Connection) -> None:
    """An installation that is broken."""
    os._exit(3)


def test_processes_that_never_begin_are_no_files_fault(root: Path) -> None:
    pool = Pool(serve_nothing, n_at_once=2)
    with pytest.raises(PoolBroken):
        found(pool, root, wanted(20))
    pool.close()
    assert children() == []


def test_what_crosses_the_pipe_arrives_whole(root: Path) -> None:
    write_files(root, {"a.py": "from b import c\nclass A:\n    def é(self): c()\n", "m.js": "x;" * 9000})
    task = extractor.Task(
        str(root), 10**6, 60, (Wanted("a.py", b""), Wanted("m.js", b""), Wanted("no.py", b""))
    )
    sent = extractor.extract(extractor.read_task(extractor.write_task(task)))
    assert extractor.read_answer(extractor.write_answer(sent)) == sent
