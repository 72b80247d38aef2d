"""Fetches a model file from a hub: the only code that uses the network, and only when the user asks for it.

Runs in the process of `edgewise model pull`. A partial file is named by the SHA-256 that the hub states, so
what is gone on with is always the same file. Must not know engines or the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from model import store
from model.fim import recognise
from model.gguf import read_header
from model.protocol import ModelRefused
from model.pull.fetch import fetch_whole
from model.pull.hub import Patience, PullFailed, RemoteFile, Source, Watcher, find_remote, parse_source

__all__ = ["Patience", "PullFailed", "Source", "Watcher", "parse_source", "pull"]


def pull(source: Source, patience: Patience, watcher: Watcher) -> store.InstalledModel:
    """Fetches, checks and installs. Raises ModelError with a sentence; nothing is then half-installed."""
    remote = find_remote(source, patience, watcher)
    name = store.choose_name(source.name or PurePosixPath(remote.path).name)
    with _alone(remote, watcher):
        installed = store.find_same(name, remote.sha256)
        if installed:
            watcher.say(f"{name} is installed already.")
            manifest = installed.manifest or _describe(remote, installed.path)
            return installed if installed.manifest else store.adopt(installed, manifest)
        partial = store.staging_folder() / f"{remote.sha256}.part"
        fetch_whole(remote, partial, patience, watcher)
        return _install(remote, partial, name)


@contextmanager
def _alone(remote: RemoteFile, watcher: Watcher) -> Iterator[None]:
    """One pull of a file at a time; the second waits for the first and then finds the work done."""
    lock = FileLock(store.staging_folder() / f"{remote.sha256}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watcher.say(f"Another pull is fetching {remote.source}: waiting for it.")
        lock.acquire()
    except OSError as error:
        store.refuse_write(Path(lock.lock_file), error)
    try:
        yield
    finally:
        lock.release()


def _install(remote: RemoteFile, partial: Path, name: str) -> store.InstalledModel:
    try:
        manifest = _describe(remote, partial)
    except ModelRefused as error:
        partial.unlink(missing_ok=True)
        problem = str(error).replace(str(partial), remote.source)
        raise ModelRefused(problem) from None
    return store.install(partial, name, manifest)


def _describe(remote: RemoteFile, path: Path) -> store.Manifest:
    header = read_header(path)
    family = recognise(header.token_ids.keys(), header.architecture, header.name).name
    return store.build_manifest(remote.sha256, header.size_bytes, remote.source, remote.licence, family)
