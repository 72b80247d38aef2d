"""Makes some rows say their first half twice: the shortest way to learn to copy from the context.

A net of this size and age predicts from the last few tokens; that it can look up what followed the same
tokens earlier (an "induction head", Olsson et al. 2022) comes late in training, and repeated text calls it
forth (Chan et al. 2022, "Data distributional properties drive emergent in-context learning"). Half of the
echoes have their lines in another order. Run: `python -m model.lab.echo --rows IN --out OUT`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.lab.samples import CONTEXT
from model.lab.tokenizer import Tokenizer

Ids = npt.NDArray[np.uint16]


def shuffle_lines(ids: Ids, newline: int, rng: np.random.Generator) -> Ids:
    """The same tokens, their lines in another order."""
    lines = np.split(ids, np.flatnonzero(ids == newline) + 1)
    return np.concatenate([lines[i] for i in rng.permutation(len(lines))])


def echo_row(ids: Ids, newline: int, rng: np.random.Generator) -> Ids:
    """The first half of the row, then the same again."""
    half = ids[: len(ids) // 2]
    again = shuffle_lines(half, newline, rng) if rng.random() < 0.5 else half
    return np.concatenate([half, again, half[: len(ids) - 2 * len(half)]])


def add_echoes(rows: Path, out: Path, newline: int, rate: float, first: int, seed: int) -> int:
    """Writes the rows with a share of those from `first` on replaced by their own echoes."""
    rng = np.random.default_rng(seed)
    with np.load(rows) as stored:
        ids, kinds = stored["ids"], stored["kinds"]
    chosen = [i for i in range(first, len(ids)) if rng.random() < rate]
    for i in chosen:
        ids[i] = echo_row(ids[i], newline, rng)
        kinds[i, ids.shape[1] // 2 :] = CONTEXT
    np.savez(out, ids=ids, kinds=kinds)
    return len(chosen)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--first", type=int, default=0, help="rows before this one stay as they are")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    (newline,) = Tokenizer(args.tokenizer).encode("\n")
    print(add_echoes(args.rows, args.out, newline, args.rate, args.first, args.seed), "echoes")


if __name__ == "__main__":
    main()
