"""Takes the bytes of one file from a hub, goes on where an earlier try was cut off, and checks the whole.

Runs in the process of `edgewise model pull`. huggingface_hub no longer keeps a partial file, so only its
session and its headers are used here. Must not know engines or the terminal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model import store
from model.pull.hub import Patience, PullFailed, RemoteFile, Watcher, explained, find_endpoint

if TYPE_CHECKING:
    import httpx2

MAX_PAUSE_S: Final = 8.0


class _Cut(Exception):
    """The line was cut; what had come is on the disk."""


def fetch_whole(remote: RemoteFile, partial: Path, patience: Patience, watcher: Watcher) -> None:
    """Fetches what is missing and checks the whole. Wrong bytes are thrown away: nothing builds on them."""
    n_done = _measure(partial, remote.size_bytes)
    store.check_free(partial.parent, remote.size_bytes - n_done)
    if n_done:
        watcher.say(f"Going on from {n_done / 1e6:.1f} of {remote.size_bytes / 1e6:.1f} MB.")
    with watcher.track(remote.path, remote.size_bytes, n_done) as advance:
        _fetch_with_retries(remote, partial, patience, advance)
    if store.hash_file(partial, lambda _: None) != remote.sha256:
        partial.unlink()
        raise PullFailed(
            f"{remote.source} came with other bytes than the hub states (its SHA-256 differs), and they "
            f"were thrown away: pull again, and if it happens twice, check the proxy."
        )


def _measure(partial: Path, size_bytes: int) -> int:
    n_done = partial.stat().st_size if partial.exists() else 0
    if n_done > size_bytes:
        partial.unlink()
        return 0
    return n_done


def _fetch_with_retries(
    remote: RemoteFile, partial: Path, patience: Patience, advance: store.Advance
) -> None:
    """Goes on after a cut line; gives up when as many tries as allowed brought nothing more."""
    n_left = patience.n_retries
    while True:
        before = _measure(partial, remote.size_bytes)
        try:
            return _fetch_rest(remote, partial, patience, advance)
        except _Cut as cut:
            n_left = patience.n_retries if _measure(partial, remote.size_bytes) > before else n_left - 1
            if n_left <= 0:
                raise _explain_cut(remote, partial, cut) from cut
            time.sleep(min(0.25 * 2.0 ** (patience.n_retries - n_left), MAX_PAUSE_S))


def _explain_cut(remote: RemoteFile, partial: Path, cut: _Cut) -> PullFailed:
    n_done = _measure(partial, remote.size_bytes)
    return PullFailed(
        f"{remote.source} was cut off after {n_done / 1e6:.1f} of {remote.size_bytes / 1e6:.1f} MB ({cut}): "
        f"check the network and pull again, it goes on from there."
    )


def _fetch_rest(remote: RemoteFile, partial: Path, patience: Patience, advance: store.Advance) -> None:
    n_done = _measure(partial, remote.size_bytes)
    if n_done == remote.size_bytes and partial.exists():
        return
    with _open_stream(remote, n_done, patience) as response:
        if response.status_code != 206 or not _starts_at(response, n_done):
            advance(-n_done)  # the server does not resume: from the start
            n_done = 0
        n_written = _write(response, partial, n_done, remote.size_bytes, advance)
    if n_written < remote.size_bytes:
        raise _Cut("the hub sent less than it promised")


def _starts_at(response: httpx2.Response, n_done: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {n_done}-")


@contextmanager
def _open_stream(remote: RemoteFile, n_done: int, patience: Patience) -> Iterator[httpx2.Response]:
    import httpx2
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils._headers import build_hf_headers
    from huggingface_hub.utils._http import hf_raise_for_status

    url = hf_hub_url(remote.repository, remote.path, revision=remote.revision, endpoint=find_endpoint())
    headers = {
        **build_hf_headers(library_name="edgewise"),
        "Accept-Encoding": "identity",
        "Range": f"bytes={n_done}-",
    }
    with explained(remote.source):
        try:
            with get_session().stream("GET", url, headers=headers, timeout=patience.timeout_s) as response:
                if response.is_error:
                    response.read()
                hf_raise_for_status(response)
                yield response
        except httpx2.TimeoutException as error:
            raise _Cut(f"nothing came for {patience.timeout_s:g} s") from error
        except httpx2.TransportError as error:
            raise _Cut(str(error) or type(error).__name__) from error


def _write(
    response: httpx2.Response, partial: Path, n_done: int, size_bytes: int, advance: store.Advance
) -> int:
    """Appends what comes; never more than was promised."""
    pieces = response.iter_raw()  # as they come: a gathered piece would be lost with the line
    try:
        with partial.open("r+b" if n_done else "wb", buffering=0) as file:
            file.truncate(n_done)
            file.seek(n_done)
            for piece in _bounded(pieces, size_bytes - n_done):
                _write_all(file.fileno(), piece)
                n_done += len(piece)
                advance(len(piece))
    except OSError as error:
        store.refuse_write(partial, error)
    return n_done


def _bounded(pieces: Iterator[bytes], n_left: int) -> Iterator[bytes]:
    for piece in pieces:
        if len(piece) > n_left:
            yield piece[:n_left]
            return
        n_left -= len(piece)
        yield piece


def _write_all(descriptor: int, piece: bytes) -> None:
    """A full disk takes part of a piece before it says so."""
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
