"""ENGINE HOST: the process `python -m model.host` that owns the weights of one model and serves them to one
user's sessions.

Reads the header, picks the engine, lets it listen on a private socket, says so in `host.json`, and leaves
when nobody has used it for a while. Imports little: it should serve within a second. Must not know LSP or
how prompts are laid out.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from filelock import Timeout

from model import fim, hardware
from model.adapters import check_fit
from model.engines import EngineOptions, LoadFailed, RunningEngine, choose_engine
from model.fit import Fit, FitFile, Tuning, guess_prompt_per_s, tune
from model.gguf import GgufHeader, read_header
from model.governor import Economy, Governor, Subject
from model.meeting import IS_POSIX, Meeting, make_private_folder, read_fingerprint
from model.protocol import Endpoint, ModelInfo, ModelRefused
from model.speed import choose_ids, connect

EXIT_REFUSED: Final = 3
EXIT_NOT_NEEDED: Final = 4
TICK_S: Final = 1.0
DEFAULT_N_CTX: Final = 4096

log = logging.getLogger("edgewise.host")


@dataclass(frozen=True, slots=True)
class HostArguments:
    """The command line, parsed."""

    model: Path
    engine: str
    meeting: Meeting
    n_ctx: int
    n_slots: int
    n_threads: int
    idle_exit_s: float
    adapter: str = ""
    max_memory_mb: int = 0
    cache_dir: Path | None = None
    economy: Economy = Economy.AUTO


@dataclass(frozen=True, slots=True)
class Started:
    """An engine that serves, and what it was started with."""

    engine: RunningEngine
    endpoint: Endpoint
    header: GgufHeader
    options: EngineOptions


def parse_arguments(argv: list[str]) -> HostArguments:
    parser = argparse.ArgumentParser(prog="python -m model.host", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--runtime-dir", type=Path, required=True, help="the private folder of this host")
    parser.add_argument("--engine", default="auto")
    parser.add_argument(
        "--n-ctx", type=int, default=0, help="tokens for each slot; 0: what the model was trained with"
    )
    parser.add_argument("--n-slots", type=int, default=4)
    parser.add_argument("--n-threads", type=int, default=0, help="0: chosen for this machine")
    parser.add_argument("--idle-exit-s", type=float, default=60.0)
    parser.add_argument("--adapter", default="", help="a LoRA adapter of this model")
    parser.add_argument("--max-memory-mb", type=int, default=0, help="0: what the machine has")
    parser.add_argument("--cache-dir", type=Path, help="where measured speeds are remembered")
    parser.add_argument("--economy", choices=[choice.value for choice in Economy], default="auto")
    given = parser.parse_args(argv)
    return HostArguments(
        given.model,
        given.engine,
        Meeting(given.runtime_dir),
        given.n_ctx,
        given.n_slots,
        given.n_threads,
        given.idle_exit_s,
        given.adapter,
        given.max_memory_mb,
        given.cache_dir,
        Economy(given.economy),
    )


def choose_n_ctx(asked: int, header: GgufHeader) -> int:
    """Never more than the model was trained with; unasked, a moderate context even of a model with a huge
    one.
    """
    trained = header.number("{arch}.context_length")
    return min(asked or DEFAULT_N_CTX, trained if trained > 0 else DEFAULT_N_CTX)


def count_kv_bytes(header: GgufHeader, n_ctx: int) -> int:
    """Size of one slot's KV cache in 16-bit floats."""
    n_kv_heads = header.number("{arch}.attention.head_count_kv", _count_heads(header))
    return 2 * 2 * header.number("{arch}.block_count") * n_kv_heads * count_head_size(header) * n_ctx


def count_head_size(header: GgufHeader) -> int:
    usual = header.number("{arch}.embedding_length") // max(1, _count_heads(header))
    return header.number("{arch}.attention.key_length", usual)


def _count_heads(header: GgufHeader) -> int:
    return header.number("{arch}.attention.head_count", 1)


def build_options(arguments: HostArguments, header: GgufHeader, engine_name: str) -> EngineOptions:
    plan = fit_memory(arguments, header, engine_name)
    tuning = choose_tuning(find_fit_file(arguments).read(), arguments.n_threads, header.size_bytes)
    return EngineOptions(
        socket_path=str(arguments.meeting.socket_path) if IS_POSIX else "",
        api_key="" if IS_POSIX else secrets.token_urlsafe(32),
        n_ctx=plan.size.n_ctx,
        n_slots=plan.size.n_slots,
        kv_type=plan.kv_type,
        kv_bytes=plan.n_bytes,
        n_threads=tuning.n_threads,
        n_batch=tuning.n_batch,
        n_prompt_threads=tuning.n_prompt_threads,
        adapter=arguments.adapter,
        kv_folder=str(make_private_folder(arguments.meeting.kv_folder)) if IS_POSIX else "",
    )


