"""Measures what this machine does with weights: a few small files with random weights, run by the real host.

Runs in the model commands, a minute once for each machine and thread count; the rates are kept in the cache.
Must not know which models there are.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Final

import platformdirs

from model import hardware, store
from model.attach import Attachment, HostSpec
from model.catalog import Shape
from model.fit import FIT_PROMPT, Fit, choose_batch, speed_for_batch
from model.gguf import read_header
from model.predict import Rates, Work, count_activations, count_work, prompt_s, token_s
from model.shapes import write_random
from model.speed import (
    N_GENERATED,
    N_PROMPT,
    PATIENCE_S,
    Speed,
    Workload,
    choose_ids,
    connect,
    measure,
    remember_fit,
    running_alone,
)
from model.wire import Wire

CACHE_VARIABLE: Final = "EDGEWISE_CACHE_DIR"
VERSION: Final = 3  # of the formula: rates of another one are measured again
ENGINE: Final = "llama_cpp"  # whose formula it is
N_CTX: Final = 2048
N_LONG: Final = 1536
N_TIMES: Final = 3
DENSE: Final = Shape(6, 1536, 24, 4, 6144, 16_000, is_tied=True)  # too large for a processor's cache
SMALL: Final = Shape(24, 512, 8, 2, 1408, 16_000, is_tied=True)  # many thin layers
EXPERTS: Final = Shape(6, 1024, 16, 4, 512, 16_000, n_expert=32, n_expert_used=8, is_tied=True)
TYPES: Final = ("Q8_0", "Q6_K", "Q4_0", "Q4_K")  # Q4_0 files have a head of Q6_K
N_STEPS: Final = 2 * len(TYPES) + 3
MANY: Final = 128  # tokens of a batch
FEW: Final = 8  # as many as a large model's has on a small machine


@dataclass(frozen=True, slots=True)
class Run:
    """One file that is written, measured and removed."""

    shape: Shape
    quant: str
    n_threads: int = 0
    n_prompt: int = N_PROMPT
    n_generated: int = N_GENERATED
    n_ctx: int = N_CTX
    n_batch: int = 0  # what the host comes to


def cache_folder() -> Path:
    override = os.environ.get(CACHE_VARIABLE)
    return Path(override) if override else Path(platformdirs.user_cache_dir("edgewise"))


def _sweep(folder: Path) -> None:
    import psutil

    for left in folder.glob("shape-*-*"):
        pid = left.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def temporary_file() -> Iterator[Path]:
    """In the cache, because a system's folder for temporary files may lie in memory. Removed whatever ends
    the block, SIGTERM too, and by the next command where that was a kill: some are gigabytes."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        kept = tempfile.TemporaryDirectory(prefix=f"shape-{os.getpid()}-", dir=folder)
    except OSError as error:
        store.refuse_write(folder, error)
    with _terminated_in_order(), kept as inside:
        yield Path(inside) / "random.gguf"


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """SIGTERM ends the block as an exception does. Only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_shape(run: Run, advance: store.Advance = lambda _: None) -> Speed:
    """Writes a file of this shape and type with random weights, measures it in a real host, removes it."""
    with temporary_file() as path:
        write_random(path, run.shape, run.quant, run.n_ctx, advance)
        n_threads = run.n_threads or choose_n_threads(path.stat().st_size)
        spec = HostSpec(path, ENGINE, n_ctx=run.n_ctx, n_slots=1, n_threads=n_threads)
        return measure_best(spec, run.n_prompt, run.n_generated, run.n_batch)


def measure_best(spec: HostSpec, n_prompt: int, n_generated: int, n_batch: int = 0) -> Speed:
    """The best of a few tries in one host: what else runs here only ever makes it slower. Unless a batch is
    named, the host has the one that it comes to once it has measured itself."""
    ids = choose_ids(read_header(spec.model))
    n_batch = n_batch or _find_batch(spec, ids)
    with (
        tempfile.TemporaryDirectory(prefix="ew-") as folder,
        running_alone(_with_batch(spec, n_batch, folder)) as attachment,
    ):
        wire = _warm(attachment, ids)
        tries = [
            measure(wire, Workload(ids, n_prompt, n_generated, seed=seed), attachment.pid)
            for seed in range(N_TIMES)
        ]
    return replace(
        tries[0],
        prompt_per_s=max(speed.prompt_per_s for speed in tries),
        generated_per_s=max(speed.generated_per_s for speed in tries),
        first_ms=min(speed.first_ms for speed in tries),
        resident_mb=max(speed.resident_mb for speed in tries),
        n_batch=n_batch,
    )


def _with_batch(spec: HostSpec, n_batch: int, folder: str) -> HostSpec:
    """A host that believes to know a speed for which it takes this batch."""
    n_bytes = spec.model.stat().st_size
    n_threads = hardware.choose_n_threads(spec.n_threads, n_bytes)
    known = replace(spec, cache_dir=folder)
    remember_fit(known, Fit(n_threads, speed_for_batch(n_batch, n_bytes), 1.0))
    return known


def _find_batch(spec: HostSpec, ids: range) -> int:
    """The host begins with a guess, and measures itself so."""
    with running_alone(spec) as attachment:
        speed = measure(_warm(attachment, ids), Workload(ids, FIT_PROMPT, 2))
    return choose_batch(speed.prompt_per_s, spec.model.stat().st_size)


def _warm(attachment: Attachment, ids: range) -> Wire:
    """Pages that were never touched are read here."""
    wire = connect(attachment.endpoint, PATIENCE_S)
    measure(wire, Workload(ids, 8, 2, seed=-1))
    return wire


def choose_n_threads(file_bytes: int) -> int:
    """What the host takes on a machine that does nothing else."""
    if file_bytes <= hardware.SMALL_MODEL_BYTES:
        return 1
    n_cores = hardware.count_cores()
    return min(hardware.MAX_THREADS, n_cores if n_cores <= 2 else n_cores - 1)


def calibrate(n_threads: int, advance: Callable[[int], None] = lambda _: None) -> Rates:
    """Measures the rates. `advance` counts the `N_STEPS` runs."""

    def run(shape: Shape, quant: str, n_batch: int, n_prompt: int = N_PROMPT) -> Speed:
        speed = run_shape(Run(shape, quant, n_threads, n_prompt, n_batch=n_batch))
        advance(1)
        return speed

    speeds = {quant: (run(DENSE, quant, FEW), run(DENSE, quant, MANY)) for quant in TYPES}
    thin = run(SMALL, "Q8_0", MANY)
    longer = run(DENSE, "Q8_0", MANY, N_LONG)
    experts = run(EXPERTS, "Q4_0", FEW)
    rates = fit_rates(n_threads, speeds, thin, longer)
    return replace(rates, expert=fit_expert(rates, experts))


Pair = tuple[Speed, Speed]  # with small batches, and with large ones


def fit_rates(n_threads: int, speeds: Mapping[str, Pair], thin: Speed, longer: Speed) -> Rates:
    """Attention from the long context, the layer's part from the thin shape, the rest from the dense one.

    Each depends a little on the others: a few rounds settle them.
    """
    resident = fit_resident({quant: many for quant, (_, many) in speeds.items()})
    rates = Rates(n_threads, {}, {}, {}, resident, 1.0, 0.0, 0.0, 0.0, 0.0, BASE_MB)
    for _ in range(20):
        for quant, pair in speeds.items():
            rates = _fit_type(rates, count_work(DENSE, quant), quant, pair)
        rates = _fit_attention(rates, count_work(DENSE, "Q8_0"), longer)
        rates = _fit_layer(rates, count_work(SMALL, "Q8_0"), thin)
    return rates


BASE_MB: Final = 60.0  # of the process: the interpreter, the library, buffers


def fit_resident(speeds: dict[str, Speed]) -> dict[str, float]:
    """Memory a byte of file, of each type."""
    found: dict[str, float] = {}
    for quant, speed in speeds.items():
        held = count_work(DENSE, quant).bytes_by_type
        others = sum(n_bytes * found.get(name, 1.0) for name, n_bytes in held.items() if name != quant)
        weights = (speed.resident_mb - BASE_MB) * 1e6 - DENSE.count_kv_bytes(N_CTX) - others
        found[quant] = max(1.0, weights / held[quant])
    return found


def _generating_context() -> float:
    return N_PROMPT + N_GENERATED / 2


def _fit_type(rates: Rates, work: Work, quant: str, speeds: Pair) -> Rates:
    """The nanoseconds that are left a weight when everything else is taken off."""
    few, many = speeds
    free = replace(
        rates,
        read_ns={**rates.read_ns, quant: 0.0},
        several_ns={**rates.several_ns, quant: 0.0},
        multiply_ns={**rates.multiply_ns, quant: 0.0},
    )
    n_read = work.body[quant] + work.head.get(quant, 0)
    rest = 1 / many.generated_per_s - token_s(work, free, _generating_context())
    known = replace(free, read_ns={**rates.read_ns, quant: max(0.0, rest * 1e9 / n_read)})

    def left_ns(speed: Speed, n_batch: int) -> float:
        rest = N_PROMPT / speed.prompt_per_s - prompt_s(work, known, N_PROMPT, n_batch=n_batch)
        return rest * 1e9 / work.body[quant]

    several, multiply = solve_batches(left_ns(few, FEW), left_ns(many, MANY))
    return replace(
        known,
        several_ns={**rates.several_ns, quant: several},
        multiply_ns={**rates.multiply_ns, quant: multiply},
    )


def solve_batches(few_ns: float, many_ns: float) -> tuple[float, float]:
    """What each batch costs, and each token but a batch's first: from a prompt in small and in large ones."""
    n_few, n_many = N_PROMPT // FEW, N_PROMPT // MANY
    each_few, each_many = N_PROMPT - n_few, N_PROMPT - n_many
    several = (few_ns - many_ns * each_few / each_many) / (n_few - n_many * each_few / each_many)
    several = max(0.0, several)
    return several, max(0.0, (many_ns - n_many * several) / each_many)


