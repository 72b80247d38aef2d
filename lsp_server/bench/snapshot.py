"""The code that is typed where nobody names a folder: a snapshot of this project's own, which never changes.

A trace is made of functions of a folder, so figures of two versions compare only on the same folder. The
archive is what git makes of the modules of `model/`, without its folders, at `COMMIT`: they import nothing
else of this project. Apache-2.0, as all of it; no model was trained on it. Must not know what is typed.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

COMMIT: Final = "4577e38"
ARCHIVE: Final = Path(__file__).with_name("snapshot.zip")


def unpack_snapshot(target: Path) -> Path:
    """The folder, made anew."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(target)
    return target
