"""Where the engine hosts and the sessions of one user find each other: a private folder for each host.

Runs in the engine host and in the editor session. Holds the folder's safety checks, the `host.json` that a
ready host writes, and the leases that keep it alive. Locks are the kernel's: whoever dies, by SIGKILL too,
lets go of them. Must not know engines, tokens or the event loop.

    ROOT/HASH/host.lock     held by the host for as long as it lives
    ROOT/HASH/spawn.lock    held by the session that starts a host, until it is ready or dead
    ROOT/HASH/leases/*      each held by one session that uses the host
    ROOT/HASH/pace.json     how fast the host is now
    ROOT/HASH/host.json     where the ready host listens;  refused.json: why there is none
    ROOT/HASH/seats/*       each held by one session: which slot it computes in
    ROOT/HASH/engine.sock   host.log   kv/
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs
from filelock import FileLock, Timeout

from model.protocol import Endpoint, ModelInfo, ModelRefused, Pace

PROTOCOL: Final = 1  # of this folder and of what the host serves: another number is another host
MAX_SOCKET_PATH: Final = 103  # macOS takes 104 bytes with the closing NUL, Linux 108
ROOT_VARIABLE: Final = "EDGEWISE_RUNTIME_DIR"
STALE_LEASE_S: Final = 30.0
SAMPLE_BYTES: Final = 1 << 20
N_SAMPLES: Final = 16
IS_POSIX: Final = os.name == "posix"


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file it is, so that a replaced model is noticed."""

    path: str
    size_bytes: int
    modified_ns: int
    inode: int


def read_identity(path: Path) -> FileIdentity:
    """Raises ModelRefused when there is no such file."""
    try:
        found = path.stat()
    except OSError as error:
        reason = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        )
        raise ModelRefused(f"The model file {path} {reason}: check the setting model.name.") from error
    return FileIdentity(os.path.realpath(path), found.st_size, found.st_mtime_ns, found.st_ino)


def read_fingerprint(path: Path) -> str:
    """A hash of the weights: of all of a small file, of the size and samples of a large one, which would take
    seconds to read."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        n_samples = max(1, min(N_SAMPLES, -(-size // SAMPLE_BYTES)))
        for index in range(n_samples):
            file.seek(index * max(0, size - SAMPLE_BYTES) // max(1, n_samples - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:32]


def make_private_folder(folder: Path) -> Path:
    """Creates the folder, or makes sure that an existing one is this user's alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found, above = folder.lstat(), folder.parent.stat()
    except OSError as error:
        cure = f"set {ROOT_VARIABLE} to a folder that can"
        raise ModelRefused(f"The folder {folder} cannot be made ({error.strerror}): {cure}.") from error
    problem = _find_problem(found) or _find_problem_above(above)
    if problem:
        cure = f"remove it, or set {ROOT_VARIABLE} to a folder of your own with mode 700"
        raise ModelRefused(f"The folder {folder} is not safe to use, {problem}: {cure}.")
    return folder


def _find_problem(found: os.stat_result) -> str:
    if not stat.S_ISDIR(found.st_mode):
        return "it is a link or a file"
    if IS_POSIX and found.st_uid != os.geteuid():
        return "it belongs to another user"
    if IS_POSIX and stat.S_IMODE(found.st_mode) & 0o077:
        return f"it is open to other users (mode {stat.S_IMODE(found.st_mode):o})"
    return ""


def _find_problem_above(above: os.stat_result) -> str:
    """Whoever may rename entries of the folder above could put their own folder in place of ours."""
    if not IS_POSIX or above.st_mode & stat.S_ISVTX:
        return ""
    if above.st_uid not in (0, os.geteuid()) or above.st_mode & stat.S_IWOTH:
        return "other users may replace it"
    return ""


def _default_root() -> Path:
    """The system's folder for sockets; where there is none, one of our own in the temporary folder."""
    if sys.platform == "linux" and not os.environ.get("XDG_RUNTIME_DIR"):
        login = Path(f"/run/user/{os.geteuid()}")
        return (
            login / "edgewise" if login.is_dir() else Path(tempfile.gettempdir()) / f"edgewise-{os.geteuid()}"
        )
    return platformdirs.user_runtime_path("edgewise")


def choose_root(wanted: Path | None = None) -> Path:
    """Where hosts meet their sessions: short enough that a socket's path in it fits."""
    named = os.environ.get(ROOT_VARIABLE)
    root = wanted or (Path(named).absolute() if named else _default_root())
    if not IS_POSIX or len(os.fsencode(root / ("x" * 16) / "engine.sock")) <= MAX_SOCKET_PATH:
        return root
    short = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"edgewise-{os.geteuid()}-{short}"


