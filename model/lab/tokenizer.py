"""The tokenizer: how it is trained, and its encoding side as the lab uses it.

SentencePiece BPE (Kudo and Richardson, 2018), byte fallback, digits split, no normalisation, no dummy
prefix. Newline is left out of the training text, so it is always the byte piece `<0x0A>` and merges with
nothing; indentation is trained as lines of its own, so runs of spaces are pieces that do not merge with the
word after them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import sentencepiece

N_PIECES = 12288
END, PAD = "<|endoftext|>", "<|pad|>"
PREFIX, SUFFIX, MIDDLE = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"
REPO, FILE = "<|repo_name|>", "<|file_sep|>"
CONTROL = (END, PAD, PREFIX, SUFFIX, MIDDLE, REPO, FILE)
INDENT = re.compile(r"^([ \t]*)(.*)$")


def training_lines(corpus: Path, max_chars: int, seed: int = 1) -> Iterator[str]:
    """Lines of randomly chosen files, indentation and the rest apart, some `max_chars` characters in all."""
    files = corpus.read_text("utf-8").splitlines()
    random.Random(seed).shuffle(files)
    n_chars = 0
    for record in files:
        for line in json.loads(record)["text"].split("\n"):
            match = INDENT.match(line)
            yield from (part for part in (match.groups() if match else ()) if part)
            n_chars += len(line)
        if n_chars > max_chars:
            return


def train_tokenizer(
    corpus: Path, out: Path, max_chars: int = 25_000_000, n_pieces: int = N_PIECES, n_threads: int = 2
) -> None:
    """Writes `out` (a SentencePiece model)."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=training_lines(corpus, max_chars),
        model_prefix=str(out.with_suffix("")),
        model_type="bpe",
        vocab_size=n_pieces,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        character_coverage=0.9995,
        control_symbols=list(CONTROL),
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        num_threads=n_threads,
        max_sentence_length=8192,
        max_sentencepiece_length=24,
        input_sentence_size=0,
        hard_vocab_limit=False,
    )


class Tokenizer:
    """Text to ids and back. Text never becomes a control token: SentencePiece does not look for control
    symbols in text.
    """

    def __init__(self, path: Path) -> None:
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.n_pieces: int = self.processor.get_piece_size()
        self.control = {name: int(self.processor.piece_to_id(name)) for name in CONTROL}
        self.end, self.pad = self.control[END], self.control[PAD]
        self.prefix, self.suffix, self.middle = (self.control[name] for name in (PREFIX, SUFFIX, MIDDLE))
        self.repo, self.file = self.control[REPO], self.control[FILE]

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return list(self.processor.encode(text))

    def encode_many(self, texts: list[str]) -> list[list[int]]:
        """The ids of several texts, each on its own."""
        return [list(ids) for ids in self.processor.encode(texts)]

    def decode(self, ids: list[int]) -> str:
        """The text of some ids; control tokens give nothing."""
        return str(self.processor.decode([i for i in ids if i not in self.control.values()]))


def chars_per_token(tokenizer: Tokenizer, corpus: Path) -> float:
    """Characters per token over all files of a split."""
    n_chars = n_tokens = 0
    with corpus.open("r", encoding="utf-8") as stream:
        for record in map(json.loads, stream):
            n_chars += len(record["text"])
            n_tokens += len(tokenizer.encode(record["text"]))
    return n_chars / n_tokens


def main() -> None:
    """Command line: trains, then prints the characters per token on the held-out packages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--corpus", type=Path, required=True, help="folder with train.jsonl and heldout.jsonl"
    )
    parser.add_argument("--out", type=Path, required=True, help="tokenizer.model")
    parser.add_argument("--chars", type=int, default=25_000_000)
    parser.add_argument("--pieces", type=int, default=N_PIECES)
    args = parser.parse_args()
    train_tokenizer(args.corpus / "train.jsonl", args.out, args.chars, args.pieces)
    figure = chars_per_token(Tokenizer(args.out), args.corpus / "heldout.jsonl")
    print(json.dumps({"chars_per_token": round(figure, 3)}))


if __name__ == "__main__":
    main()