def _fit_attention(rates: Rates, work: Work, longer: Speed) -> Rates:
    shape = work.shape
    free = replace(rates, attend_ps=0.0, attend_batch_ps=0.0)
    places = shape.n_layer * shape.n_head * shape.head_dim
    context = N_LONG + N_GENERATED / 2
    rest = 1 / longer.generated_per_s - token_s(work, free, context)
    one = max(0.0, rest * 1e12 / (places * context))
    rest = N_LONG / longer.prompt_per_s - prompt_s(work, free, N_LONG, n_batch=MANY)
    many = max(0.0, rest * 1e12 / (places * N_LONG * N_LONG / 2))
    return replace(rates, attend_ps=one, attend_batch_ps=many)


def _fit_layer(rates: Rates, work: Work, thin: Speed) -> Rates:
    """What is left of a thin shape: of its prompt the activations, of a generated token the layers."""
    free = replace(rates, wide_ns=0.0)
    rest = N_PROMPT / thin.prompt_per_s - prompt_s(work, free, N_PROMPT, n_batch=MANY)
    wide = max(0.0, rest * 1e9 / (count_activations(work.shape) * N_PROMPT))
    free = replace(rates, wide_ns=wide, layer_us=0.0)
    rest = 1 / thin.generated_per_s - token_s(work, free, _generating_context())
    return replace(free, layer_us=max(0.0, rest * 1e6 / work.shape.n_layer))


