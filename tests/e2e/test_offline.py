"""With the network cable pulled: the end-to-end tests again, in a network namespace that has no interface
at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client import ROOT
from tests.e2e.conftest import NO_NETWORK_VARIABLE

UNSHARE = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--net", "--map-root-user")


@pytest.mark.timeout(1200)
def test_everything_works_without_any_network():
    """There, `conftest.py` first proves that no interface is up and nothing can be reached."""
    others = ["tests/e2e", f"--ignore={Path(__file__).relative_to(ROOT)}"]
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *others]
    environment = {**os.environ, NO_NETWORK_VARIABLE: "1"}
    done = subprocess.run(
        [*UNSHARE, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
