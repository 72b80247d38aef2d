"""Whole blocks to complete: the bodies of functions, loops and branches of held-out files.

The cursor stands at the first statement of a body of two to eight lines, behind its indentation; expected is
the body to its end. What a model writes is cut where a line of code is indented less than the body, as a
server would stop. Knows nothing of engines.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from model.lab.cases import Case, build_case
from model.lab.corpus import SourceFile
from model.lab.cuts import line_starts, parse_python
from model.lab.samples import read_corpus
from model.lab.signatures import PackageIndex

FEWEST_LINES, MOST_LINES = 2, 8
MOST_CHARS = 480


def block_cases(corpus: Path, n_cases: int, seed: int = 11) -> list[Case]:
    """The same number of bodies from each held-out package, from each file at most two."""
    rng = random.Random(seed)
    packages = [[f for f in files if f.language == "python"] for files in read_corpus(corpus)]
    share = -(-n_cases // len(packages))
    found = [case for files in packages for case in islice(package_blocks(files, rng), share)]
    rng.shuffle(found)
    return found[:n_cases]


def package_blocks(files: list[SourceFile], rng: random.Random) -> Iterator[Case]:
    """Cases of one package, in random order of its files."""
    trees = {f.path: tree for f in files if (tree := parse_python(f.text))}
    index = PackageIndex(trees.items())
    for file in rng.sample(files, len(files)):
        bodies = list(find_bodies(file.text, trees[file.path])) if file.path in trees else []
        for start, end in rng.sample(bodies, min(2, len(bodies))):
            yield build_case(file, index, start, end, f"{file.path}:{start}", rng)


def find_bodies(text: str, tree: ast.Module) -> Iterator[tuple[int, int]]:
    """From the first statement's first character to before the last one's newline, of bodies that begin a
    line of their own; a docstring is no statement to complete.
    """
    starts = line_starts(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or isinstance(node, ast.Module | ast.ClassDef) or not body:
            continue
        first, last = (body[1] if is_docstring(body[0]) and body[1:] else body[0]), body[-1]
        n_lines = (last.end_lineno or 0) - first.lineno + 1
        start = starts[first.lineno - 1] + first.col_offset
        end = text.find("\n", starts[(last.end_lineno or 1) - 1])
        is_alone = not text[starts[first.lineno - 1] : start].strip() and first.col_offset > 0
        if is_alone and FEWEST_LINES <= n_lines <= MOST_LINES and 0 <= end - start <= MOST_CHARS:
            yield start, end


def is_docstring(statement: ast.stmt) -> bool:
    """A text that stands alone."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def cut_block(text: str, prefix: str) -> str:
    """The text up to the first line of code that is indented less than the cursor's line."""
    indent = len(prefix) - prefix.rfind("\n") - 1
    lines = text.split("\n")
    kept = [lines[0]]
    for line in lines[1:]:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        kept.append(line.rstrip())
    return "\n".join(kept).rstrip()
