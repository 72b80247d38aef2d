"""Where model files are: the one that ships, those that the user installed, or any path.

Runs in the session, the host and the model commands. An installed model is `NAME.gguf` and beside it
`NAME.json`, its manifest; a file without one was laid there by hand. Whatever is written is staged in the
hidden folder and comes in by a rename: a model is there whole or not at all. Must not know engines or the
network.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

import platformdirs

from model import catalog
from model.protocol import ModelError, ModelRefused

Advance = Callable[[int], None]
CHUNK_BYTES: Final = 1 << 20
SPARE_BYTES: Final = 64 << 20  # left free on the disk
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")


class StoreFailed(ModelError):
    """The disk did not do what was asked. Trying again helps once the cause is gone."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of an installed file. `source` is where it came from."""

    sha256: str
    size_bytes: int
    source: str
    licence: str
    family: str
    installed: str


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A file in the models folder."""

    name: str
    path: Path
    manifest: Manifest | None


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
    return find_installed(name).path


def is_builtin(name_or_path: str) -> bool:
    """Whether `resolve_model` would choose the model that is there before one is brought."""
    return (name_or_path.strip() or catalog.BUILTIN) == catalog.BUILTIN


def name_of(path: Path) -> str:
    """What `resolve_model` knows the file by, or "" when it lies elsewhere."""
    for name, entry in catalog.entries().items():
        if entry.is_packaged and path == catalog.PACKAGE / entry.file:
            return name
    return path.stem if path.parent == models_folder() else ""


def _looks_like_path(name: str) -> bool:
    return name.endswith((".gguf", ".bin")) or os.sep in name or "/" in name or name.startswith("~")


def _check_file(path: Path) -> Path:
    if not path.exists():
        raise ModelRefused(
            f"The model file {path} does not exist: check the path, or the setting model.name if it is there."
        )
    return path


def list_installed() -> list[InstalledModel]:
    """By name. Hidden and half-written files are no models."""
    paths = sorted(path for path in models_folder().glob("*.gguf") if not path.name.startswith("."))
    return [InstalledModel(path.stem, path, read_manifest(path)) for path in paths]


def find_installed(name: str) -> InstalledModel:
    """Raises ModelRefused with the nearest known name, or with how to get the model."""
    path = models_folder() / f"{name}.gguf"
    if _NAME.fullmatch(name) and path.is_file():
        return InstalledModel(name, path, read_manifest(path))
    if name in catalog.entries():
        raise ModelRefused(
            f"The model {name} is not installed: run `edgewise model pull {name}`, "
            f"or name a .gguf file by its path."
        )
    known = {*catalog.entries(), *(model.name for model in list_installed())}
    near = catalog.find_nearest(name, sorted(known))
    hint = f"did you mean {near}? Otherwise name" if near else "see `edgewise model list`, or name"
    raise ModelRefused(f"There is no model named {name!r}: {hint} a .gguf file by its path.")


def manifest_path(path: Path) -> Path:
    return path.with_suffix(".json")


def read_manifest(path: Path) -> Manifest | None:
    """None where there is none, or one that cannot be understood: the model itself is still there."""
    try:
        document = json.loads(manifest_path(path).read_text(encoding="utf-8"))
        return Manifest(**document)
    except (OSError, ValueError, TypeError):
        return None


def choose_name(wanted: str) -> str:
    """A name that can be a file's and a setting's, made from a file name or what the user typed."""
    name = wanted.removesuffix(".gguf")
    if not _NAME.fullmatch(name) or name == catalog.BUILTIN:
        raise ModelRefused(
            f"{name!r} cannot be a model's name: use letters, digits and . _ + -, "
            f"and not {catalog.BUILTIN!r}."
        )
    return name


def staging_folder() -> Path:
    """Where files grow until they are whole: on the disk of the models, so that a rename brings them in."""
    folder = models_folder() / ".partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse_write(folder, error)
    return folder


@contextmanager
def stage(target: Path | None = None) -> Iterator[Path]:
    """A path for a file that becomes a model; what is left there at the end, even by Ctrl-C, is removed."""
    folder, stem = (target.parent, target.name) if target else (staging_folder(), "model")
    _sweep(staging_folder())
    path = folder / f".{stem}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Removes what a command that was killed left half-made. What pulls left is kept: they go on from it."""
    import psutil

    for path in folder.glob(".*.*.*"):
        pid = path.name.rsplit(".", 2)[-2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)


def count_partial_bytes() -> int:
    """What unfinished pulls keep on the disk."""
    return sum(path.stat().st_size for path in (models_folder() / ".partial").glob("*.part"))


