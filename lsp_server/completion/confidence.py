"""How much of a model's text is shown: as much as the model is sure of.

Runs in the session. Pure. The model says how likely each of its tokens is after all before it; the product is
the likelihood of the text so far (docs/confidence.md). Must not know the engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LEAST = 0.25  # likelihood of what is shown; docs/confidence.md says what others would do
_WORD, _HALF_WORD = re.compile(r"\w"), re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class Confidence:
    """In the text so far, of which `n_sure` characters are likely enough to be shown."""

    likelihood: float = 1.0
    n_sure: int = 0

    @property
    def is_lost(self) -> bool:
        """Nothing that may still come would be shown."""
        return self.likelihood < LEAST

    def after(self, likelihood: float, text: str) -> Confidence:
        """`text` is all of it, with the piece that has come with this likelihood."""
        likely = self.likelihood * likelihood
        return Confidence(likely, len(text) if likely >= LEAST else self.n_sure)

    def sure_part(self, text: str) -> str:
        """Never half a word; of several lines those that are whole."""
        if not self.is_lost:
            return text
        sure, rest = text[: self.n_sure], text[self.n_sure :]
        if _WORD.match(rest):
            sure = _HALF_WORD.sub("", sure)
        is_torn = "\n" in sure.strip() and not rest.startswith("\n")
        return sure[: sure.rstrip().rfind("\n")] if is_torn else sure
