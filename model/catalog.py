"""The models that edgewise knows by name: `catalog.toml`, parsed.

Runs in the session, the host and the model commands. Must not know where models are stored, or the network.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = Path(__file__).parent
BUILTIN: Final = "builtin"


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder: what memory and speed follow from. `n_head_dim` 0 is `n_embd / n_head`."""

    n_layer: int
    n_embd: int
    n_head: int
    n_head_kv: int
    n_ff: int
    n_vocab: int
    n_head_dim: int = 0
    n_expert: int = 0
    n_expert_used: int = 0
    is_tied: bool = False
    is_gated: bool = True

    @property
    def head_dim(self) -> int:
        return self.n_head_dim or self.n_embd // max(1, self.n_head)

    def count_parameters(self) -> int:
        """All weights in matrices; norms and biases are too few to count."""
        attention = 2 * self.n_embd * self.head_dim * (self.n_head + self.n_head_kv)
        expert = self.n_embd * self.n_ff * (3 if self.is_gated else 2)
        feed_forward = self.n_expert * (expert + self.n_embd) if self.n_expert else expert
        vocabulary = self.n_vocab * self.n_embd * (1 if self.is_tied else 2)
        return self.n_layer * (attention + feed_forward) + vocabulary

    def count_kv_bytes(self, n_ctx: int) -> int:
        """Keys and values of `n_ctx` tokens in 16-bit floats."""
        return 2 * 2 * self.n_layer * self.n_head_kv * self.head_dim * n_ctx


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One model. `file` is a path inside this package for a model that ships with it.

    Empty or 0 is what could not be looked up.
    """

    name: str
    title: str
    family: str
    licence: str
    use: str
    architecture: str
    vocabulary: str
    file: str = ""
    repository: str = ""
    hub_file: str = ""
    quant: str = ""
    languages: str = ""
    about_bytes: int = 0
    parameters: int = 0
    n_ctx: int = 0
    shape: Shape | None = None
    checked: str = ""

    @property
    def is_packaged(self) -> bool:
        return bool(self.file)


@cache
def entries() -> dict[str, CatalogEntry]:
    """Every known model by its name."""
    document = tomllib.loads((PACKAGE / "catalog.toml").read_text(encoding="utf-8"))
    return {name: _build_entry(name, fields) for name, fields in document.items()}


def _build_entry(name: str, fields: dict[str, Any]) -> CatalogEntry:
    shape = fields.pop("shape", None)
    return CatalogEntry(name=name, shape=Shape(**shape) if shape else None, **fields)


def find_nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or an empty text."""
    lowered = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return lowered[near[0]] if near else ""
