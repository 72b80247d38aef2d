"""`edgewise model import`, `pull`, `quantize`, `remove` and `use`: what changes the models that are here.

Runs in the model commands. `pull` alone uses the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from model import catalog, meeting, store
from model.choice import write_choice
from model.commands.report import find_engine, judge_engines
from model.commands.terminal import Terminal, interruptible, json_option, write_json
from model.engines import AUTO, choose_engine
from model.fim import recognise
from model.gguf import GgufHeader, read_header
from model.protocol import ModelRefused
from model.quantize import K_TYPES, TYPES, build_plan, write_quantized


def _find_family(header: GgufHeader) -> str:
    return recognise(header.token_ids.keys(), header.architecture, header.name).name


def _announce(model: store.InstalledModel, header: GgufHeader, *, is_json: bool) -> None:
    """What was installed, and what will run it; or, plainly, that nothing here will."""
    verdicts = judge_engines(header)
    engine = find_engine(verdicts)
    if is_json:
        manifest = asdict(model.manifest) if model.manifest else None
        document = {"name": model.name, "path": str(model.path), "engine": engine, "engines": verdicts}
        write_json({**document, "manifest": manifest})
        return
    click.echo(f"Installed {model.name} ({header.size_bytes / 1e6:.1f} MB): {model.path}")
    if engine:
        click.echo(f"The engine {engine} runs it; use it with `edgewise model use {model.name}`.")
    else:
        reasons = "; ".join(f"{name} {reason}" for name, reason in verdicts.items())
        click.echo(f"No engine here runs it: {reasons}.")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", help="Install it under this name; the file's own if left out.")
@click.option("--licence", default="", help="The licence of the model, to be kept in its manifest.")
@json_option
def import_model(file: Path, name: str | None, licence: str, is_json: bool) -> None:
    """Install a GGUF file that you have. It is checked first, and refused when no engine here runs it."""
    header = read_header(file)
    choose_engine(AUTO, header)
    chosen = store.choose_name(name or file.name)
    kept = "Stopped: nothing was installed."
    with interruptible(kept, is_json=is_json), store.stage() as staged:
        with Terminal().track(file.name, header.size_bytes) as advance:
            sha256 = store.bring_copy(file.resolve(), staged, advance)
        model = store.find_same(chosen, sha256)
        if model is None or model.manifest is None:
            source = str(file.resolve())
            family = _find_family(header)
            manifest = store.build_manifest(sha256, header.size_bytes, source, licence, family)
            model = store.install(staged, chosen, manifest)
    _announce(model, header, is_json=is_json)


@click.command()
@click.argument("source", metavar="NAME|OWNER/REPOSITORY[:FILE]")
@click.option("--timeout", default=10.0, show_default=True, type=click.FloatRange(0.05, 600),
              help="Seconds without a byte after which the line counts as cut.")  # fmt: skip
@click.option("--retries", default=6, show_default=True, type=click.IntRange(0, 100),
              help="Tries to go on after a cut line before giving up.")  # fmt: skip
@json_option
def pull(source: str, timeout: float, retries: int, is_json: bool) -> None:
    """Fetch a model of the catalogue, or any GGUF file of a hub.

    A pull that was cut off goes on where it was.
    HF_ENDPOINT names another hub, HF_TOKEN carries your token, HTTPS_PROXY is honoured.
    """
    from model.pull import Patience, parse_source
    from model.pull import pull as fetch

    kept = "Stopped: what was fetched is kept, the next pull goes on from there."
    with interruptible(kept, is_json=is_json):
        model = fetch(parse_source(source), Patience(timeout, retries), Terminal())
    _announce(model, read_header(model.path), is_json=is_json)


@click.command()
@click.argument("name", metavar="NAME|FILE")
@click.option(
    "--to", "type_name", required=True, metavar="TYPE", help=f"One of {', '.join((*TYPES, *K_TYPES))}."
)
@click.option("--output", type=click.Path(path_type=Path), help="Write this file; install it if left out.")
@click.option("--again", is_flag=True, help="Quantize what is quantized to few bits already.")
@json_option
def quantize(name: str, type_name: str, output: Path | None, again: bool, is_json: bool) -> None:
    """Make a smaller copy of a model: the same weights in fewer bits."""
    plan = build_plan(store.resolve_model(name), type_name, is_again_allowed=again)
    target = _check_output(output) if output else None
    with interruptible("Stopped: nothing was written.", is_json=is_json), store.stage(target) as staged:
        with Terminal().track(f"to {plan.type_name}", plan.header.size_bytes) as advance:
            write_quantized(plan, staged, advance)
        if target:
            _put(staged, target)
        else:
            installed = _install_quantized(staged, plan.header, plan.type_name)
    if target:
        _announce_file(target, plan.header.size_bytes, is_json=is_json)
    else:
        _announce(installed, read_header(installed.path), is_json=is_json)


def _check_output(path: Path) -> Path:
    if path.exists() or not path.parent.is_dir():
        problem = "exists already" if path.exists() else "has no folder to be in"
        raise ModelRefused(f"{path} {problem}: name another file for --output.")
    return path


def _put(staged: Path, target: Path) -> None:
    try:
        staged.replace(target)
    except OSError as error:
        store.refuse_write(target, error)


def _announce_file(path: Path, before_bytes: int, *, is_json: bool) -> None:
    size_bytes = path.stat().st_size
    if is_json:
        write_json({"path": str(path), "size_bytes": size_bytes, "before_bytes": before_bytes})
    else:
        click.echo(f"Wrote {path}: {size_bytes / 1e6:.1f} MB, before {before_bytes / 1e6:.1f} MB.")


def _install_quantized(staged: Path, before: GgufHeader, type_name: str) -> store.InstalledModel:
    stem = re.sub(r"(?i)[.-]?(f32|f16|bf16|q\d_\w+)$", "", before.path.stem)
    name = store.choose_name(f"{stem}.{type_name}")
    sha256 = store.hash_file(staged, lambda _: None)
    known = store.read_manifest(before.path)
    licence = known.licence if known else _builtin_licence(before.path)
    source = f"{before.path.name}, quantized to {type_name}"
    size_bytes, family = staged.stat().st_size, _find_family(before)
    manifest = store.build_manifest(sha256, size_bytes, source, licence, family)
    known_model = store.find_same(name, sha256)
    return known_model if known_model and known_model.manifest else store.install(staged, name, manifest)


def _builtin_licence(path: Path) -> str:
    packaged = (entry for entry in catalog.entries().values() if entry.is_packaged)
    return next((entry.licence for entry in packaged if catalog.PACKAGE / entry.file == path), "")


@click.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when an engine host is running it.")
@json_option
def remove(name: str, force: bool, is_json: bool) -> None:
    """Delete an installed model. The built-in one stays."""
    entry = catalog.entries().get(name)
    if entry and entry.is_packaged:
        raise ModelRefused(f"The model {name} ships with edgewise and cannot be removed: nothing was done.")
    model = store.find_installed(name)
    users = list(_find_users(model.path))
    if users and not force:
        raise ModelRefused(
            f"The model {name} is in use by the engine host with the process id {users[0]}: "
            f"close the editors that use it, or say --force."
        )
    store.remove(model)
    if is_json:
        write_json({"removed": name, "path": str(model.path)})
    else:
        click.echo(f"Removed {name}: {model.path}")


def _find_users(path: Path) -> Iterator[int]:
    """The process ids of the running hosts of this file."""
    root = meeting.choose_root()
    for folder in root.iterdir() if root.is_dir() else ():
        place = meeting.Meeting(folder)
        ready = place.read_ready() if folder.is_dir() else None
        if ready and place.is_host_alive() and Path(ready[0].info.path).resolve() == path.resolve():
            yield ready[1]


@click.command()
@click.argument("name", metavar="NAME|FILE")
@json_option
@click.pass_obj
def use(find_config_file: Callable[[], Path], name: str, is_json: bool) -> None:
    """Complete with this model from now on: writes model.name into your settings file."""
    path = store.resolve_model(name)
    choose_engine(AUTO, read_header(path))
    chosen = str(path) if name.strip() not in (catalog.BUILTIN, path.stem) else name.strip()
    config_file = find_config_file()
    write_choice(config_file, chosen)
    if is_json:
        write_json({"name": chosen, "path": str(path), "settings_file": str(config_file)})
    else:
        click.echo(
            f"model.name is now {chosen}, in {config_file}: editors take it up when their server restarts."
        )
