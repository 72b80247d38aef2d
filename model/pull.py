"""Fetches a model file from a hub: the only code that uses the network, and only when the user asks for it.

Runs in the process of `edgewise model pull`. Asks the hub through huggingface_hub (tokens, proxies,
HF_ENDPOINT); the bytes are taken here, because that library no longer keeps a partial file. A partial file is
named by the SHA-256 that the hub states, so what is gone on with is always the same file. Must not know
engines or the terminal.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol

from filelock import FileLock, Timeout

from model import catalog, memory, store
from model.gguf import read_header
from model.protocol import ModelError, ModelRefused

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub.hf_api import ModelInfo

PREFERRED: Final = ("Q8_0", "Q4_K_M", "Q4_0", "Q4_K_S", "Q5_K_M")
MAX_PAUSE_S: Final = 8.0
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SPLIT: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


class PullFailed(ModelError):
    """The network or the hub failed. What was fetched is kept; the next pull goes on from there."""


class _Cut(Exception):
    """The line was cut; what had come is on the disk."""


class Watcher(Protocol):
    """Whoever watches a pull."""

    def say(self, sentence: str) -> None: ...

    def track(self, label: str, n_bytes: int, n_done: int) -> AbstractContextManager[store.Advance]: ...


@dataclass(frozen=True, slots=True)
class Source:
    """What to fetch, and under which name it is installed. `file` or `quant` may be empty."""

    repository: str
    file: str = ""
    quant: str = ""
    name: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of one revision, as the hub states it."""

    repository: str
    revision: str
    path: str
    size_bytes: int
    sha256: str
    licence: str

    @property
    def source(self) -> str:
        return f"{self.repository}:{self.path}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a silent hub, and how often to go on after a cut line."""

    timeout_s: float = 10.0
    n_retries: int = 4


def parse_source(text: str) -> Source:
    """A catalogue name, or `owner/name[:file]` of the hub."""
    entry = catalog.entries().get(text)
    if entry and entry.repository:
        return Source(entry.repository, entry.hub_file, entry.quant, entry.name, entry.licence)
    if entry:
        reason = "it ships with edgewise" if entry.is_packaged else "the catalogue knows no GGUF file of it"
        raise ModelRefused(f"{text} cannot be pulled, {reason}: name a hub repository as owner/name[:file].")
    repository, _, file = text.partition(":")
    if _REPOSITORY.fullmatch(repository):
        return Source(repository, file)
    near = catalog.find_nearest(text, catalog.entries())
    hint = f"did you mean {near}? Otherwise name" if near else "see `edgewise model list`, or name"
    raise ModelRefused(f"There is no model named {text!r}: {hint} a hub repository as owner/name[:file].")


def pull(source: Source, patience: Patience, watcher: Watcher) -> store.InstalledModel:
    """Fetches, checks and installs. Raises ModelError with a sentence; nothing is then half-installed."""
    remote = find_remote(source, patience, watcher)
    name = store.choose_name(source.name or PurePosixPath(remote.path).name)
    with _alone(remote, watcher):
        installed = store.find_same(name, remote.sha256)
        if installed:
            watcher.say(f"{name} is installed already.")
            return installed
        partial = store.staging_folder() / f"{remote.sha256}.part"
        _fetch_whole(remote, partial, patience, watcher)
        return _install(remote, partial, name)


def find_remote(source: Source, patience: Patience, watcher: Watcher) -> RemoteFile:
    """Asks the hub which files there are, and chooses one where none was named."""
    info = _fetch_info(source.repository, patience)
    files = {item.rfilename: item for item in info.siblings or ()}
    path = source.file or _choose_file(
        source, {name: item.size or 0 for name, item in files.items()}, watcher
    )
    if path not in files:
        near = catalog.find_nearest(path, (name for name in files if name.endswith(".gguf")))
        hint = f": did you mean {near}?" if near else ", and no GGUF file of a like name."
        raise ModelRefused(f"The repository {source.repository} has no file {path}{hint}")
    blob, size_bytes = files[path].lfs, files[path].size or 0
    sha256 = str(blob.sha256) if blob else ""
    if size_bytes <= 0 or not _SHA256.fullmatch(sha256) or not path.endswith(".gguf"):
        raise ModelRefused(
            f"The hub states no size and SHA-256 of {source.repository}:{path}, to check it by: "
            f"choose a GGUF file that the hub keeps as a large file."
        )
    stated = info.card_data.get("license") if info.card_data else ""
    licence = source.licence or str(stated or "")
    return RemoteFile(source.repository, info.sha or "main", path, size_bytes, sha256, licence)