def fit_expert(rates: Rates, speed: Speed) -> float:
    """By which factor the arithmetic of experts is slower than that of a dense layer."""
    work = count_work(EXPERTS, "Q4_0")
    measured = N_PROMPT / speed.prompt_per_s
    without = prompt_s(work, replace(rates, expert=0.0), N_PROMPT, n_batch=FEW)
    unit = prompt_s(work, replace(rates, expert=1.0), N_PROMPT, n_batch=FEW) - without
    return max(1.0, (measured - without) / unit) if unit > 0 else 1.0


def identify_machine(n_threads: int) -> str:
    """Changes with what the rates depend on."""
    try:
        engine = metadata.version("xllamacpp")
    except metadata.PackageNotFoundError:
        engine = ""
    parts = (VERSION, platform.machine(), _read_processor(), hardware.count_cores(), n_threads, engine)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _read_processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.processor()
    return next((line for line in text.splitlines() if line.startswith("model name")), "")


def rates_path(n_threads: int) -> Path:
    return cache_folder() / "speed" / f"{identify_machine(n_threads)}.json"


def read_rates(n_threads: int) -> Rates | None:
    """The rates of this machine, if they were measured."""
    try:
        return Rates(**json.loads(rates_path(n_threads).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_rates(rates: Rates) -> Path:
    path = rates_path(rates.n_threads)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(asdict(rates), indent=1) + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        store.refuse_write(path, error)
    return path
