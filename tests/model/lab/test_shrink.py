"""The table and the plot of size against quality, from two small files that a real host runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from model.lab import shrink
from model.lab.export import read_gguf_net, write_gguf
from model.lab.held_out import losses_by_kind
from model.lab.net import Net, Shape
from model.lab.rows import Rows
from model.lab.samples import CONTEXT, MIDDLE
from model.lab.tokenizer import Tokenizer


def test_two_files_in_one_table(
    tmp_path: Path,
    tokenizer: Tokenizer,
    tokenizer_path: Path,
    held_out: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    net = Net(Shape(n_vocab=tokenizer.n_pieces, d_model=64, n_layers=1, n_heads=2, d_ffn=96))
    for name in ("Q8_0", "Q4_0"):
        write_gguf(net, tokenizer, tmp_path / f"{name}.gguf", name)
    ids = np.random.default_rng(1).integers(0, tokenizer.n_pieces, (8, 33))
    kinds = np.tile(np.array([CONTEXT, MIDDLE, CONTEXT], np.uint8), (8, 11))
    np.savez(tmp_path / "rows.npz", ids=ids.astype(np.uint16), kinds=kinds)
    options = ["--tokenizer", str(tokenizer_path), "--held-out", str(held_out), "--lines", "4"]
    options += ["--held-rows", str(tmp_path / "rows.npz"), "--files-read", "10", "--repeats", "1"]
    options += ["--out", str(tmp_path / "table.json"), "--plot", str(tmp_path / "plot.svg")]
    files = [f"{name}={tmp_path / name}.gguf" for name in ("Q8_0", "Q4_0")]
    monkeypatch.setattr(sys, "argv", ["shrink", *files, *options])
    shrink.main()
    big, small = json.loads((tmp_path / "table.json").read_text())
    assert (big["name"], small["name"]) == ("Q8_0", "Q4_0")
    assert big["file_mb"] >= small["file_mb"] > 0
    assert big["perplexity"] > 1
    expected = losses_by_kind(read_gguf_net(tmp_path / "Q8_0.gguf"), Rows(tmp_path / "rows.npz", 1), 8)
    assert {"context": big["context_loss"], "middle": big["middle_loss"]} == expected
    assert min(big["generated_per_s"], small["prompt_per_s"], small["resident_mb"]) > 0
    assert capsys.readouterr().out.count("| Q") == 2
    assert (tmp_path / "plot.svg").read_text().startswith("<?xml")
