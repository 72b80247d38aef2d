"""Evaluation cases: the expected text is never in the prompt, windows are cut at lines, scores add up."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from model.lab.cases import (
    Case,
    human_eval_cases,
    keep_first_lines,
    keep_last_lines,
    line_cases,
    prompt_ids,
    words_of,
)
from model.lab.evaluate import Score, similarity
from model.lab.tokenizer import Tokenizer


def test_cases_put_the_file_together(held_out: Path) -> None:
    texts = {json.loads(line)["text"] for line in held_out.read_text().splitlines()}
    cases = line_cases(held_out, 40)
    assert len(cases) == 40
    for case in cases:
        assert case.prefix + case.expected + case.suffix in texts
        assert "\n" not in case.expected
        assert len(case.expected) >= 3
        assert case.suffix.startswith("\n")


def test_cases_are_the_same_every_time(held_out: Path) -> None:
    assert line_cases(held_out, 10) == line_cases(held_out, 10)


def test_cases_that_name_something_of_another_file(held_out: Path) -> None:
    cases = line_cases(held_out, 6, must_name=True)
    assert cases
    assert all("wrap" in case.names and "wrap" in case.expected for case in cases)
    for case in cases:
        told = "\n".join(text for _, text in case.snippets)
        assert case.is_told == ("wrap" in words_of(told) and "wrap" not in words_of(case.prefix))


def test_snippets_are_from_other_files(held_out: Path) -> None:
    with_snippets = [case for case in line_cases(held_out, 40) if case.snippets]
    assert with_snippets
    for case in with_snippets:
        assert all(path != case.path for path, _ in case.snippets)


def test_prompt_with_and_without_snippets(tokenizer: Tokenizer) -> None:
    case = Case("x", "a = ", "\n", "f()", "p/a.py", "p", (("p/b.py", "def f():"),))
    plain, full = (prompt_ids(tokenizer, case, with_snippets=flag) for flag in (False, True))
    assert full[0] == plain[0] == tokenizer.repo
    assert full.count(tokenizer.file) == 2
    assert plain.count(tokenizer.file) == 1
    assert full[full.index(tokenizer.middle) + 1 :] == tokenizer.encode("a = ")


def test_windows_hold_whole_lines(tokenizer: Tokenizer) -> None:
    text = "first = 1\nsecond = 2\nthird"
    assert (
        keep_last_lines(tokenizer, text, len(tokenizer.encode("second = 2\nthird")) + 1)
        == "second = 2\nthird"
    )
    assert keep_first_lines(tokenizer, text, len(tokenizer.encode("first = 1\n")) + 1) == "first = 1\n"
    assert keep_first_lines(tokenizer, text, 10_000) == keep_last_lines(tokenizer, text, 10_000) == text


def test_human_eval_is_read(tmp_path: Path) -> None:
    stored = {
        "task_id": "T/0/L0",
        "entry_point": "f",
        "prompt": "def f():\n",
        "suffix": "",
        "canonical_solution": "    return 1\n",
        "test": "def check(c):\n    assert c() == 1\n",
    }
    with gzip.open(tmp_path / "x.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(stored) + "\n")
    (case,) = human_eval_cases(tmp_path / "x.jsonl.gz")
    assert case.expected == "    return 1\n"
    assert case.test.endswith("check(f)\n")


def test_scores() -> None:
    score = Score()
    score.add(exact_match=1.0)
    score.add(exact_match=0.0)
    assert score.table() == {"cases": 2, "exact_match": 50.0}
    assert similarity("abc", "abc") == 1.0
    assert similarity("abc", "xyz") == 0.0
