"""Engine `llama_cpp`: llama.cpp with its own HTTP server, from the package xllamacpp.

Runs in the engine host; the only file that imports xllamacpp. The server runs in native threads: no Python
is in the token loop. Must not know sessions, prompts or model families.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import mmap
import os
import socket
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from model.engines import EngineOptions, LoadFailed, Refusal
from model.gguf import GgufHeader

if TYPE_CHECKING:
    from xllamacpp import CommonParams

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
N_BATCH: Final = 128  # a decode is only interrupted between batches
CACHE_RAM_MIB: Final = 64
LOG_ERRORS: Final = 1  # of llama.cpp's verbosity; from 3 on it would print what it is asked


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
    params.n_batch = params.n_ubatch = N_BATCH
    params.cache_ram_mib = CACHE_RAM_MIB
    params.n_ctx_checkpoints = 2
    params.fit_params = False
    params.warmup = False
    params.ui = False
    params.endpoint_slots = True
    params.endpoint_metrics = False
    params.verbosity = LOG_ERRORS
    params.n_threads_http = 4
    params.sampling.temp = 0.0
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = options.n_threads
        threads.poll = 0  # waiting threads sleep, so that a compiler beside us keeps its cores
    return params


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


class LlamaServer:
    """See `model.engines.RunningEngine`."""

    def __init__(self, header: GgufHeader, options: EngineOptions) -> None:
        # Or a failed assertion in native code starts a debugger and writes a backtrace with its arguments.
        os.environ["GGML_NO_BACKTRACE"] = "1"
        import xllamacpp

        params = _build_params(xllamacpp, header, options)
        _listen(params, options)
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise LoadFailed(str(error)) from error
        self._options = options
        self.base_url = "http://localhost" if options.socket_path else str(self._server.listening_address)
        self.n_slots = options.n_slots
        self.n_ctx = options.n_ctx

    def count_active(self) -> int:
        """Asks the server itself; only when the host thinks of leaving."""
        try:
            return sum(bool(slot.get("is_processing")) for slot in self._get("/slots"))
        except (OSError, http.client.HTTPException, ValueError):
            return 0

    def find_problem(self) -> str:
        return ""

    def _get(self, path: str) -> list[dict[str, object]]:
        connection = _Connection(self._options.socket_path, self.base_url)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._options.api_key}"})
            slots: list[dict[str, object]] = json.loads(connection.getresponse().read())
            return slots
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """To ourselves, by socket or port."""

    def __init__(self, socket_path: str, base_url: str) -> None:
        super().__init__(base_url.removeprefix("http://"), timeout=5)
        self._socket_path = socket_path

    def connect(self) -> None:
        if not self._socket_path:
            return super().connect()
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self._socket_path)
        return None