@dataclass(frozen=True, slots=True)
class Meeting:
    """The folder of one host. Make it with `open_meeting`."""

    folder: Path

    @property
    def socket_path(self) -> Path:
        return self.folder / "engine.sock"

    @property
    def log_path(self) -> Path:
        return self.folder / "host.log"

    @property
    def ready_path(self) -> Path:
        return self.folder / "host.json"

    @property
    def refused_path(self) -> Path:
        return self.folder / "refused.json"

    @property
    def pace_path(self) -> Path:
        return self.folder / "pace.json"

    @property
    def idle_path(self) -> Path:
        return self.folder / "idle.json"

    @property
    def kv_folder(self) -> Path:
        """Where the engine writes and reads slots; they are there for a moment only."""
        return self.folder / "kv"

    @property
    def host_lock(self) -> FileLock:
        return lock_file(self.folder / "host.lock")

    @property
    def spawn_lock(self) -> FileLock:
        return lock_file(self.folder / "spawn.lock")

    def is_host_alive(self) -> bool:
        """Somebody holds the host's lock: it is loading, serving or ending."""
        return _is_held(self.host_lock)

    def write_ready(self, endpoint: Endpoint, pid: int) -> int:
        """Tells sessions where the host listens. Gives the inode, by which the host knows its own file."""
        document = {"protocol": PROTOCOL, "pid": pid, **asdict(endpoint)}
        return _write_json(self.ready_path, document)

    def read_ready(self) -> tuple[Endpoint, int] | None:
        """The endpoint and the pid of a host that said it is ready (and may have died since)."""
        document = _read_json(self.ready_path)
        try:
            pid, protocol = int(document.pop("pid")), int(document.pop("protocol"))
            endpoint = Endpoint(**{**document, "info": ModelInfo(**document["info"])})
        except (KeyError, TypeError, ValueError):
            return None
        return (endpoint, pid) if protocol == PROTOCOL else None

    def write_pace(self, pace: Pace) -> None:
        _write_json(self.pace_path, asdict(pace))

    def read_pace(self) -> Pace:
        """What the host said last; of an older host, nothing."""
        try:
            return Pace(**_read_json(self.pace_path))
        except TypeError:
            return Pace()

    def write_idle_exit(self, seconds: float) -> None:
        """How long the host is to wait for another session, as the one that attached last has it."""
        _write_json(self.idle_path, {"seconds": seconds})

    def read_idle_exit(self, usual_s: float) -> float:
        """`usual_s` as long as no session has attached."""
        found = _read_json(self.idle_path).get("seconds")
        return float(found) if isinstance(found, int | float) else usual_s

    def write_refusal(self, message: str) -> None:
        _write_json(self.refused_path, {"message": message})

    def read_refusal(self) -> str:
        return str(_read_json(self.refused_path).get("message", ""))

    def clear(self) -> None:
        """Removes what an earlier host left behind."""
        slots = self.kv_folder.glob("*") if self.kv_folder.is_dir() else ()
        for path in (
            self.ready_path,
            self.refused_path,
            self.socket_path,
            self.pace_path,
            self.idle_path,
            *slots,
        ):
            path.unlink(missing_ok=True)

    def take_lease(self) -> FileLock:
        """Keeps the host alive until it is released, or this process ends in whatever way."""
        folder = make_private_folder(self.folder / "leases")
        while True:
            lease = lock_file(path := folder / f"{os.getpid()}-{secrets.token_hex(4)}")
            lease.acquire(timeout=5)
            if path.exists():
                return lease
            lease.release()  # after a jump of the clock the host took it for an old one, before it was locked

    def has_leases(self) -> bool:
        """Looks at every lease; forgets those of sessions that are gone."""
        held = [path for path in self._lease_paths() if _is_lease_held(path)]
        return bool(held)

    def _lease_paths(self) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError):
            yield from (self.folder / "leases").iterdir()


def open_meeting(identity: FileIdentity, *options: str | int | float, root: Path | None = None) -> Meeting:
    """The folder where hosts for this file and these options meet their sessions."""
    key = json.dumps([PROTOCOL, sys.prefix, asdict(identity), options])
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Meeting(make_private_folder(make_private_folder(choose_root(root)) / name))


def release(lock: FileLock) -> None:
    """Lets go of a lease and forgets its file."""
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def lock_file(path: Path) -> FileLock:
    """A lock that the kernel frees when its holder dies."""
    return FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False)


def _is_held(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _is_lease_held(path: Path) -> bool:
    try:
        age_s = time.time() - path.stat().st_mtime
        if _is_held(lock_file(path)):
            return True
    except OSError:
        return False
    if age_s > STALE_LEASE_S:  # a young one may be about to be locked by its session
        path.unlink(missing_ok=True)
    return False


def _write_json(path: Path, document: dict[str, Any]) -> int:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
        inode = os.fstat(file.fileno()).st_ino
    beside.replace(path)
    return inode


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
