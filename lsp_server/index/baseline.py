"""What indexing is measured against: the same files, parsed with tree-sitter and then forgotten.

Runs in the process of `edgewise bench index`, with as many processes as the index worker has. No part of the
index.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path

from lsp_server.index.grammars import parse_tree
from lsp_server.index.languages import language_of

_BATCH_FILES = 64
_NICENESS = 5


def parse_only(root: Path, paths: Sequence[str]) -> float:
    """Seconds from the start of the processes to the last tree."""
    from lsp_server.index.pool import n_processes  # not in the children: they need the grammars alone

    batches = [paths[start : start + _BATCH_FILES] for start in range(0, len(paths), _BATCH_FILES)]
    started = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(n_processes(), _be_nice) as pool:
        for _ in pool.imap_unordered(_parse_batch, [(str(root), batch) for batch in batches]):
            pass
        return time.perf_counter() - started


def _be_nice() -> None:
    """As the index worker is."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)


def _parse_batch(work: tuple[str, Sequence[str]]) -> None:
    root, paths = work
    for path in paths:
        language = language_of(path)
        if language is not None:
            parse_tree(Path(root, path).read_bytes(), language, should_yield=False)