def choose_tuning(fit: Fit, asked_threads: int, weights_bytes: int) -> Tuning:
    """As it was measured, else as a guess has it; the user's own number of threads stays."""
    n_threads = hardware.choose_n_threads(asked_threads, weights_bytes)
    if not fit.is_known:
        fit = Fit(n_threads, guess_prompt_per_s(weights_bytes, n_threads))
    tuning = tune(fit, weights_bytes, hardware.count_free_cores())
    return replace(tuning, n_threads=n_threads, n_prompt_threads=n_threads) if asked_threads else tuning


@dataclass(frozen=True, slots=True)
class KvPlan:
    """How many tokens are kept, and in how many bits."""

    size: hardware.KvSize
    kv_type: hardware.KvType
    n_bytes: int


def fit_memory(arguments: HostArguments, header: GgufHeader, engine_name: str = "llama_cpp") -> KvPlan:
    """Context and slots within the memory that the machine, and the user, give. Raises ModelRefused."""
    fixed_bytes = header.size_bytes + hardware.WORK_BYTES
    room_bytes = hardware.find_kv_room()
    if arguments.max_memory_mb:
        room_bytes = min(room_bytes, (arguments.max_memory_mb << 20) - fixed_bytes)
    asked = hardware.KvSize(choose_n_ctx(arguments.n_ctx, header), arguments.n_slots)
    each, kv_type = count_kv_bytes(header, 1), hardware.KvType.F16
    if engine_name == "llama_cpp":
        kv_type = hardware.choose_kv_type(asked.n_tokens * each, room_bytes, count_head_size(header))
    if kv_type is hardware.KvType.Q8_0:
        each = int(each * hardware.Q8_SHARE)
    n_slots = hardware.choose_n_slots(asked.n_slots, each * asked.n_ctx, hardware.find_kv_room())
    fitted: hardware.KvSize | None = hardware.KvSize(asked.n_ctx, n_slots)
    if arguments.max_memory_mb:
        fitted = hardware.shrink(hardware.KvSize(asked.n_ctx, n_slots), each, room_bytes)
    if fitted is None:
        least_mb = (fixed_bytes + each * hardware.MIN_N_CTX) >> 20
        raise ModelRefused(
            f"The model file {header.path} needs {least_mb} MB at least, and model.max_memory_mb allows "
            f"{arguments.max_memory_mb}: set it higher or choose a smaller model."
        )
    if (fitted, kv_type) != (asked, hardware.KvType.F16):
        log.info("within %s MB for KV caches: %s of %s", room_bytes >> 20, fitted, kv_type)
    return KvPlan(fitted, kv_type, each * fitted.n_tokens)


@cache
def find_fingerprint(arguments: HostArguments) -> str:
    """Of everything that speed and KV caches follow from: the weights and the adapter."""
    files = [arguments.model, *([Path(arguments.adapter)] if arguments.adapter else [])]
    return "-".join(read_fingerprint(path) for path in files)


def find_fit_file(arguments: HostArguments) -> FitFile:
    """Where the speed of these weights on this machine is remembered."""
    folder = arguments.cache_dir / "fit" if arguments.cache_dir else None
    return FitFile(folder, find_fingerprint(arguments), arguments.engine, arguments.n_threads)


def build_governor(arguments: HostArguments, started: Started) -> Governor:
    subject = Subject(
        started.engine,
        connect(started.endpoint),
        started.header.size_bytes,
        choose_ids(started.header),
        Tuning(started.options.n_threads, started.options.n_prompt_threads, started.options.n_batch),
        is_fixed=arguments.n_threads > 0,
    )
    fit_file, tell = find_fit_file(arguments), arguments.meeting.write_pace
    return Governor(subject, fit_file, arguments.economy, tell=tell)


def find_control_ids(header: GgufHeader) -> Mapping[str, int]:
    """Every token that is not text, and those of known families even where the file calls them text."""
    return {**header.special_tokens(), **fim.find_control_ids(header.tokens)}


