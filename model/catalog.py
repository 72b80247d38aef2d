"""The models that edgewise knows by name: `catalog.toml`, parsed.

Runs in the session, the host and the model commands. Must not know where models are stored, or the network.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent
BUILTIN: Final = "builtin"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One model. `file` is a path inside this package for a model that ships with it."""

    name: str
    title: str
    family: str
    file: str
    licence: str
    use: str

    @property
    def is_packaged(self) -> bool:
        return self.file.startswith("builtin/")


@cache
def entries() -> dict[str, CatalogEntry]:
    """Every known model by its name."""
    document = tomllib.loads((PACKAGE / "catalog.toml").read_text(encoding="utf-8"))
    return {name: CatalogEntry(name=name, **fields) for name, fields in document.items()}
