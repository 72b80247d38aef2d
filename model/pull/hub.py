"""Asks a hub what it has, through huggingface_hub (tokens, proxies, HF_ENDPOINT), and chooses a file.

Runs in the process of `edgewise model pull`. Holds what is known of the source and of the file, and how the
failures of a hub become sentences. Must not know disks, engines or the terminal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from model import catalog, memory
from model.protocol import ModelError, ModelRefused
from model.store import Advance

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub.hf_api import ModelInfo

PREFERRED: Final = ("Q8_0", "Q4_K_M", "Q4_0", "Q4_K_S", "Q5_K_M")
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SPLIT: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


class PullFailed(ModelError):
    """The network or the hub failed. What was fetched is kept; the next pull goes on from there."""


class Watcher(Protocol):
    """Whoever watches a pull."""

    def say(self, sentence: str) -> None: ...

    def track(self, label: str, n_bytes: int, n_done: int) -> AbstractContextManager[Advance]: ...


@dataclass(frozen=True, slots=True)
class Source:
    """What to fetch, and under which name it is installed. `file` or `quant` may be empty."""

    repository: str
    file: str = ""
    quant: str = ""
    name: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository holds: for each file its size and SHA-256, 0 and "" where the hub states none."""

    revision: str
    licence: str
    files: Mapping[str, tuple[int, str]]


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
    n_retries: int = 6


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


def find_remote(source: Source, patience: Patience, watcher: Watcher) -> RemoteFile:
    """Asks the hub which files there are, and chooses one where none was named."""
    listing = _fetch_listing(source.repository, patience)
    path = source.file or _choose_file(
        source, {name: file[0] for name, file in listing.files.items()}, watcher
    )
    if path not in listing.files:
        near = catalog.find_nearest(path, (name for name in listing.files if name.endswith(".gguf")))
        hint = f": did you mean {near}?" if near else ", and no GGUF file of a like name."
        raise ModelRefused(f"The repository {source.repository} has no file {path}{hint}")
    size_bytes, sha256 = listing.files[path]
    if size_bytes <= 0 or not _SHA256.fullmatch(sha256) or not path.endswith(".gguf"):
        raise ModelRefused(
            f"The hub states no size and SHA-256 of {source.repository}:{path}, to check it by: "
            f"choose a GGUF file that the hub keeps as a large file."
        )
    licence = source.licence or listing.licence
    return RemoteFile(source.repository, listing.revision, path, size_bytes, sha256, licence)


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
    watcher.say(f"Chose {chosen} ({whole[chosen] / 1e6:.0f} MB) of {len(whole)} GGUF files: {fits}.")
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


def find_endpoint() -> str:
    """The hub's address: HF_ENDPOINT, or the library's own."""
    from huggingface_hub import constants

    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT


def _fetch_listing(repository: str, patience: Patience) -> Listing:
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # before the first import, which reads it
    from huggingface_hub import HfApi

    with explained(repository):
        api = HfApi(endpoint=find_endpoint(), library_name="edgewise")
        try:
            return _read_listing(api.model_info(repository, files_metadata=True, timeout=patience.timeout_s))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("the answer is not of the hub's form") from error


def _read_listing(info: ModelInfo) -> Listing:
    """The library passes on whatever JSON it was given: nothing is taken for what it should be."""
    files = {
        str(item.rfilename): (int(item.size or 0), str(item.lfs.sha256) if item.lfs else "")
        for item in info.siblings or ()
    }
    licence = info.card_data.get("license") if info.card_data else ""
    return Listing(str(info.sha or "main"), str(licence or ""), files)


@contextmanager
def explained(what: str) -> Iterator[None]:
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
            f"{what} was not fetched, the connection to {find_endpoint()} {reason}: check the network, the "
            f"proxy settings and HF_ENDPOINT, and pull again to go on."
        ) from error
    except ValueError as error:  # an answer that is not JSON, or not of the hub's form
        raise PullFailed(
            f"{what} was not fetched, {find_endpoint()} does not answer like a hub: check HF_ENDPOINT."
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
