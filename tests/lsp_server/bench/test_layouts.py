"""What other tools would post: shares, budgets and what follows the middle token."""

from __future__ import annotations

import random

from lsp_server.bench import layouts
from lsp_server.bench.layouts import Controls

PSM = Controls((1,), (2,), (3,))
TEXT = "".join(f"line {n}\n" for n in range(400))


def test_control_tokens_are_found_by_name_and_may_be_missing() -> None:
    found = Controls.of({"<|fim_prefix|>": 7, "<|fim_suffix|>": 8})
    assert found == Controls((7,), (8,), ())
    assert found.psm([10], [11]) == [7, 10, 8, 11]


def test_llama_vim_looks_at_so_many_lines_and_leaves_the_cursors_line_apart() -> None:
    cursor = TEXT.index("line 300") + 4
    around = layouts.look_around(TEXT, cursor)
    assert around.line == "line"
    assert around.before.count("\n") == 256
    assert around.after.startswith(" 300\nline 301\n")
    assert not around.is_in_line
    assert layouts.look_around("abc(much more code)", 3).is_in_line


def test_infill_takes_three_quarters_of_a_batch_before_and_one_behind() -> None:
    ids = layouts.infill([10] * 5000, [20] * 5, [30] * 5000, [40] * 5000, 4096, PSM)
    assert ids.count(10) == 768
    assert ids.count(30) == 256 - 2 - 5
    assert ids.count(40) == 4096 - 1024 - 256
    assert ids[-6:] == [3, 20, 20, 20, 20, 20]


def test_infill_in_a_small_context_fits_it() -> None:
    ids = layouts.infill([10] * 5000, [20], [30] * 5000, [40] * 5000, 512, PSM)
    assert len(ids) <= 512
    assert 40 not in ids


def test_typing_on_a_line_only_appends_to_infill() -> None:
    one = layouts.infill([10] * 50, [20], [30] * 50, [], 4096, PSM)
    other = layouts.infill([10] * 50, [20, 21], [30] * 50, [], 4096, PSM)
    assert other[: len(one)] == one


def test_continue_keeps_to_its_shares_and_draws_the_order() -> None:
    snippets = [[100 + n] * 100 for n in range(4)]
    rng = random.Random(0)
    prompts = [layouts.continue_prompt([10] * 5000, [30] * 5000, snippets, PSM, rng) for _ in range(8)]
    assert all(len(ids) <= 1024 + 3 for ids in prompts)
    assert all((ids.count(10), ids.count(30)) == (307, 204) for ids in prompts)
    assert len({tuple(ids) for ids in prompts}) > 1


def test_tabby_clips_all_to_so_many_characters_and_comments_what_shares_words() -> None:
    others = ["needle here\n" * 5, "unrelated\n" * 5, "needle " * 300]
    before, after = layouts.tabby_texts("x" * 3000 + "\nneedle", 3007, others)
    assert before.startswith("# needle here\n")
    assert "unrelated" not in before
    assert before.endswith("\nneedle")
    assert len(before) + len(after) <= layouts.TABBY_CHARS


def test_chunks() -> None:
    assert layouts.chunks_of("aaa\nbbb\nccc\n", 8) == ["aaa\nbbb\n", "ccc\n"]
    assert layouts.pick_chunk(TEXT, 200, random.Random(1)).count("\n") == 32
    assert layouts.overlap("a\nb", "b\nc") == 1 / 3
    assert layouts.count_gaps([0.0, 1.0, 3.0]) == 1.5
    assert layouts.count_gaps([0.0]) == 0.0
