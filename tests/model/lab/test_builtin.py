"""The model that ships: whole, small enough, and told apart by its own vocabulary."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import gguf

from model.gguf import read_header
from model.lab.tokenizer import CONTROL, Tokenizer

FOLDER = Path(__file__).parents[3] / "model" / "builtin"
MANIFEST = tomllib.loads((FOLDER / "model.toml").read_text())
FILE = FOLDER / MANIFEST["file"]


def test_the_file_is_the_one_in_the_manifest() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == MANIFEST["sha256"]
    assert FILE.stat().st_size == MANIFEST["size_bytes"] <= 40 * 2**20


def test_its_vocabulary_is_the_tokenizer_s() -> None:
    header, tokenizer = read_header(FILE), Tokenizer(FOLDER / "tokenizer.model")
    assert list(header.tokens) == [tokenizer.processor.id_to_piece(i) for i in range(tokenizer.n_pieces)]
    kinds = gguf.GGUFReader(FILE).fields["tokenizer.ggml.token_type"].contents()
    assert {header.tokens[i] for i, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL} == set(
        CONTROL
    )


def test_no_pieces_join_into_a_control_token() -> None:
    """An engine that only looks for the longest merges must not find one in text."""
    tokens = set(read_header(FILE).tokens)
    for name in CONTROL:
        assert not any(name[:cut] in tokens and name[cut:] in tokens for cut in range(1, len(name)))


def test_the_card_and_the_corpus_are_there() -> None:
    card = (FOLDER / "card.md").read_text()
    for word in ("HumanEval", "held-out", "not good for", "SHA-256"):
        assert word in card
    rows = (FOLDER / "corpus.tsv").read_text().splitlines()
    assert rows[0].split("\t") == ["package", "version", "licence", "split", "files", "bytes", "sha256"]
    assert all(len(row.split("\t")) == 7 for row in rows)
