"""The engines: which there are, and which of them runs a given file.

Runs in the engine host. An engine says what it can run before its library sees the file; each library is
imported in its engine's own file only, and only when the engine starts. Must not know sessions or folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from model.fit import Tuning
from model.gguf import GgufHeader
from model.hardware import KvType
from model.protocol import ModelRefused

AUTO: Final = "auto"
DEFAULT_N_BATCH: Final = 128  # until it is known how fast the machine is


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an engine cannot run a file, as the end of a sentence "ENGINE ..."."""

    reason: str


class LoadFailed(Exception):
    """The library rejected the file although its header looked good."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to start an engine. `socket_path` is empty where there are no unix sockets; then `api_key` guards
    the port.
    """

    socket_path: str
    api_key: str
    n_ctx: int
    n_slots: int
    n_threads: int
    n_batch: int = DEFAULT_N_BATCH  # a decode is only interrupted between batches
    n_prompt_threads: int = 0  # as many as generate
    kv_folder: str = ""  # where slots may be saved; empty: nowhere
    ngram_draft: int = 0  # tokens that n-gram speculation may draft; 0: off
    kv_type: KvType = KvType.F16
    kv_bytes: int = 0  # of all slots, for engines that share a model among processor and graphics card
    adapter: str = ""  # the path of a checked LoRA adapter (`model.adapters`), for engines that load one


class RunningEngine(Protocol):
    """An engine that listens."""

    base_url: str
    n_slots: int
    n_ctx: int

    def count_active(self) -> int:
        """Requests being answered now."""
        ...

    def find_problem(self) -> str:
        """Why it no longer serves; empty while it does."""
        ...

    def refit(self, tuning: Tuning) -> bool:
        """Goes on with other numbers, KV caches kept. False when this engine cannot, or not now."""
        ...


class Engine(Protocol):
    """A library that runs weights behind llama-server's HTTP API."""

    name: str

    def is_installed(self) -> bool: ...

    def find_refusal(self, header: GgufHeader) -> Refusal | None:
        """Judges by the header alone: a library that is given the wrong file may crash."""
        ...

    def start(self, header: GgufHeader, options: EngineOptions) -> RunningEngine:
        """Returns when it serves. Raises LoadFailed when the library rejects the file after all."""
        ...


def builtin_engines() -> tuple[Engine, ...]:
    """In order of preference."""
    from model.engines.ctransformers import CTransformers
    from model.engines.llama_cpp import LlamaCpp

    return LlamaCpp(), CTransformers()


def choose_engine(wanted: str, header: GgufHeader, engines: tuple[Engine, ...] | None = None) -> Engine:
    """The wanted engine, or with `auto` the first that is installed and runs this file."""
    known = engines or builtin_engines()
    asked = [engine for engine in known if wanted in (AUTO, engine.name)]
    if not asked:
        names = ", ".join((AUTO, *(engine.name for engine in known)))
        raise ModelRefused(f"There is no engine {wanted!r}: set model.engine to one of {names}.")
    reasons = []
    for engine in asked:
        reason = _find_reason(engine, header)
        if not reason:
            return engine
        reasons.append(f"{engine.name} {reason}")
    raise ModelRefused(f"{_describe(header)} {'; '.join(reasons)}. {_advise(wanted, header, known)}")


def _find_reason(engine: Engine, header: GgufHeader) -> str:
    refusal = engine.find_refusal(header)
    if refusal:
        return refusal.reason
    return "" if engine.is_installed() else "is not installed"


def _describe(header: GgufHeader) -> str:
    kind = f"{header.architecture}, vocabulary {header.vocabulary}"
    return f"The model file {header.path} ({kind}) cannot run here:"


def _advise(wanted: str, header: GgufHeader, known: tuple[Engine, ...]) -> str:
    able = [engine.name for engine in known if engine.find_refusal(header) is None]
    for name in able:
        is_here = any(engine.name == name and engine.is_installed() for engine in known)
        if is_here and wanted != AUTO:
            return f'Set model.engine to "{name}" or "{AUTO}", which runs it.'
    return (
        f"Install the engine {able[0]}, which runs it." if able else "Choose another model, such as builtin."
    )
