"""Shuffles the rows of several files into one, so that every stretch of a run sees the same mixture.

From each file as many rows as were asked for, or all it has. Knows nothing of what is in a row.
Run: `python -m model.lab.mix --out C --rows A 900 --rows B 900`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np


def mix_rows(parts: list[tuple[Path, int]], out: Path, seed: int) -> int:
    """Writes the mixture; returns how many rows it has."""
    ids, kinds = [], []
    for path, n_rows in parts:
        with np.load(path) as stored:
            ids.append(stored["ids"][:n_rows])
            kinds.append(stored["kinds"][:n_rows])
    order = np.random.default_rng(seed).permutation(sum(map(len, ids)))
    np.savez(out, ids=np.concatenate(ids)[order], kinds=np.concatenate(kinds)[order])
    return len(order)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", action="append", nargs=2, required=True, metavar=("FILE", "COUNT"))
    parser.add_argument("--out", type=Path, required=True, help=".npz")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(mix_rows([(Path(path), int(n)) for path, n in args.rows], args.out, args.seed), "rows")


if __name__ == "__main__":
    main()
