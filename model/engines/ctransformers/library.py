"""The ctransformers library: loads one model, evaluates tokens, samples. The only file that imports it.

Runs in the engine host; one thread at a time may evaluate. Below the library's `LLM` methods, which check
no buffer sizes and hide where the KV cache stands. Must not know text, requests or HTTP.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.engines import LoadFailed
from model.gguf import GgufHeader


class Library:
    """One loaded model. Positions count tokens in its KV cache."""

    def __init__(self, header: GgufHeader, n_ctx: int, n_threads: int) -> None:
        from ctransformers.llm import LLM, Config

        config = Config(context_length=n_ctx, threads=n_threads, mmap=True)
        try:
            self._llm: Any = LLM(str(header.path), "gguf", config=config, lib=_choose_build())
        except (RuntimeError, OSError, ValueError) as error:
            raise LoadFailed(str(error)) from error
        self._n_threads = n_threads
        self.n_ctx = n_ctx

    def encode(self, text: bytes) -> list[int]:
        """A text may become up to one token for each byte, and the library writes without asking how much
        fits.
        """
        buffer = (ctypes.c_int * (len(text) + 16))()
        count: int = self._llm.ctransformers_llm_tokenize(text, False, buffer)
        return buffer[:count]

    def evaluate(self, tokens: Sequence[int], position: int) -> None:
        """One batch. What stood in the KV cache from `position` on is forgotten."""
        array = (ctypes.c_int * len(tokens))(*tokens)
        if not self._llm.ctransformers_llm_batch_eval(
            array, len(tokens), position, len(tokens), self._n_threads
        ):
            raise RuntimeError("the library could not evaluate a batch")

    def sample(self, top_k: int, top_p: float, temperature: float, seed: int) -> int:
        """The next token after the last evaluated one. `top_k` of 1 is greedy."""
        no_tokens = (ctypes.c_int * 1)()
        return int(self._llm.ctransformers_llm_sample(no_tokens, 0, top_k, top_p, temperature, 1.0, seed))


def _choose_build() -> str | None:
    """Which of the library's builds fits this processor. Asking the library itself takes a second."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    if not flags or sys.platform != "linux":
        return None
    if "avx2" in flags:
        return "avx2"
    return "avx" if "avx" in flags and "f16c" in flags else "basic"
