"""Reads rows (`samples.py`) in an order that depends on the seed and the position alone. Knows nothing of
the network.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

# Weight of a target by its kind (samples.py): none, context, middle, snippet, copied. Only 6 % of the tokens
# are middle, and it is what the model is for; snippets are lists of signatures, to be read rather than
# written; names to copy from them are few.
TARGET_WEIGHTS = (0.0, 1.0, 3.0, 0.2, 4.0)


class Rows:
    """The rows of one length in an order that depends on the seed and the position alone."""

    def __init__(self, path: Path, seed: int) -> None:
        with np.load(path) as stored:
            self.ids: npt.NDArray[np.uint16] = stored["ids"]
            self.kinds: npt.NDArray[np.uint8] = stored["kinds"]
        self.seed = seed
        self.n_time = self.ids.shape[1] - 1

    def batch(self, position: int, n_rows: int) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, targets and target weights of rows `position ..`; after the last row a new order begins."""
        picked = [self.row_at(position + i) for i in range(n_rows)]
        ids = torch.from_numpy(self.ids[picked].astype(np.int64))
        weights = torch.tensor(TARGET_WEIGHTS)[torch.from_numpy(self.kinds[picked].astype(np.int64))]
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), weights[:, 1:].contiguous()

    def row_at(self, position: int) -> int:
        """The row at a position of the endless sequence: one shuffled pass after the other."""
        epoch, index = divmod(position, len(self.ids))
        return int(shuffled(len(self.ids), self.seed + epoch)[index]) if epoch else index


@functools.lru_cache(maxsize=2)
def shuffled(n_rows: int, seed: int) -> npt.NDArray[np.int64]:
    """The order of a pass."""
    return np.random.default_rng(seed).permutation(n_rows)
