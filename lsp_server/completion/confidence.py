"""How much of a model's text is shown: as much as the model is sure of.

Runs in the session. Pure. The model says how likely each of its tokens is after all before it; the product is
the likelihood of the text so far (docs/confidence.md). Must not know the engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from model.protocol import Piece

LEAST_FOR_LINE, LEAST_FOR_WORDS = 0.1, 0.3  # likelihoods of what is shown
_HALF_WORD = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class Confidence:
    """In the text so far. `n_words` characters of it are likely enough to be shown as words, `n_lines` as
    whole lines. `is_told`: the engine says likelihoods."""

    likelihood: float = 1.0
    n_words: int = 0
    n_lines: int = 0
    is_told: bool = False

    @property
    def is_lost(self) -> bool:
        """Nothing that may still come would be shown."""
        return self.likelihood < LEAST_FOR_LINE

    def after(self, piece: Piece, text: str) -> Confidence:
        """`text` is all of it, the piece included."""
        likelihood = self.likelihood * (1.0 if piece.likelihood is None else piece.likelihood)
        line_end = text.rfind("\n") if "\n" in piece.text else -1
        return Confidence(
            likelihood,
            len(text) if likelihood >= LEAST_FOR_WORDS else self.n_words,
            line_end if line_end > 0 and likelihood >= LEAST_FOR_LINE else self.n_lines,
            self.is_told or piece.likelihood is not None,
        )

    def sure_part(self, text: str, *, is_whole: bool) -> str:
        """`is_whole`: the text ends where its line does."""
        if is_whole and not self.is_lost:
            return text
        words = text[: self.n_words]
        if re.match(r"\w", text[self.n_words :]):
            words = _HALF_WORD.sub("", words)
        return max(words, text[: self.n_lines], key=len)
