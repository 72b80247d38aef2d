"""Every end-to-end test has folders of its own and leaves no process behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.e2e.client import ROOT, LspClient

NO_NETWORK_VARIABLE = "EDGEWISE_TEST_NO_NETWORK"
BUILTIN = next((ROOT / "model" / "builtin").glob("*.gguf"))
IDLE_EXIT_S = 1.0
GONE_TIMEOUT_S = 20.0
SIOCGIFFLAGS, IFF_UP = 0x8913, 1


@pytest.fixture(scope="session", autouse=True)
def no_network() -> None:
    """Where a run claims to be without a network, it proves it first."""
    if os.environ.get(NO_NETWORK_VARIABLE):
        assert_no_network()


def assert_no_network() -> None:
    """No interface is up, not even the loopback, and so neither this machine nor any other can be reached."""
    up = [name for _, name in socket.if_nameindex() if is_up(name)]
    assert not up, f"these interfaces are up: {up}"
    for address in ("127.0.0.1", "192.0.2.1"):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
            pytest.raises(OSError, match="unreachable"),
        ):
            probe.connect((address, 9))


def is_up(interface: str) -> bool:
    """Asked of the kernel: /sys shows the interfaces of the namespace that it was mounted in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        answer = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack("256s", interface.encode()))
    return bool(struct.unpack_from("H", answer, 16)[0] & IFF_UP)


@dataclass(frozen=True)
class Home:
    """Where a server under test keeps what it keeps: nothing of the user's is read or written."""

    folder: Path

    @property
    def config_file(self) -> Path:
        return self.folder / "config.toml"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **inherited,
            "HOME": str(self.folder),
            "EDGEWISE_CONFIG": str(self.config_file),
            "EDGEWISE_CACHE_DIR": str(self.folder / "cache"),
            "EDGEWISE_RUNTIME_DIR": str(self.folder / "run"),
        }

    def client(self, **options: object) -> LspClient:
        return LspClient(self.environment, **options)  # type: ignore[arg-type]

    def processes(self) -> list[psutil.Process]:
        """Every living process that was started, directly or not, with this environment."""
        return [process for process in psutil.process_iter() if _belongs_to(process, self.folder)]

    def hosts(self, model: Path = BUILTIN) -> list[psutil.Process]:
        """The engine hosts of one model file."""
        wanted = {"model.host", str(model)}
        return [process for process in self.processes() if wanted <= set(read_command(process))]


def read_command(process: psutil.Process) -> list[str]:
    """Nothing of one that has just gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        is_ours = process.environ().get("HOME") == str(folder)
        return is_ours and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """For tests that are content with a host that an earlier test of the same file started."""
    with make_home() as place:
        yield place


@pytest.fixture
def own_home() -> Iterator[Home]:
    """For tests that need a host of their own, or count processes."""
    with make_home() as place:
        yield place


@contextmanager
def make_home() -> Iterator[Home]:
    """A folder with a short path, as sockets need it. At the end no process may be left."""
    folder = Path(tempfile.mkdtemp(prefix="ew"))
    place = Home(folder)
    place.config_file.write_text(f"[model]\nidle_exit_s = {IDLE_EXIT_S}\n")
    try:
        yield place
    finally:
        _, left = psutil.wait_procs(place.processes(), timeout=GONE_TIMEOUT_S)
        commands = [command for process in left if (command := read_command(process))]
        for process in left:
            process.kill()
        shutil.rmtree(folder)
    assert not commands, f"processes left behind: {commands}"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small project."""
    root = tmp_path / "project"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "__init__.py").write_text("")
    (root / "shop" / "prices.py").write_text(PRICES)
    (root / "main.py").write_text(MAIN)
    return root


PRICES = '''"""Prices."""


def with_tax(price: float, rate: float = 0.19) -> float:
    """The price that a customer pays."""
    if rate < 0:
        raise ValueError("the rate is negative")
    return round(price * (1 + rate), 2)


def total(prices: list[float]) -> float:
    return sum(with_tax(price) for price in prices)
'''

MAIN = '''"""Prints a total."""

from shop.prices import total, with_tax


def main() -> None:
    prices = [1.0, 2.0]
    print(total(prices))


def cheapest(prices: list[float]) -> float:
    ret'''
