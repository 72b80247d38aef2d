"""How fast an engine runs a model on this machine: prompt tokens a second, generated tokens a second, memory.

    measure(wire)                 what a running host does, with random token ids in one slot
    measure_file(path)            the same of a GGUF file, in a host of its own that is gone afterwards

Blocking; runs in the engine host (about itself, in an idle moment) and in the model commands. Speed does not
depend on what the tokens say, so no code is needed and none is seen. Must not know prompts or sessions.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from model.attach import Attachment, HostDied, HostSpec, attach, find_meeting
from model.fit import Fit, FitFile
from model.gguf import GgufHeader, read_header
from model.meeting import Meeting, read_fingerprint, read_identity, release
from model.protocol import Endpoint, HostUnavailable
from model.wire import TIMEOUT_S, Wire, WireError

N_PROMPT: Final = 256
N_GENERATED: Final = 32
END_LIMIT_S: Final = 20.0
PATIENCE_S: Final = 600.0  # of who measures on purpose: 256 tokens of a large model take a slow core minutes


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured. Tokens a second; `first_ms` is from the post to the first generated token."""

    prompt_per_s: float
    generated_per_s: float
    first_ms: float = 0.0
    resident_mb: float = 0.0
    n_prompt: int = 0
    n_generated: int = 0
    n_batch: int = 0  # where it is known


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of the engine. Ids are drawn from `ids`, with a seed, so that no prefix is cached."""

    ids: range
    n_prompt: int = N_PROMPT
    n_generated: int = N_GENERATED
    slot: int = -1
    seed: int = 0


def choose_ids(header: GgufHeader) -> range:
    """Ids in the middle of the vocabulary: control tokens stand at its ends."""
    n_vocab = len(header.tokens)
    return range(n_vocab // 4, max(n_vocab // 4 + 1, 3 * n_vocab // 4))


def connect(endpoint: Endpoint, timeout_s: float = TIMEOUT_S) -> Wire:
    """The road to a host that said where it listens."""
    return Wire(endpoint.socket_path, endpoint.base_url, endpoint.api_key, timeout_s)


def measure(wire: Wire, workload: Workload, pid: int = 0) -> Speed:
    """One prompt that is not cached and one generation. Raises HostUnavailable when the host does not answer.

    Two posts, so that the generation is timed from a prompt that is already evaluated.
    """
    drawn = random.Random(workload.seed)
    ids = [drawn.choice(workload.ids) for _ in range(workload.n_prompt)]
    body = {"prompt": ids, "id_slot": workload.slot, "cache_prompt": True, "ignore_eos": True}
    greedy = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"], "response_fields": ["timings"]}
    try:
        prompt = wire.post("/completion", {**body, **greedy, "n_predict": 1})["timings"]
        said = wire.post("/completion", {**body, **greedy, "n_predict": workload.n_generated})["timings"]
        return Speed(
            prompt_per_s=_rate(prompt["prompt_n"], prompt["prompt_ms"]),
            generated_per_s=_rate(said["predicted_n"] - 1, said["predicted_ms"]),
            first_ms=float(prompt["prompt_ms"]) + float(prompt["predicted_ms"]),
            resident_mb=psutil.Process(pid).memory_info().rss / 1e6 if pid else 0.0,
            n_prompt=int(prompt["prompt_n"]),
            n_generated=int(said["predicted_n"]),
        )
    except (WireError, KeyError, TypeError) as error:
        raise HostUnavailable(f"The engine host did not answer while it was measured ({error}).") from error


def _rate(n: float, ms: float) -> float:
    return 1000 * n / ms if ms > 0 else 0.0


def measure_file(
    path: Path, spec: HostSpec | None = None, *, n_prompt: int = N_PROMPT, n_generated: int = N_GENERATED
) -> Speed:
    """Starts a host of this file that nobody else meets, warms it up, measures, and waits until it is gone.

    `spec` says how to run it (engine, threads, context). Raises ModelRefused or HostUnavailable.
    """
    ids = choose_ids(read_header(path))
    with running_alone(spec or HostSpec(path, n_slots=1)) as attachment:
        wire = connect(attachment.endpoint, PATIENCE_S)
        room = attachment.endpoint.info.n_ctx - n_generated - 1
        workload = Workload(ids, min(n_prompt, room), n_generated)
        measure(wire, Workload(ids, 8, 2, seed=1))  # reads pages of the weights that were never touched
        return measure(wire, workload, attachment.pid)


def remember_fit(spec: HostSpec, fit: Fit) -> None:
    """As if the host that `spec` describes had measured itself before."""
    files = [spec.model, *([Path(spec.adapter)] if spec.adapter else [])]
    fingerprint = "-".join(map(read_fingerprint, files))
    FitFile(Path(spec.cache_dir) / "fit", fingerprint, spec.engine, spec.n_threads).write(fit)


@contextmanager
def running_alone(spec: HostSpec) -> Iterator[Attachment]:
    """A host in a folder of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="ew-") as folder:
        meeting = find_meeting(spec, read_identity(spec.model), Path(folder) / "run")
        lease = meeting.take_lease()
        try:
            yield attach(meeting, spec, threading.Event())
        except HostDied as death:
            raise HostUnavailable(f"The engine host for {spec.model} {death}.") from death
        finally:
            _end(meeting)
            release(lease)


def _end(meeting: Meeting) -> None:
    """Nobody else knows this host: it need not wait until it is idle."""
    ready = meeting.read_ready()
    if ready:
        process = psutil.Process(ready[1]) if psutil.pid_exists(ready[1]) else None
        if process and meeting.is_host_alive():
            process.terminate()
    deadline = time.monotonic() + END_LIMIT_S
    while meeting.is_host_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
