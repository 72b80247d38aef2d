"""Near-duplicate removal and the n-gram check that keeps evaluation data out. Pure functions on text.

MinHash after Broder (1997), "On the resemblance and containment of documents", with the usual banding (LSH):
32 permutations in 8 bands of 4 find pairs above a resemblance of about 0.6; `NEAR` is what counts as a
duplicate. 13-word n-grams are the contamination check of the GPT-3 paper (Brown et al. 2020, appendix C).
"""

from __future__ import annotations

import re
import zlib

import numpy as np
import numpy.typing as npt

N_PERMUTATIONS, N_BANDS, NEAR = 32, 8, 0.7
NGRAM = 13
WORD = re.compile(r"\w+")
Hashes = npt.NDArray[np.uint64]
_RANDOM = np.random.default_rng(20)
_ODD: Hashes = _RANDOM.integers(1, 2**63, N_PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_ADD: Hashes = _RANDOM.integers(0, 2**63, N_PERMUTATIONS, dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def hash_windows(items: list[str], width: int) -> Hashes:
    """One 64-bit hash for each window of `width` neighbouring items."""
    single = np.fromiter((zlib.crc32(i.encode("utf-8", "replace")) for i in items), np.uint64, len(items))
    if len(items) < width:
        return np.zeros(0, np.uint64)
    total = np.zeros(len(items) - width + 1, np.uint64)
    for shift in range(width):
        total = (total + single[shift : shift + len(total)] + np.uint64(1)) * _MIX
        total ^= total >> np.uint64(29)
    return total


def minhash(text: str) -> Hashes:
    """The signature of a text: its shingles are pairs of neighbouring lines, blank ones and indentation
    aside.
    """
    lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
    shingles = np.unique(hash_windows(lines, min(2, max(1, len(lines)))))
    if not len(shingles):
        return np.zeros(N_PERMUTATIONS, np.uint64)
    signature: Hashes = (shingles[None, :] * _ODD[:, None] + _ADD[:, None]).min(axis=1)
    return signature


class SeenTexts:
    """The texts kept so far; `is_new` adds a text unless it resembles one of them."""

    def __init__(self) -> None:
        self._bands: dict[tuple[int, bytes], list[int]] = {}
        self._signatures: list[Hashes] = []

    def is_new(self, signature: Hashes) -> bool:
        """True once for each family of near-duplicates."""
        rows = N_PERMUTATIONS // N_BANDS
        keys = [(band, signature[band * rows : (band + 1) * rows].tobytes()) for band in range(N_BANDS)]
        near = {index for key in keys for index in self._bands.get(key, [])}
        if any(float((self._signatures[index] == signature).mean()) >= NEAR for index in near):
            return False
        self._signatures.append(signature)
        for key in keys:
            self._bands.setdefault(key, []).append(len(self._signatures) - 1)
        return True


def ngrams(text: str) -> Hashes:
    """Hashes of the 13-word n-grams of a text, case and punctuation aside."""
    return hash_windows(WORD.findall(text.lower()), NGRAM)


def shares_ngram(text: str, banned: Hashes) -> bool:
    """Does the text hold any n-gram of the (sorted) banned ones?"""
    return bool(np.isin(ngrams(text), banned).any())