def _choose_file(source: Source, sizes: dict[str, int], watcher: Watcher) -> str:
    """Of the wanted type; else the best that the machine's memory carries; else the smallest."""
    whole = {name: size for name, size in sizes.items() if _is_whole_model(name)}
    if not whole:
        split = any(_SPLIT.search(name) for name in sizes)
        problem = "only GGUF files in several parts" if split else "no GGUF file"
        raise ModelRefused(
            f"The repository {source.repository} has {problem}: name one with a whole .gguf file."
        )
    chosen = _pick(whole, (source.quant,) if source.quant else PREFERRED)
    room = memory.judge_room(memory.estimate_bytes(whole[chosen], None, 0))
    fits = (
        "its memory need fits this machine"
        if room is not memory.Room.NO
        else "this machine lacks memory for it"
    )
    watcher.say(f"Chose {chosen} ({whole[chosen] / 1e9:.2f} GB) of {len(whole)} GGUF files: {fits}.")
    return chosen


def _is_whole_model(name: str) -> bool:
    return name.endswith(".gguf") and not _SPLIT.search(name) and "mmproj" not in name.lower()


def _pick(sizes: dict[str, int], quants: Sequence[str]) -> str:
    for quant in quants:
        pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(quant)}(?![A-Za-z0-9_])", re.IGNORECASE)
        for name in sorted(sizes, key=len):
            needed = memory.estimate_bytes(sizes[name], None, 0)
            if pattern.search(name) and (memory.judge_room(needed) is not memory.Room.NO or len(quants) == 1):
                return name
    return min(sizes, key=lambda name: (sizes[name], name))


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def _fetch_info(repository: str, patience: Patience) -> ModelInfo:
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # before the first import, which reads it
    from huggingface_hub import HfApi

    with _explained(repository):
        api = HfApi(endpoint=_endpoint(), library_name="edgewise")
        try:
            return api.model_info(repository, files_metadata=True, timeout=patience.timeout_s)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("the answer is not of the hub's form") from error


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """The library's exceptions as sentences."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise ModelRefused(f"{what} is no repository of a hub: name it as owner/name[:file].") from error
    except errors.OfflineModeIsEnabled as error:
        raise PullFailed(
            f"{what} was not fetched, HF_HUB_OFFLINE is set: unset it and pull again."
        ) from error
    except errors.HfHubHTTPError as error:
        raise _explain_status(what, error.response) from error
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        reason = (
            "did not answer in time" if isinstance(error, httpx2.TimeoutException) else f"failed ({error})"
        )
        raise PullFailed(
            f"{what} was not fetched, the connection to {_endpoint()} {reason}: check the network, the proxy "
            f"settings and HF_ENDPOINT, and pull again to go on."
        ) from error
    except ValueError as error:  # an answer that is not JSON, or not of the hub's form
        raise PullFailed(
            f"{what} was not fetched, {_endpoint()} does not answer like a hub: check HF_ENDPOINT."
        ) from error


def _explain_status(what: str, response: httpx2.Response) -> ModelError:
    code = response.status_code
    if code in (401, 403):
        return ModelRefused(
            f"The hub refuses {what} ({code}): it does not exist, or needs its terms accepted on the "
            f"hub's page and a token in HF_TOKEN."
        )
    if code == 404:
        return ModelRefused(f"The hub has no {what} (404): check the spelling of owner/name[:file].")
    if code == 429:
        wait = response.headers.get("Retry-After", "")
        pause = f"wait {wait} s" if wait.isdigit() else "wait a few minutes"
        return PullFailed(
            f"The hub limits requests (429) and did not give {what}: {pause} and pull again to go on."
        )
    return PullFailed(f"The hub failed ({code}) and did not give {what}: pull again later to go on.")


@contextmanager
def _alone(remote: RemoteFile, watcher: Watcher) -> Iterator[None]:
    """One pull of a file at a time; the second waits for the first and then finds the work done."""
    lock = FileLock(store.staging_folder() / f"{remote.sha256}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watcher.say(f"Another pull is fetching {remote.source}: waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch_whole(remote: RemoteFile, partial: Path, patience: Patience, watcher: Watcher) -> None:
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
            time.sleep(min(0.5 * 2.0 ** (patience.n_retries - n_left), MAX_PAUSE_S))


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

    url = hf_hub_url(remote.repository, remote.path, revision=remote.revision, endpoint=_endpoint())
    headers = {
        **build_hf_headers(library_name="edgewise"),
        "Accept-Encoding": "identity",
        "Range": f"bytes={n_done}-",
    }
    with _explained(remote.source):
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


def _install(remote: RemoteFile, partial: Path, name: str) -> store.InstalledModel:
    from model.fim import recognise

    try:
        header = read_header(partial)
    except ModelRefused as error:
        partial.unlink(missing_ok=True)
        problem = str(error).replace(str(partial), remote.source)
        raise ModelRefused(problem) from None
    family = recognise(header.token_ids.keys(), header.architecture, header.name).name
    manifest = store.build_manifest(remote.sha256, header.size_bytes, remote.source, remote.licence, family)
    return store.install(partial, name, manifest)
