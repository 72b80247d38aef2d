"""Checks of this installation: each is one small function that says what it found and how to mend it.

Runs in the command-line process. Reads and starts things; makes no folders but edgewise's own. Must not
know how results are shown.
"""

from __future__ import annotations

import asyncio
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lsp_server import settings as settings_module
from lsp_server.engine import Engine
from lsp_server.index.crawl import Skipped, SkipReason
from lsp_server.index.reader import read_totals
from lsp_server.index.store import workspace_folder
from lsp_server.settings import Settings
from model.engines import builtin_engines, choose_engine
from model.fim import recognise
from model.gguf import read_header
from model.meeting import ROOT_VARIABLE, choose_root, make_private_folder
from model.protocol import FimPrompt, GenerationOptions, ModelError
from model.store import name_of, resolve_model

MIN_PYTHON = (3, 11)
_PROBE_SECONDS = 60
_IDLE_EXIT_S = 2.0


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """`cure` says what to do; a note needs none, something broken always has one."""

    name: str
    verdict: Verdict
    message: str
    cure: str = ""


def run_checks(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which things depend on each other."""
    for check in CHECKS:
        yield from check(settings)


def check_python(_settings: Settings) -> Iterable[Check]:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < MIN_PYTHON:
        cure = f"Install Python {MIN_PYTHON[0]}.{MIN_PYTHON[1]} or newer and install edgewise with it."
        return [Check("python", Verdict.BROKEN, found, cure)]
    if sys.maxsize < 2**32:
        return [Check("python", Verdict.BROKEN, f"{found}, 32-bit", "Install a 64-bit Python.")]
    return [Check("python", Verdict.OK, found)]


def check_settings(_settings: Settings) -> Iterable[Check]:
    _, problems = settings_module.load()
    path = settings_module.config_file()
    if problems:
        cure = f"Correct {path}; `edgewise settings` lists what there is."
        return [Check("settings", Verdict.NOTE, str(problem), cure) for problem in problems]
    state = "read" if path.exists() else "not there, so defaults are used"
    return [Check("settings", Verdict.OK, f"{path}: {state}")]


def check_cache_folder(_settings: Settings) -> Iterable[Check]:
    folder = settings_module.cache_folder()
    cure = f"Make {folder} writable, or name another folder in {settings_module.CACHE_VARIABLE}."
    return [_check_writable("cache folder", folder, cure)]


def _check_writable(name: str, folder: Path, cure: str) -> Check:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Check(name, Verdict.OK, f"{folder}: can be written")
    except OSError as error:
        return Check(name, Verdict.BROKEN, f"{folder} cannot be written ({error.strerror})", cure)


def check_index(settings: Settings) -> Iterable[Check]:
    """Of the folder that the command runs in: what is in its index, what is not, and why."""
    root = Path.cwd()
    folder = workspace_folder(settings_module.cache_folder(), root)
    if not settings.index.enabled:
        return [Check("index", Verdict.NOTE, "turned off", "Set index.enabled to true.")]
    totals = read_totals(folder)
    if not totals.is_complete:
        state = "is not finished" if totals.n_files else "is not there yet"
        cure = "It is made when an editor opens the folder, or by `edgewise index`."
        return [Check("index", Verdict.NOTE, f"the index of {root} {state}", cure)]
    found = f"{root}: {totals.n_files} files, {totals.n_symbols} symbols, {totals.n_skipped} files left out"
    left_out = Counter(item.reason.value for item in totals.skipped)
    return [
        Check("index", Verdict.OK, found),
        *(_check_left_out(reason, totals.skipped) for reason, _ in left_out.most_common()),
    ]


def _check_left_out(reason: str, skipped: Sequence[Skipped]) -> Check:
    of_reason = [item for item in skipped if item.reason == reason]
    named = [f"{item.path} ({item.detail})" if item.detail else item.path for item in of_reason]
    more = f" and {len(named) - _SHOWN_PATHS} more" if len(named) > _SHOWN_PATHS else ""
    message = f"left out, {reason}: {', '.join(named[:_SHOWN_PATHS])}{more}"
    return Check("index", Verdict.NOTE, message, _CURES.get(of_reason[0].reason, ""))


_SHOWN_PATHS = 5
_CURES = {
    SkipReason.TOO_LARGE: "Raise index.max_file_bytes if they are to be read.",
    SkipReason.TOO_MANY: "Raise index.max_files, or leave folders out with index.exclude.",
    SkipReason.UNREADABLE: "Give yourself the right to read them.",
    SkipReason.CRASHED: "They are tried again when they change; leave them out with index.exclude.",
}


def check_engines(_settings: Settings) -> Iterable[Check]:
    """Each library is loaded in a process of its own: a wheel for another CPU kills whoever imports it."""
    found = [_check_engine(engine.name, ENGINE_PACKAGES[engine.name]) for engine in builtin_engines()]
    if any(check.verdict is Verdict.OK for check in found):
        return found
    cure = "Install one of them: pip install xllamacpp (or ctransformers)."
    return [*found, Check("engines", Verdict.BROKEN, "there is no engine that works", cure)]


ENGINE_PACKAGES = {"llama_cpp": "xllamacpp", "ctransformers": "ctransformers"}


def _check_engine(name: str, package: str) -> Check:
    try:
        label = f"{name}: {package} {version(package)}"
    except PackageNotFoundError:
        return Check("engines", Verdict.NOTE, f"{name}: {package} is not installed", f"pip install {package}")
    problem = _find_import_problem(package)
    if not problem:
        return Check("engines", Verdict.OK, label)
    cure = f"Install it again: pip install --force-reinstall --no-cache-dir {package}"
    return Check("engines", Verdict.NOTE, f"{label} does not load ({problem})", cure)


def _find_import_problem(package: str) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"import {package}"], capture_output=True, text=True, errors="replace",
            timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    last_line = done.stderr.strip().rpartition("\n")[2] or f"it ended with code {done.returncode}"
    return last_line if done.returncode else ""


def check_model(settings: Settings) -> Iterable[Check]:
    cure = "Set model.name to “builtin” or to a GGUF file that runs here; see `edgewise model list`."
    try:
        header = read_header(resolve_model(settings.model.name))
        engine = choose_engine(settings.model.engine, header)
    except ModelError as error:
        return [Check("model", Verdict.BROKEN, str(error), cure)]
    family = recognise(header.tokens, header.architecture, header.name)
    name = name_of(header.path) or header.name
    label = f"{name}, {header.size_bytes / 1e6:.0f} MB, FIM family {family.name}, run by {engine.name}"
    return [Check("model", Verdict.OK, f"{label} ({header.path})")]


def check_socket_folder(_settings: Settings) -> Iterable[Check]:
    try:
        folder = make_private_folder(choose_root())
    except ModelError as error:
        return [
            Check("socket folder", Verdict.BROKEN, str(error), f"Or set {ROOT_VARIABLE} to another folder.")
        ]
    return [Check("socket folder", Verdict.OK, f"{folder}: private")]


def check_host(settings: Settings) -> Iterable[Check]:
    """The proof: a host is started or found, and completes a line."""
    cure = "See the checks above; the engine host's log is in the socket folder."
    try:
        return [Check("engine host", Verdict.OK, asyncio.run(_ask_host(settings)))]
    except ModelError as error:
        return [Check("engine host", Verdict.BROKEN, str(error), cure)]
    except TimeoutError:
        return [Check("engine host", Verdict.BROKEN, f"no answer within {_PROBE_SECONDS} s", cure)]


async def _ask_host(settings: Settings) -> str:
    started = time.perf_counter()
    engine = Engine(settings.model.model_copy(update={"idle_exit_s": _IDLE_EXIT_S}), lambda status: None)
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            info = await engine.info()
            ready_ms = (time.perf_counter() - started) * 1000
            prompt = FimPrompt(prefix="def add(a, b):\n    return ", suffix="\n", path="add.py")
            pieces = [piece async for piece in engine.generate(prompt, GenerationOptions(n_predict=4), 256)]
    finally:
        await engine.aclose()
    total_ms = (time.perf_counter() - started) * 1000
    text = "".join(piece.text for piece in pieces)
    return f"{info.name} on {info.engine}: ready in {ready_ms:.0f} ms, {text!r} after {total_ms:.0f} ms"


EDITORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Neovim", ("nvim",)),
    ("VS Code", ("code", "codium", "code-server", "cursor")),
    ("Helix", ("hx", "helix")),
    ("Emacs", ("emacs",)),
    ("Zed", ("zed", "zeditor")),
    ("Sublime Text", ("subl",)),
    ("Kate", ("kate",)),
)


def check_editors(_settings: Settings) -> Iterable[Check]:
    found = [(name, path) for name, programs in EDITORS if (path := _first_program(programs))]
    if not found:
        return [
            Check("editors", Verdict.NOTE, "none of the editors it knows is on the PATH", "See the README.")
        ]
    return [_check_editor(name, path) for name, path in found]


def _first_program(names: Iterable[str]) -> str:
    return next((path for name in names if (path := shutil.which(name))), "")


def _check_editor(name: str, path: str) -> Check:
    if name != "Neovim":
        return Check("editors", Verdict.OK, f"{name}: {path}")
    found = re.search(r"NVIM v(\d+)\.(\d+)", _output_of([path, "--version"]))
    if found and (int(found[1]), int(found[2])) >= (0, 12):
        return Check("editors", Verdict.OK, f"Neovim {found[1]}.{found[2]}: {path}")
    number = f"{found[1]}.{found[2]}" if found else "of an unknown version"
    cure = "Install Neovim 0.12 or newer: older ones show no inline completion."
    return Check("editors", Verdict.NOTE, f"Neovim {number}: {path}", cure)


def _output_of(command: list[str], seconds: float = 10) -> str:
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        ).stdout
    return ""


CHECKS: tuple[Callable[[Settings], Iterable[Check]], ...] = (
    check_python,
    check_settings,
    check_cache_folder,
    check_index,
    check_engines,
    check_model,
    check_socket_folder,
    check_host,
    check_editors,
)
