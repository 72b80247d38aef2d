"""Engine `llama_cpp`: llama.cpp with its own HTTP server, from the package xllamacpp.

Runs in the engine host; the only file that imports xllamacpp. The server runs in native threads: no Python
is in the token loop. Must not know sessions, prompts or model families.
"""

from __future__ import annotations

import importlib.util
import logging
import mmap
import os
import socket
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from model.engines import EngineOptions, LoadFailed, Refusal
from model.fit import Tuning
from model.gguf import GgufHeader
from model.hardware import KvType, choose_card_layers
from model.wire import Wire, WireError

if TYPE_CHECKING:
    from xllamacpp import CommonParams, Server

# Known to every llama.cpp of this package's versions. Other names are looked up in the library itself.
ARCHITECTURES: Final = frozenset((
    "llama", "llama4", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "qwen3next", "starcoder", "starcoder2",
    "gptneox", "gpt2", "gptj", "refact", "codeshell", "stablelm", "gemma", "gemma2", "gemma3", "phi2",
    "phi3", "deepseek", "deepseek2", "granite", "granitemoe", "granitehybrid", "command-r", "cohere2",
    "olmo2", "falcon", "mpt", "bloom", "baichuan", "internlm2", "minicpm", "seed_oss", "gpt-oss",
    "glm4", "smollm3", "mamba2", "nemotron", "mistral3", "ernie4_5",
))  # fmt: skip
NOT_GENERATIVE: Final = frozenset((
    "bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert",
    "modern-bert", "gemma-embedding", "t5encoder", "clip", "wavtokenizer-dec", "llama-embed",
))  # fmt: skip
VOCABULARIES: Final = frozenset(("llama", "gpt2", "rwkv", "plamo2", "gemma4"))
N_HTTP_THREADS: Final = 32  # each open stream holds one, and a probe for health must find one that is free
CACHE_RAM_MIB: Final = 0  # of prompts beside the slots: only requests that name no slot would use it
IDLE_LIMIT_S: Final = 30.0
LOG_ERRORS: Final = 1  # of llama.cpp's verbosity; from 3 on it would print what it is asked
# xllamacpp is built with OpenMP, whose threads spin at every barrier by default, whatever `cpuparams.poll`
# says: a displaced thread then stops all. Passive ones sleep. Must be set before the library is loaded.
OPENMP: Final = {"OMP_WAIT_POLICY": "passive"}

log = logging.getLogger("edgewise.llama_cpp")


class LlamaCpp:
    """See `model.engines.Engine`."""

    name = "llama_cpp"

    def is_installed(self) -> bool:
        return importlib.util.find_spec("xllamacpp") is not None

    def find_refusal(self, header: GgufHeader) -> Refusal | None:
        architecture = header.architecture
        if architecture in NOT_GENERATIVE:
            return Refusal(
                f"finds no text to write in it: {architecture} models embed or see, they do not generate"
            )
        if header.vocabulary not in VOCABULARIES:
            return Refusal(f"does not generate with a vocabulary of the kind {header.vocabulary!r}")
        if not header.tokens or not header.tensors:
            return Refusal("needs a vocabulary and weights, and the file has none")
        n_layers, width = header.number("{arch}.block_count"), header.number("{arch}.embedding_length")
        if n_layers < 1 or width < 1:
            return Refusal(f"cannot run {n_layers} layers of {width} numbers")
        if architecture not in ARCHITECTURES and self.is_installed() and not _is_in_library(architecture):
            return Refusal(f"of this version does not know the architecture {architecture!r}")
        return None

    def start(self, header: GgufHeader, options: EngineOptions) -> LlamaServer:
        return LlamaServer(header, options)


def _is_in_library(architecture: str) -> bool:
    """llama.cpp's table of architectures stands as plain text in the shared library (126 names in 106 MB,
    0.1 s).
    """
    package = importlib.util.find_spec("xllamacpp")
    folders = (package.submodule_search_locations or []) if package else []
    needle = architecture.encode() + b"\0"
    for library in (
        path
        for folder in folders
        for path in Path(folder).glob("xllamacpp*")
        if path.suffix in (".so", ".pyd")
    ):
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(needle) >= 0
    return False