def build_info(
    header: GgufHeader, engine_name: str, engine: RunningEngine, kv_folder: str = "", fingerprint: str = ""
) -> ModelInfo:
    family = fim.recognise(header.token_ids.keys(), header.architecture, header.name)
    return ModelInfo(
        name=header.name,
        path=str(header.path),
        architecture=header.architecture,
        vocabulary=header.vocabulary,
        family=family.name,
        engine=engine_name,
        n_ctx=engine.n_ctx,
        n_slots=engine.n_slots,
        control_ids=find_control_ids(header),
        fingerprint=fingerprint,
        kv_folder=kv_folder if engine_name == "llama_cpp" else "",
        has_chat_template=engine_name == "llama_cpp" and "tokenizer.chat_template" in header.metadata,
    )


def start_engine(arguments: HostArguments) -> Started:
    """Header first, then the engine that can run it. Raises ModelRefused."""
    header = read_header(arguments.model)
    chosen = choose_engine(arguments.engine, header)
    if arguments.adapter:
        check_fit(read_header(Path(arguments.adapter)), header)
    options = build_options(arguments, header, chosen.name)
    try:
        engine = chosen.start(header, options)
    except LoadFailed as error:
        words = f"its own words are in {arguments.meeting.log_path}"
        cure = "get the file again or choose another model"
        raise ModelRefused(
            f"{chosen.name} could not load {header.path} ({error}; {words}): {cure}."
        ) from error
    if options.socket_path:
        Path(options.socket_path).chmod(0o600)
    info = build_info(header, chosen.name, engine, options.kv_folder, find_fingerprint(arguments))
    log.info(
        "%s on %s, %s threads, %s slots of %s",
        info.path,
        info.engine,
        options.n_threads,
        info.n_slots,
        info.n_ctx,
    )
    endpoint = Endpoint(info, options.socket_path, engine.base_url, options.api_key)
    return Started(engine, endpoint, header, options)


class Watch:
    """Decides when the host has nothing left to do."""

    def __init__(
        self, meeting: Meeting, engine: RunningEngine, endpoint: Endpoint, idle_exit_s: float
    ) -> None:
        self._meeting, self._engine, self._endpoint = meeting, engine, endpoint
        self._idle_exit_s = idle_exit_s
        self._used_at = time.monotonic()
        self._inode = meeting.write_ready(endpoint, os.getpid())

    def find_reason_to_end(self) -> str:
        """Empty while the host is of use."""
        lost = self._find_loss() or self._engine.find_problem()
        if lost:
            return lost
        if self._meeting.has_leases():
            self._used_at = time.monotonic()
            return ""
        idle_exit_s = self._meeting.read_idle_exit(self._idle_exit_s)
        if time.monotonic() - self._used_at < idle_exit_s or self._engine.count_active():
            return ""
        return self._withdraw()

    def _find_loss(self) -> str:
        try:
            if self._meeting.ready_path.stat().st_ino != self._inode:
                return "host.json is another host's"
            if self._endpoint.socket_path:
                Path(self._endpoint.socket_path).stat()
        except OSError:
            return "host.json or the socket is gone"
        return ""

    def _withdraw(self) -> str:
        """Hides the endpoint first and looks once more: a session that saw it has taken its lease before."""
        self._meeting.ready_path.unlink(missing_ok=True)
        if self._meeting.has_leases():
            self._inode = self._meeting.write_ready(self._endpoint, os.getpid())
            return ""
        return "nobody uses it"


def run(arguments: HostArguments) -> int:
    """Serves until there is a reason to end. The caller holds the host's lock."""
    started = time.monotonic()
    arguments.meeting.clear()
    try:
        host = start_engine(arguments)
    except ModelRefused as error:
        log.error("%s", error)
        arguments.meeting.write_refusal(str(error))
        return EXIT_REFUSED
    watch = Watch(arguments.meeting, host.engine, host.endpoint, arguments.idle_exit_s)
    log.info("ready after %d ms", 1000 * (time.monotonic() - started))
    tick_s = min(TICK_S, max(0.1, arguments.idle_exit_s))
    governor = build_governor(arguments, host)
    while not (reason := watch.find_reason_to_end()):
        time.sleep(tick_s)
        governor.tick()
    log.info("ends: %s", reason)
    if not reason.startswith("host.json"):
        arguments.meeting.clear()
    return 0


def _silence_stdout() -> None:
    """Native code prints there; what it says belongs into the log, which stderr is."""
    sys.stdout.flush()
    os.dup2(2, 1)


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    _silence_stdout()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s", stream=sys.stderr)
    os.umask(0o077)  # what native code writes is the user's alone, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
    lock = arguments.meeting.host_lock
    try:
        lock.acquire(timeout=2)
    except Timeout:
        return EXIT_NOT_NEEDED
    try:
        return run(arguments)
    except SystemExit:
        arguments.meeting.clear()
        return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # native threads may still be busy, and nothing here needs their farewell
