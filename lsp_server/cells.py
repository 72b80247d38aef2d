"""The code cells of a notebook as one text: which text that is, and where in it each cell stands.

Runs in the session, for notebooks that the editor has open, and in the index's processes, for those on disk:
both must make the same text of the same cells. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

BETWEEN = "\n\n"


def join_cells(texts: Iterable[str]) -> tuple[str, tuple[int, ...]]:
    """(the text of all cells, the offset at which each begins). Two line ends stand between cells."""
    cells = tuple(texts)
    starts = accumulate((len(cell) + len(BETWEEN) for cell in cells[:-1]), initial=0)
    return BETWEEN.join(cells), tuple(starts) if cells else ()
