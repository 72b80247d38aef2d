"""Simple methods of other tools, by what their papers and sources say, and ours: a case to a context.

None of them sees what stands right of the cursor. The budget is in characters.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from math import log
from pathlib import PurePosixPath
from typing import Protocol

from lsp_server.index.chunk import cut, words_in
from tests.bench.retrieval.cases import Case

N_QUERY_LINES = 20
WINDOW, STEP = 20, 10
RING_LINES, RING_FILES = 64, 8
_WORD = re.compile(r"\w+")


class Method(Protocol):
    def __call__(self, case: Case, files: Mapping[str, str], budget_chars: int) -> str: ...


def ring(case: Case, files: Mapping[str, str], budget_chars: int) -> str:
    """Random chunks of the nearest files (llama.vim's ring buffer)."""
    dice = random.Random(case.id)
    folder = PurePosixPath(case.file).parent
    others = sorted(file for file in files if file != case.file)
    others.sort(key=lambda file: PurePosixPath(file).parent != folder)
    chunks = []
    for _ in range(2):
        for file in others[:RING_FILES]:
            lines = files[file].split("\n")
            start = dice.randrange(max(1, len(lines) - RING_LINES + 1))
            chunks.append((file, "\n".join(lines[start : start + RING_LINES])))
    return pack(chunks, budget_chars)


def windows(case: Case, files: Mapping[str, str], budget_chars: int) -> str:
    """Windows of lines by Jaccard similarity, each with the lines that follow it (RepoCoder)."""
    query = set(_WORD.findall(last_lines(case)))
    scored = []
    for file, text in files.items():
        lines = text.split("\n") if file != case.file else []
        for start in range(0, len(lines), STEP):
            words = set(_WORD.findall("\n".join(lines[start : start + WINDOW])))
            if words:
                score = len(query & words) / len(query | words)
                shown = "\n".join(lines[start + STEP : start + STEP + WINDOW])
                scored.append((score, file, shown))
    scored.sort(key=lambda item: -item[0])
    return pack(((file, shown) for _, file, shown in scored[:60]), budget_chars)


def bm25(case: Case, files: Mapping[str, str], budget_chars: int) -> str:
    """Chunks by BM25 over whole words and their parts (Tabby)."""
    chunks = [
        (file, text[chunk.start : chunk.end])
        for file, text in files.items()
        if file != case.file
        for chunk in cut(text)
    ]
    bags = [set(words_in(text).split()) for _, text in chunks]
    query = set(words_in(last_lines(case)).split())
    frequency = {word: sum(word in bag for bag in bags) for word in query}
    weights = {word: log(1 + (len(bags) - n + 0.5) / (n + 0.5)) for word, n in frequency.items() if n}
    mean = sum(map(len, bags)) / max(1, len(bags))
    scores = [
        sum(weights.get(word, 0.0) for word in query & bag) / (0.25 + 0.75 * len(bag) / mean + 1)
        for bag in bags
    ]
    best = sorted(range(len(chunks)), key=lambda index: -scores[index])[:40]
    return pack((chunks[index] for index in best), budget_chars)


def last_lines(case: Case) -> str:
    return "\n".join(case.text[: case.offset].split("\n")[-N_QUERY_LINES:])


def pack(chunks: Iterable[tuple[str, str]], budget_chars: int) -> str:
    """Best first; the last one is cut at a line."""
    context = ""
    for file, text in chunks:
        block = f"# {file}\n{text.rstrip()}\n"
        if len(context) + len(block) > budget_chars:
            return (context + block)[:budget_chars].rpartition("\n")[0]
        context += block
    return context


SIMPLE: Mapping[str, Method] = {
    "random chunks of near files (llama.vim)": ring,
    "windows by Jaccard (RepoCoder)": windows,
    "chunks by BM25 (Tabby)": bm25,
}
