"""`edgewise model tune`, the model's side: trains on texts that the caller has chosen, judges, installs.

Runs in the model commands. Must not know which files of a folder are code, ignored or secret: that is the
session's knowledge, and its command hands the texts over. Imports the lab, and with it torch, when it trains.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from model import adapters, catalog, hardware, store
from model.adapters import Adapter, AdapterNote
from model.commands.terminal import Terminal, interruptible, write_json
from model.fim import recognise
from model.gguf import read_header
from model.protocol import ModelRefused

if TYPE_CHECKING:
    from model.lab.tune import TunePlan, TuneTask
    from model.lab.tune_judge import Outcome

TOKENIZER: Final = catalog.PACKAGE / "builtin" / "tokenizer.model"
MIN_FILES, MIN_CHARS = 5, 30_000
NICENESS: Final = 10
KEPT: Final = "Stopped: what was learned so far is kept, the same command goes on from there."


@dataclass(frozen=True, slots=True)
class Workspace:
    """What is tuned on: texts by their paths in the folder. `scratch` outlives a run that was cut."""

    folder: Path
    texts: Sequence[tuple[str, str]]
    scratch: Path


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    minutes: float
    n_cases: int
    is_json: bool


def run_tune(workspace: Workspace, request: Request) -> int:
    """Exit code 0 also when the adapter did not help and was therefore not installed."""
    _check_enough(workspace)
    with interruptible(KEPT, is_json=request.is_json):
        from model.lab.tune import tune

        task, plan = _build_task(workspace), _build_plan(request)
        _leave_room()
        watcher = TuneWatcher(is_quiet=request.is_json)
        watcher.say(_say_beginning(task, plan))
        outcome = tune(task, plan, watcher)
    earlier = adapters.find_adapter(task.model)
    installed = _install(task, outcome, workspace.folder) if outcome.does_help else None
    _tidy(workspace.scratch)
    if request.is_json:
        write_json(_to_json(outcome, installed))
    else:
        click.echo("\n".join((*_describe(outcome), _say_end(outcome, installed, earlier, request))))
    return 0


def _say_beginning(task: TuneTask, plan: TunePlan) -> str:
    return (
        f"Learning from {len(task.files)} files for at most {plan.minutes:g} minutes, on {plan.n_threads} of "
        f"{hardware.count_cores()} cores. Ctrl-C keeps what was learned so far."
    )


def _say_end(outcome: Outcome, installed: Adapter | None, earlier: Adapter | None, request: Request) -> str:
    """More time is offered only to a run that the clock ended: another one had begun to learn by heart."""
    if installed is None:
        longer = f" `--minutes {3 * request.minutes:g}` gives it more time."
        more = longer if outcome.seconds >= 60 * request.minutes else ""
        return f"Not installed, because it does not help: the model stays as it was.{more}"
    place = f" in the place of the one that had learned from {earlier.note.source}" if earlier else ""
    return (
        f"Installed{place}: {installed.path}. Editors use it when they start their server again; "
        f"`edgewise model tune --remove` takes it away."
    )


def check_extra() -> None:
    """Raises ModelRefused where nothing can be trained: before a folder is read for it."""
    missing = [name for name in ("torch", "sentencepiece") if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelRefused(
            f"`edgewise model tune` trains with {' and '.join(missing)}, not installed here: "
            f'run `pip install "edgewise[train]"` and try again.'
        )


def _check_enough(workspace: Workspace) -> None:
    n_files, n_chars = len(workspace.texts), sum(len(text) for _, text in workspace.texts)
    if n_files < MIN_FILES or n_chars < MIN_CHARS:
        raise ModelRefused(
            f"{workspace.folder} has too little code to learn from ({n_files} files, {n_chars} characters; "
            f"at least {MIN_FILES} files and {MIN_CHARS} characters are needed): name a larger folder."
        )


def _build_task(workspace: Workspace) -> TuneTask:
    from model.lab.tune import TuneTask
    from model.lab.tune_samples import TuneFile

    path = store.resolve_model(catalog.BUILTIN)
    header = read_header(path)
    family = recognise(header.token_ids.keys(), header.architecture, header.name)
    files = tuple(TuneFile(name, text.replace("\r\n", "\n")) for name, text in workspace.texts)
    return TuneTask(path, TOKENIZER, family, workspace.folder.name, files, workspace.scratch)


def _build_plan(request: Request) -> TunePlan:
    from model.lab.tune import TunePlan

    n_threads = max(1, hardware.count_cores() - 1)
    return TunePlan(minutes=request.minutes, n_cases=request.n_cases, n_threads=n_threads)


def _leave_room() -> None:
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)


def _install(task: TuneTask, outcome: Outcome, folder: Path) -> Adapter:
    note = AdapterNote(
        model_name=catalog.BUILTIN,
        model_sha256=store.hash_file(task.model, lambda _: None),
        model_size_bytes=task.model.stat().st_size,
        source=str(folder),
        n_files=outcome.n_train_files,
        n_cases=len(outcome.before.hits),
        exact_before=round(outcome.before.exact_match, 1),
        exact_after=round(outcome.after.exact_match, 1),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return adapters.install(outcome.adapter, task.model, note)


def _tidy(scratch: Path) -> None:
    """Only what a run leaves there: the folder was named by the caller."""
    for name in ("adapter.gguf", "tune.pt", "tune.part"):
        (scratch / name).unlink(missing_ok=True)
    with suppress(OSError):
        scratch.rmdir()


def _describe(outcome: Outcome) -> Iterator[str]:
    n_cases, trained = len(outcome.before.hits), outcome.seconds / 60
    yield (
        f"Trained on {outcome.n_train_files} files for {trained:.1f} minutes ({outcome.n_tokens} tokens), "
        f"judged by {n_cases} lines of {outcome.n_held_out_files} files that it never saw:"
    )
    before, after = outcome.before.exact_match, outcome.after.exact_match
    yield f"  lines completed exactly   {before:5.1f} % before   {after:5.1f} % after"
    yield f"  won {outcome.n_won}, lost {outcome.n_lost}"
    yield f"  loss on held-out text     {outcome.losses[0]:5.3f}   before   {outcome.losses[1]:5.3f}   after"


def _to_json(outcome: Outcome, installed: Adapter | None) -> dict[str, Any]:
    return {
        "exact_before": round(outcome.before.exact_match, 2),
        "exact_after": round(outcome.after.exact_match, 2),
        "n_won": outcome.n_won, "n_lost": outcome.n_lost, "n_cases": len(outcome.before.hits),
        "n_train_files": outcome.n_train_files, "n_held_out_files": outcome.n_held_out_files,
        "n_steps": outcome.n_steps, "n_tokens": outcome.n_tokens, "seconds": round(outcome.seconds, 1),
        "loss_before": round(outcome.losses[0], 4), "loss_after": round(outcome.losses[1], 4),
        "installed": str(installed.path) if installed else "",
    }  # fmt: skip


def run_remove(*, is_json: bool) -> int:
    """Takes the built-in model's adapter away. Exit code 1 when there is none."""
    found = adapters.find_adapter(store.resolve_model(catalog.BUILTIN))
    if found is None:
        raise ModelRefused(f"The model {catalog.BUILTIN} has no adapter: nothing was removed.")
    adapters.remove(found)
    if is_json:
        write_json({"removed": str(found.path), **asdict(found.note)})
    else:
        click.echo(f"Removed {found.path}, which had learned from {found.note.source}.")
    return 0


class TuneWatcher:
    """See `model.lab.tune_judge.Watcher`."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._terminal, self._is_quiet = Terminal(), is_quiet

    def say(self, sentence: str) -> None:
        if not self._is_quiet:
            self._terminal.say(sentence)

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        with self._terminal.count(label, total) as advance:
            yield advance
