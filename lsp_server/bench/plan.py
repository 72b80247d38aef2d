"""Which traces a replay types: functions of a folder, held out in a copy of it, in a script for each file.

Runs in the command-line process. Reads the folder, writes the copy. Must not know who will type.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from pathlib import Path

from lsp_server.bench.holes import Source, copy_workspace, find_sources, without
from lsp_server.bench.keys import Script, cut, write_script

MAX_BODY_CHARS = 240  # so that a script comes to its jumps
N_HOLES = 2


def plan(root: Path, copy: Path, n_keys: int, seed: int) -> tuple[Script, ...]:
    """So many keys in all, in as many files as that takes; the copy lacks what is typed. Empty when the
    folder has no functions to type."""
    rng = random.Random(seed)
    sources = list(find_sources(root))
    rng.shuffle(sources)
    scripts = limited(list(_scripts(sources, n_keys, rng)), n_keys)
    copy_workspace(root, copy, {script.path: script.start for script in scripts})
    return tuple(scripts)


def _scripts(sources: Sequence[Source], n_keys: int, rng: random.Random) -> Iterator[Script]:
    n_left = n_keys
    for source in sources:
        bodies = [body for body in source.bodies if len(body) <= MAX_BODY_CHARS]
        if bodies and n_left > 0:
            holes = rng.sample(bodies, min(N_HOLES, len(bodies)))
            script = write_script(source.path, source.text, holes, rng)
            assert script.start == without(source.text, holes)
            n_left -= len(script.keys)
            yield script


def limited(scripts: Sequence[Script], n_keys: int) -> list[Script]:
    """The last script is broken off where the keys end."""
    begins = accumulate((len(script.keys) for script in scripts), initial=0)
    fitting = takewhile(lambda pair: pair[1] < n_keys, zip(scripts, begins, strict=False))
    return [cut(script, n_keys - begin) for script, begin in fitting]


def duration_s(scripts: Sequence[Script]) -> float:
    return sum(key.gap_s for script in scripts for key in script.keys)
