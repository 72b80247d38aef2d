"""Where model files are: the one that ships, those that the user installed, or any path.

Runs in the session, the host and the model commands. Must not know engines, headers or the network.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from model import catalog
from model.protocol import ModelRefused


def models_folder() -> Path:
    """Where installed models lie."""
    named = os.environ.get("EDGEWISE_MODELS_DIR")
    return Path(named).absolute() if named else platformdirs.user_data_path("edgewise") / "models"


def resolve_model(name_or_path: str) -> Path:
    """The file of a model: `builtin`, a name of the catalogue or of an installed file, or a path."""
    name = name_or_path.strip() or catalog.BUILTIN
    if _looks_like_path(name):
        return _check_file(Path(name).expanduser().absolute())
    entry = catalog.entries().get(name)
    if entry and entry.is_packaged:
        return _check_file(catalog.PACKAGE / entry.file)
    return _find_installed(name, entry.file if entry else f"{name}.gguf")


def _looks_like_path(name: str) -> bool:
    return name.endswith((".gguf", ".bin")) or os.sep in name or "/" in name or name.startswith("~")


def _check_file(path: Path) -> Path:
    if not path.exists():
        raise ModelRefused(f"The model file {path} does not exist: check the setting model.path.")
    return path


def _find_installed(name: str, file: str) -> Path:
    path = models_folder() / file
    if path.is_file():
        return path
    known = ", ".join(sorted(catalog.entries()))
    raise ModelRefused(
        f"There is no model named {name!r} in {models_folder()}: "
        f"name a .gguf file by its path, or one of {known}."
    )
