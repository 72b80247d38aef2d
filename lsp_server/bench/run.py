"""The whole benchmark: what is typed, by whom, and what it came to.

Runs in the command-line process. Must not know the command line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsp_server.bench.overhead import Overhead, measure_overhead
from lsp_server.bench.plan import duration_s, plan
from lsp_server.bench.replay import Bench, replay
from lsp_server.bench.report import Report
from lsp_server.bench.snapshot import unpack_snapshot
from lsp_server.engine import build_spec
from lsp_server.settings import ModelSettings, Settings
from model.fit import Fit
from model.hardware import choose_n_threads
from model.protocol import ModelRefused
from model.speed import measure_file, running_alone
from model.store import resolve_model

IDLE_EXIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for. Without a folder it is the code that comes with the benchmark."""

    folder: Path | None
    contenders: Sequence[str]
    n_keys: int
    n_overhead: int
    seed: int


async def run(wanted: Wanted, settings: Settings, say: Callable[[str], None]) -> Report:
    """Raises ModelRefused where nothing can be typed, or no host starts."""
    settings = settings.model_copy(update={"model": fixed(settings.model)})
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        workspace, scratch = Path(name, "workspace"), Path(name)
        folder = wanted.folder or unpack_snapshot(Path(name, "snapshot"))
        scripts = plan(folder, workspace, wanted.n_keys, wanted.seed)
        if not scripts:
            raise ModelRefused(f"{folder} holds no function to type: name another folder with --dir.")
        say("measuring the engine alone")
        bench = Bench(workspace, scratch, settings, scripts, measure_fit(settings.model))
        figures = []
        for contender in wanted.contenders:
            say(f"typing for {duration_s(scripts):.0f} s: {contender}")
            figures.append(await replay(bench, contender))
        overhead: Overhead | None = None
        if wanted.n_overhead:
            say("the server beside the engine")
            overhead = await measure_overhead(bench, wanted.n_overhead)
        report = Report(*describe(settings.model), wanted.seed, _count(bench), duration_s(scripts), ())
        return replace(report, contenders=tuple(figures), overhead=overhead)


def _count(bench: Bench) -> int:
    return sum(len(script.keys) for script in bench.scripts)


def fixed(settings: ModelSettings) -> ModelSettings:
    """Nothing that a host would change by itself while it is measured; gone soon after its last user."""
    size_bytes = resolve_model(settings.name).stat().st_size
    n_threads = choose_n_threads(settings.n_threads, size_bytes)
    return settings.model_copy(update={"n_threads": n_threads, "idle_exit_s": IDLE_EXIT_S})


def measure_fit(settings: ModelSettings) -> Fit:
    """What a host knows of its speed after its first idle moment."""
    spec = build_spec(settings)
    speed = measure_file(spec.model, spec)
    return Fit(settings.n_threads, speed.prompt_per_s, speed.generated_per_s)


def describe(settings: ModelSettings) -> tuple[str, str, str]:
    """The model, the engine and the family, as a host says them."""
    with running_alone(build_spec(settings)) as attachment:
        info = attachment.endpoint.info
        family = info.family if settings.family == "auto" else settings.family
        return info.name, info.engine, family