def _build_params(xllamacpp: ModuleType, header: GgufHeader, options: EngineOptions) -> CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(header.path)
    params.n_ctx = options.n_ctx * options.n_slots
    params.n_parallel = options.n_slots
    params.kv_unified = False
    params.n_batch = params.n_ubatch = options.n_batch
    params.cache_ram_mib = CACHE_RAM_MIB
    params.n_ctx_checkpoints = 2
    params.fit_params = False
    params.warmup = False
    params.ui = False
    params.endpoint_slots = True
    params.endpoint_metrics = False
    params.verbosity = LOG_ERRORS
    params.n_threads_http = N_HTTP_THREADS
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_AUTO  # on, where it can
    params.sampling.temp = 0.0
    if options.adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(options.adapter, 1.0)]
    params.cpuparams.n_threads = options.n_threads
    params.cpuparams_batch.n_threads = options.n_prompt_threads or options.n_threads
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    if options.kv_type is KvType.Q8_0:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    params.n_gpu_layers = choose_card_layers(
        header.number("{arch}.block_count"), header.size_bytes, options.kv_bytes, _find_card_bytes(xllamacpp)
    )
    if options.kv_folder:
        params.slot_save_path = os.path.join(options.kv_folder, "")  # noqa: PTH118  (the closing slash)
    if options.ngram_draft:
        _draft_by_ngram(xllamacpp, params, options.ngram_draft)
    return params


def _find_card_bytes(xllamacpp: ModuleType) -> int:
    """Free memory of the largest graphics card that this build of the library can use."""
    gpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_GPU
    cards = [int(card["memory_free"]) for card in xllamacpp.get_device_info() if card["type"] == gpu]
    return max(cards, default=0)


def _draft_by_ngram(xllamacpp: ModuleType, params: CommonParams, n_draft: int) -> None:
    """Drafts what followed the same tokens earlier in the prompt; the model checks a whole draft at once."""
    params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    params.speculative.ngram_simple.size_m = n_draft


def _listen(params: CommonParams, options: EngineOptions) -> None:
    if options.socket_path:
        Path(options.socket_path).unlink(missing_ok=True)
        params.hostnames = [options.socket_path]
    else:
        params.hostnames = ["127.0.0.1"]
        params.port = _find_free_port()
        params.api_keys = [options.api_key]


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(header: GgufHeader, options: EngineOptions) -> Server:
    # Or a failed assertion in native code starts a debugger and writes a backtrace with its arguments.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    os.environ.update({name: os.environ.get(name, value) for name, value in OPENMP.items()})
    import xllamacpp

    params = _build_params(xllamacpp, header, options)
    _listen(params, options)
    try:
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise LoadFailed(str(error)) from error


def _count_active(wire: Wire) -> int:
    try:
        return sum(bool(slot.get("is_processing")) for slot in wire.get("/slots"))
    except WireError:
        return 0


def _await_idle(wire: Wire) -> None:
    deadline = time.monotonic() + IDLE_LIMIT_S
    while _count_active(wire) and time.monotonic() < deadline:
        time.sleep(0.01)


class LlamaServer:
    """See `model.engines.RunningEngine`."""

    def __init__(self, header: GgufHeader, options: EngineOptions) -> None:
        self._server = _serve(header, options)
        self._header, self._options = header, options
        self.base_url = "http://localhost" if options.socket_path else str(self._server.listening_address)
        self.n_slots = options.n_slots
        self.n_ctx = options.n_ctx

    def count_active(self) -> int:
        """Asks the server itself; only when the host thinks of leaving or of changing."""
        return _count_active(self._wire())

    def find_problem(self) -> str:
        return ""

    def refit(self, tuning: Tuning) -> bool:
        """llama.cpp's server fixes its threads when it starts. So a second one is started beside the first,
        on the same mapped weights; the KV caches go over, then the socket's name; the first one is let go."""
        if not self._options.socket_path or self.count_active():
            return False
        wanted = replace(self._options, **asdict(tuning))
        named = Path(self._options.socket_path)
        beside, before = named.with_name("next.sock"), named.with_name("last.sock")
        try:
            successor = _serve(self._header, replace(wanted, socket_path=str(beside)))
        except LoadFailed as error:
            log.warning("stays with %s threads: %s", self._options.n_threads, error)
            return False
        if wanted.kv_folder:
            self._hand_over(Wire(str(beside)), Path(wanted.kv_folder))
        before.unlink(missing_ok=True)
        before.hardlink_to(named)
        beside.chmod(0o600)
        beside.replace(named)
        _await_idle(Wire(str(before)))  # whoever came during the change is still answered
        before.unlink()
        self._server, self._options = successor, wanted
        return True

    def _hand_over(self, successor: Wire, kv_folder: Path) -> None:
        """A slot that does not go over is one prefill lost."""
        for slot in range(self.n_slots):
            file = kv_folder / f"refit-{os.getpid()}-{slot}.kv"
            try:
                if self._wire().post(f"/slots/{slot}?action=save", {"filename": file.name})["n_saved"]:
                    successor.post(f"/slots/{slot}?action=restore", {"filename": file.name})
            except WireError as error:
                log.warning("slot %s was not handed over: %s", slot, error)
            finally:
                file.unlink(missing_ok=True)

    def _wire(self) -> Wire:
        return Wire(self._options.socket_path, self.base_url, self._options.api_key)