def check_free(folder: Path, n_bytes: int) -> None:
    """Before anything is written. The folder exists."""
    free = shutil.disk_usage(folder).free
    if n_bytes + SPARE_BYTES > free:
        missing = max((n_bytes + SPARE_BYTES - free) / 1e9, 0.01)
        raise StoreFailed(
            f"There is not enough room in {folder}: {n_bytes / 1e9:.2f} GB are needed, "
            f"{free / 1e9:.2f} GB are free: make {missing:.2f} GB of room, or set "
            f"EDGEWISE_MODELS_DIR to another disk."
        )


def refuse_write(path: Path, error: OSError) -> NoReturn:
    """The sentence for a disk that is full, read-only or gone."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        cure = "make room on the disk, or set EDGEWISE_MODELS_DIR to another one, and run the command again"
    else:
        cure = "check the folder and your permissions"
    reason = error.strerror or str(error)
    raise StoreFailed(f"{path} cannot be written ({reason}): {cure}.") from error


def hash_file(path: Path, advance: Advance) -> str:
    """SHA-256 in hex, by pieces."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                digest.update(piece)
                advance(len(piece))
    except OSError as error:
        raise StoreFailed(
            f"The model file {path} cannot be read ({error.strerror}): check the disk it is on."
        ) from error
    return digest.hexdigest()


def install(staged: Path, name: str, manifest: Manifest) -> InstalledModel:
    """Brings a whole file in. At every moment a manifest that is there belongs to the file beside it."""
    target = models_folder() / f"{name}.gguf"
    try:
        _flush(staged)
        manifest_path(target).unlink(missing_ok=True)
        staged.replace(target)
        _write_manifest(target, manifest)
    except OSError as error:
        refuse_write(target, error)
    return InstalledModel(name, target, manifest)


def adopt(model: InstalledModel, manifest: Manifest) -> InstalledModel:
    """Gives a file that is there already the manifest it lacks."""
    try:
        _write_manifest(model.path, manifest)
    except OSError as error:
        refuse_write(model.path, error)
    return InstalledModel(model.name, model.path, manifest)


def _flush(path: Path) -> None:
    """A rename may reach the disk before the content does, unless it is asked to be there first."""
    if (
        os.name == "posix"
    ):  # elsewhere a file must be open for writing, which the link to a read-only one refuses
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _write_manifest(target: Path, manifest: Manifest) -> None:
    with stage() as beside:
        beside.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
        beside.replace(manifest_path(target))


def build_manifest(sha256: str, size_bytes: int, source: str, licence: str, family: str) -> Manifest:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(sha256, size_bytes, source, licence, family, now)


def find_same(name: str, sha256: str) -> InstalledModel | None:
    """The installed model of this name and content; without a manifest if it was laid there by hand, or by a
    command that was killed between the two. Another content under the name is refused."""
    path = models_folder() / f"{name}.gguf"
    if not path.is_file():
        return None
    manifest = read_manifest(path)
    if (manifest.sha256 if manifest else hash_file(path, lambda _: None)) == sha256:
        return InstalledModel(name, path, manifest)
    raise ModelRefused(
        f"Another model is installed as {name}: run `edgewise model remove {name}` first, or give this one "
        f"a name of its own with --as."
    )


def bring_copy(source: Path, staged: Path, advance: Advance) -> str:
    """A hard link where the disk allows it, otherwise a copy. Gives the SHA-256."""
    try:
        os.link(source, staged)
        return hash_file(staged, advance)
    except OSError:
        check_free(staged.parent, source.stat().st_size)
    return _copy(source, staged, advance)


def _copy(source: Path, staged: Path, advance: Advance) -> str:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reader, staged.open("wb") as writer:
            while piece := reader.read(CHUNK_BYTES):
                writer.write(piece)
                digest.update(piece)
                advance(len(piece))
    except OSError as error:
        refuse_write(staged, error)
    return digest.hexdigest()


def verify(model: InstalledModel, advance: Advance) -> None:
    """Raises ModelRefused when the file is no longer what was installed."""
    if model.manifest is None:
        raise ModelRefused(
            f"{model.path} has no manifest to be held against, because it was laid there by hand: "
            f"run `edgewise model import` on it."
        )
    if hash_file(model.path, advance) != model.manifest.sha256:
        raise ModelRefused(
            f"{model.path} is not what was installed (its SHA-256 differs): "
            f"run `edgewise model remove {model.name}` and get it again from {model.manifest.source}."
        )


def remove(model: InstalledModel) -> None:
    try:
        manifest_path(model.path).unlink(missing_ok=True)
        model.path.unlink()
    except OSError as error:
        refuse_write(model.path, error)
