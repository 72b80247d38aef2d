"""LoRA adapters: where the one of a model file is kept, and whether a file is one that fits.

Runs in the session, the host and the model commands. An adapter belongs to one model file, named by its
SHA-256: other weights never get it. It is checked against the model's header before an engine sees it. Must
not know engines, training or the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from model import store
from model.gguf import GgufHeader, read_header
from model.protocol import ModelRefused

AUTO: Final = "auto"
NONE: Final = "none"
_PAIR: Final = ("lora_a", "lora_b")


@dataclass(frozen=True, slots=True)
class AdapterNote:
    """What is known of an installed adapter: the model it belongs to, what it learned from, what it gained.

    The exact matches are percentages of the same `n_cases` held-out lines.
    """

    model_name: str
    model_sha256: str
    model_size_bytes: int
    source: str
    n_files: int
    n_cases: int
    exact_before: float
    exact_after: float
    made: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """An installed adapter."""

    path: Path
    note: AdapterNote


def adapters_folder() -> Path:
    return store.models_folder() / "adapters"


def adapter_path(model_sha256: str, adapter_sha256: str) -> Path:
    """Named by its content too: a host that runs an earlier one, and its saved KV cache, are another's."""
    return adapters_folder() / f"{model_sha256[:16]}-{adapter_sha256[:16]}.gguf"


def list_adapters() -> list[Adapter]:
    return list(_read_all())


def _read_all() -> Iterator[Adapter]:
    for path in sorted(adapters_folder().glob("*.gguf")):
        try:
            note = AdapterNote(**json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue  # without its note nobody knows whose it is
        yield Adapter(path, note)


def find_adapter(model: Path) -> Adapter | None:
    """The installed adapter of exactly these weights. Hashes the model only when one of its size has one."""
    try:
        size_bytes = model.stat().st_size
    except OSError:
        return None
    same_size = [adapter for adapter in _read_all() if adapter.note.model_size_bytes == size_bytes]
    if not same_size:
        return None
    sha256 = store.hash_file(model, lambda _: None)
    return next((adapter for adapter in same_size if adapter.note.model_sha256 == sha256), None)


def resolve_adapter(model: Path, setting: str) -> str:
    """The path that the setting `model.adapter` means for this model; empty for none.

    Raises ModelRefused where the setting names a file that is none of this model.
    """
    if setting in (NONE, ""):
        return ""
    if setting == AUTO:
        found = find_adapter(model)
        return str(found.path) if found else ""
    path = Path(setting).expanduser().absolute()
    check_fit(read_header(path), read_header(model))
    return str(path)


def check_fit(adapter: GgufHeader, model: GgufHeader) -> None:
    """Raises ModelRefused when the file is no adapter, or one of another shape of model."""
    problem = _find_misfit(adapter, model)
    if problem:
        raise ModelRefused(
            f"The adapter {adapter.path} {problem}: make one with `edgewise model tune`, "
            f'or set model.adapter to "{NONE}".'
        )


def _find_misfit(adapter: GgufHeader, model: GgufHeader) -> str:
    if adapter.metadata.get("general.type") != "adapter" or adapter.metadata.get("adapter.type") != "lora":
        return "is no LoRA adapter"
    if adapter.architecture != model.architecture:
        return f"belongs to a {adapter.architecture} model, not to {model.path.name}"
    names = {name.rpartition(".")[0] for name in adapter.tensors}
    fits = all(_fits(name, adapter, model) for name in names)
    is_whole = len(adapter.tensors) == 2 * len(names) > 0
    return "" if fits and is_whole else f"does not fit {model.path.name}: its matrices have other sizes"


def _fits(name: str, adapter: GgufHeader, model: GgufHeader) -> bool:
    a, b = (adapter.tensors.get(f"{name}.{part}") for part in _PAIR)
    target = model.tensors.get(name)
    if a is None or b is None or target is None or {len(a.shape), len(b.shape), len(target.shape)} != {2}:
        return False
    return (a.shape[0], b.shape[1]) == target.shape and a.shape[1] == b.shape[0]


def install(trained: Path, model: Path, note: AdapterNote) -> Adapter:
    """Takes the place of earlier adapters of this model. A note is beside its own file or beside none."""
    check_fit(read_header(trained), read_header(model))
    target = adapter_path(note.model_sha256, store.hash_file(trained, lambda _: None))
    earlier = [
        old for old in _read_all() if old.note.model_sha256 == note.model_sha256 and old.path != target
    ]
    try:
        adapters_folder().mkdir(parents=True, exist_ok=True)
        with store.stage() as staged, store.stage() as staged_note:
            staged.write_bytes(trained.read_bytes())
            staged_note.write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")
            staged.replace(target)
            staged_note.replace(target.with_suffix(".json"))
    except OSError as error:
        store.refuse_write(target, error)
    for old in earlier:
        remove(old)
    return Adapter(target, note)


def remove(adapter: Adapter) -> None:
    try:
        adapter.path.with_suffix(".json").unlink(missing_ok=True)
        adapter.path.unlink(missing_ok=True)
    except OSError as error:
        store.refuse_write(adapter.path, error)
