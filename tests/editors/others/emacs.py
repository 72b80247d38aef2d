"""`python emacs.py SYSROOT ARGUMENT...`: runs the Emacs under a folder, which looks for its parts elsewhere.

Uses the standard library only: `setup.sh` runs it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The parts that it compiles for itself while it runs, it would start another Emacs for, from the wrong place.
QUIET = "(setq native-comp-enable-subr-trampolines nil native-comp-jit-compilation nil)"


def command(sysroot: Path) -> list[str]:
    """Without the user's and the machine's configuration."""
    [dump] = sysroot.rglob("*.pdmp")
    return [str(sysroot / "usr/bin/emacs-nox"), f"--dump-file={dump}", "-Q", "--eval", QUIET]


def environment(sysroot: Path) -> dict[str, str]:
    [shared] = (sysroot / "usr/share/emacs").glob("[0-9]*")
    [dump] = sysroot.rglob("*.pdmp")
    packages = sorted((sysroot / "usr/share/emacs/site-lisp/elpa-src").iterdir())
    return {
        "EMACSLOADPATH": ":".join(map(str, [shared / "lisp", *packages])),
        "EMACSDATA": str(shared / "etc"),
        "EMACSDOC": str(shared / "etc"),
        "EMACSPATH": str(dump.parent),
    }


if __name__ == "__main__":
    place = Path(sys.argv[1])
    first, *others = [*command(place), *sys.argv[2:]]
    os.execve(first, [first, *others], {**os.environ, **environment(place)})
