"""`edgewise model list`, `info` and `verify`: which models there are, and what a model file is.

Runs in the model commands. Loads no weights, and never uses the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from model import catalog, memory, store
from model.commands.report import ModelReport, ModelRow, build_report, build_rows
from model.commands.terminal import Terminal, interruptible, json_option, write_json
from model.gguf import read_header
from model.predict import Forecast
from model.protocol import ModelError


@click.command("list")
@json_option
def list_models(is_json: bool) -> None:
    """List the models that can be used by name: those that are here and those of the catalogue."""
    rows = build_rows()
    if is_json:
        folder, formula = str(store.models_folder()), memory.FORMULA
        models, partial = [asdict(row) for row in rows], store.count_partial_bytes()
        write_json({"folder": folder, "formula": formula, "partial_bytes": partial, "models": models})
        return
    for row in rows:
        click.echo("\n".join(_describe_row(row)))
    click.echo(f"\n{memory.FORMULA}.")
    if not any(row.forecast for row in rows):
        click.echo("How fast each would be here: `edgewise model bench --calibrate` measures it in a minute.")
    if partial := store.count_partial_bytes():
        click.echo(f"Unfinished pulls keep {partial / 1e6:.0f} MB in {store.staging_folder()}.")
    click.echo(
        "Get one with `edgewise model pull NAME` or `edgewise model import FILE`, "
        "then `edgewise model use NAME`."
    )


def _describe_row(row: ModelRow) -> Iterator[str]:
    size = f"{row.size_bytes / 1e6:.0f} MB" if row.size_bytes else "size unknown"
    yield f"{row.name}  ({size if row.path else 'not here, ' + size})  {row.title}"
    if row.problem:
        yield f"    {row.problem}"
        return
    known = (
        row.licence or "licence unknown",
        row.use and f"for {row.use}",
        row.languages or "languages unknown",
        f"FIM {row.family}",
        _context(row.n_ctx),
    )
    yield "    " + ", ".join(filter(None, known))
    yield f"    {_memory(row.memory_bytes, row.memory_n_ctx, row.room)}; engine: {row.engine or 'none here'}"
    if row.forecast:
        yield f"    {_describe_forecast(row.forecast)}"
    if row.adapter:
        yield f"    adapter {row.adapter}"


def _describe_forecast(expected: Forecast) -> str:
    speeds = f"{expected.prompt_per_s:.0f} prompt and {expected.generated_per_s:.0f} generated tokens/s"
    return f"here: {speeds}, a suggestion in about {expected.keystroke_p50_ms:.0f} ms (predicted)"


def _context(n_ctx: int) -> str:
    return f"context {n_ctx}" if n_ctx else "context unknown"


def _memory(n_bytes: int, n_ctx: int, room: str) -> str:
    if not n_bytes:
        return "memory unknown"
    return f"memory {n_bytes / 1e6:.0f} MB at context {n_ctx}, fits here: {room}"


@click.command()
@click.argument("name", metavar="NAME|FILE", default=catalog.BUILTIN)
@json_option
def info(name: str, is_json: bool) -> None:
    """Say what a model file is, which FIM family it has, and which engine would run it."""
    report = build_report(read_header(store.resolve_model(name)))
    if is_json:
        write_json(asdict(report))
        return
    click.echo("\n".join(_describe_report(report)))


def _describe_report(report: ModelReport) -> Iterator[str]:
    yield f"{report.name}: {report.path}, {report.size_bytes / 1e6:.1f} MB"
    vocabulary = f"{report.n_tokens} tokens ({report.vocabulary})"
    yield f"  architecture {report.architecture}, {vocabulary}, context {report.n_ctx_train}"
    yield "  tensors " + ", ".join(f"{count} {name}" for name, count in report.tensor_types.items())
    yield f"  {_memory(report.memory_bytes, report.memory_n_ctx, report.room)}"
    has_fim = report.family != "none"
    yield (
        f"  FIM family {report.family} ({report.fim_order})"
        if has_fim
        else "  no FIM tokens: completes from the prefix alone"
    )
    for name, reason in report.engines.items():
        yield f"  engine {name} {reason or 'runs it'}"


@click.command()
@click.argument("name", required=False)
@json_option
def verify(name: str | None, is_json: bool) -> int:
    """Check that installed models are still the bytes that were installed. Exit code 1 when one is not."""
    models = [store.find_installed(name)] if name else store.list_installed()
    with interruptible("Stopped: not every model was checked.", is_json=is_json):
        problems = {model.name: _find_problem(model) for model in models}
    if is_json:
        write_json({"models": [{"name": model, "problem": problem} for model, problem in problems.items()]})
    else:
        for model, problem in problems.items():
            click.echo(f"{model}: {problem or 'as it was installed'}")
        if not problems:
            click.echo(f"No models are installed in {store.models_folder()}.")
    return 1 if any(problems.values()) else 0


def _find_problem(model: store.InstalledModel) -> str:
    try:
        with Terminal().track(model.name, model.path.stat().st_size) as advance:
            store.verify(model, advance)
        read_header(model.path)
    except ModelError as error:
        return str(error)
    return ""
