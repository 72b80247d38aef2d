"""What an adapter is trained on and judged by: the files of one workspace, a share of them held out.

Every sample is laid out as the server lays out a prompt for the model file's own family (`model.fim`), so
that what is learned is what is asked. Knows nothing of the network or of folders: files come as values.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.families import Family
from model.fim import layout
from model.lab.cases import Case, encode_segments, keep_first_lines, keep_last_lines, pick_code_cut
from model.lab.cuts import Cut, parse_python, pick_cut, syntax_spans
from model.lab.tokenizer import Tokenizer
from model.protocol import FimPrompt, SegmentKind

HELD_OUT_SHARE = 0.2
MIDDLE_WEIGHT = 3.0  # what is asked for; the rest of the text is learned from too


@dataclass(frozen=True)
class TuneFile:
    """A file of the workspace: its path there, its text with LF line ends, its language's name."""

    path: str
    text: str
    language: str = ""


@dataclass(frozen=True)
class Split:
    """The files that are trained on, and those that only judge."""

    train: tuple[TuneFile, ...]
    held_out: tuple[TuneFile, ...]


def split_files(files: Sequence[TuneFile], share: float = HELD_OUT_SHARE) -> Split:
    """By the hash of the path: a file stays on its side when others come or go. Both sides get some."""
    ranked = sorted(files, key=lambda file: hashlib.sha256(file.path.encode()).digest())
    n_held_out = max(1, round(share * len(ranked)))
    return Split(tuple(ranked[n_held_out:]), tuple(ranked[:n_held_out]))


@dataclass(frozen=True)
class Sample:
    """Token ids, and for each how much it counts as a target."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


class SampleMaker:
    """Draws samples from files, endlessly, the same ones for the same seed."""

    def __init__(self, tokenizer: Tokenizer, family: Family, repository: str, n_time: int) -> None:
        self._tokenizer, self._family, self._repository, self._n_time = tokenizer, family, repository, n_time

    def batches(self, files: Sequence[TuneFile], n_rows: int, seed: int) -> Iterator[list[Sample]]:
        """A file's chance is its size; each batch has its own seed, so that a run goes on at any of them."""
        spans = [self._read_spans(file) for file in files]
        sizes = [len(file.text) for file in files]
        number = 0
        while True:
            rng = random.Random(f"{seed}/{number}")
            picked = rng.choices(range(len(files)), sizes, k=n_rows)
            yield [self._draw(files[index], spans[index], rng) for index in picked]
            number += 1

    def _read_spans(self, file: TuneFile) -> list[Cut]:
        tree = parse_python(file.text) if file.path.endswith((".py", ".pyi")) else None
        return syntax_spans(file.text, tree) if tree else []

    def _draw(self, file: TuneFile, spans: list[Cut], rng: random.Random) -> Sample:
        """A window of whole lines around a place, cut once. Characters are budgeted at three a token."""
        n_chars = 3 * self._n_time
        start = file.text.rfind("\n", 0, rng.randrange(max(1, len(file.text) - n_chars // 2))) + 1
        end = file.text.find("\n", min(len(file.text), start + n_chars)) + 1 or len(file.text)
        window = file.text[start:end]
        inside = [Cut(s.start - start, s.end - start) for s in spans if start <= s.start and s.end <= end]
        cut = max((pick_cut(window, inside, rng) for _ in range(2)), key=lambda cut: cut.start)
        path, repository = rng.choice(((file.path, self._repository), (file.path, ""), ("", "")))
        prompt = FimPrompt(window[: cut.start], window[cut.end :], "", path, repository)
        return self._encode(prompt, window[cut.start : cut.end])

    def _encode(self, prompt: FimPrompt, middle: str) -> Sample:
        ids: list[int] = []
        weights: list[float] = []
        is_read = (SegmentKind.PREFIX, SegmentKind.SUFFIX)
        for segment in layout(self._family, prompt):
            more = encode_segments(self._tokenizer, [segment])
            ids += more
            weights += [float(not segment.is_control and segment.kind in is_read)] * len(more)
        inside = self._tokenizer.encode(middle)
        # A family without a suffix is not told where the middle ends: there the text goes on.
        inside += [self._tokenizer.end] if "{suffix}" in self._family.file else []
        ids += inside
        weights += [MIDDLE_WEIGHT] * len(inside)
        return Sample(tuple(ids[-self._n_time - 1 :]), tuple(weights[-self._n_time - 1 :]))


def build_tensors(samples: Sequence[Sample], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, targets and the targets' weights, padded to the longest sample."""
    width = max(len(sample.ids) for sample in samples)
    ids = torch.tensor([(*sample.ids, *[pad] * (width - len(sample.ids))) for sample in samples])
    weights = torch.tensor([(*sample.weights, *[0.0] * (width - len(sample.ids))) for sample in samples])
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), weights[:, 1:].contiguous()


def build_cases(files: Sequence[TuneFile], n_cases: int, repository: str, seed: int = 7) -> list[Case]:
    """Cuts in lines of code, a file's share being its size; never the same place twice."""
    rng = random.Random(seed)
    found: dict[tuple[str, int], Case] = {}
    for _ in range(4 * n_cases):
        file = rng.choices(files, [len(file.text) for file in files])[0]
        cut = pick_code_cut(file.text, rng)
        if cut and len(found) < n_cases:
            start, end = cut
            name = f"{file.path}:{start}"
            prefix, suffix = file.text[:start], file.text[end:]
            case = Case(name, prefix, suffix, file.text[start:end], file.path, repository)
            found.setdefault((file.path, start), case)
    return list(found.values())


def build_prompt(tokenizer: Tokenizer, family: Family, case: Case, n_time: int) -> list[int]:
    """As the server would ask, with a window as long as in training."""
    before = keep_last_lines(tokenizer, case.prefix, n_time)
    after = keep_first_lines(tokenizer, case.suffix, n_time // 3)
    prompt = FimPrompt(before, after, "", case.path, case.repository)
    return encode_segments(tokenizer, layout(family, prompt))
