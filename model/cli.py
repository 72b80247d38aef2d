"""`edgewise model ...`: which models there are, and what a model file is.

Runs in a short-lived process of its own. Reads headers, loads no weights, and never uses the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from model import catalog
from model.engines import builtin_engines
from model.fim import recognise
from model.gguf import GgufHeader, read_header
from model.store import models_folder, resolve_model


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model that a setting can name. `path` is empty when its file is not here."""

    name: str
    title: str
    use: str
    licence: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What a model file is, and what would run it. `engines` maps a name to "" or to why it does not."""

    name: str
    path: str
    size_bytes: int
    architecture: str
    vocabulary: str
    n_tokens: int
    n_ctx_train: int
    family: str
    fim_order: str
    engines: dict[str, str]


@click.group()
def model() -> None:
    """See the models that edgewise can use."""


@model.command("list")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def list_models(is_json: bool) -> None:
    """List the models that can be used by name."""
    rows = [*_known_models(), *_installed_models()]
    if is_json:
        click.echo(json.dumps({"folder": str(models_folder()), "models": [asdict(row) for row in rows]}))
        return
    for row in rows:
        state = f"{row.size_bytes / 1e6:.0f} MB" if row.path else "not here"
        click.echo(f"{row.name}  ({state})  {row.title}")
    click.echo(f"A GGUF file can also be named by its path, or laid into {models_folder()}.")


@model.command()
@click.argument("name", metavar="NAME|FILE", default=catalog.BUILTIN)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def info(name: str, is_json: bool) -> None:
    """Say what a model file is, which FIM family it has, and which engine would run it."""
    report = build_report(read_header(resolve_model(name)))
    if is_json:
        click.echo(json.dumps(asdict(report)))
        return
    click.echo("\n".join(_describe(report)))


def build_report(header: GgufHeader) -> ModelReport:
    family = recognise(header.tokens, header.architecture, header.name)
    return ModelReport(
        name=header.name,
        path=str(header.path),
        size_bytes=header.size_bytes,
        architecture=header.architecture,
        vocabulary=header.vocabulary,
        n_tokens=len(header.tokens),
        n_ctx_train=header.number("{arch}.context_length"),
        family=family.name,
        fim_order=str(family.order),
        engines=judge_engines(header),
    )


def judge_engines(header: GgufHeader) -> dict[str, str]:
    """For each engine why it would not run the file; "" for one that would."""
    verdicts = {}
    for engine in builtin_engines():
        refusal = engine.find_refusal(header)
        missing = "" if engine.is_installed() else "is not installed"
        verdicts[engine.name] = refusal.reason if refusal else missing
    return verdicts


def _describe(report: ModelReport) -> Iterator[str]:
    yield f"{report.name}: {report.path}, {report.size_bytes / 1e6:.1f} MB"
    vocabulary = f"{report.n_tokens} tokens ({report.vocabulary})"
    yield f"  architecture {report.architecture}, {vocabulary}, context {report.n_ctx_train}"
    has_fim = report.family != "none"
    yield (
        f"  FIM family {report.family} ({report.fim_order})"
        if has_fim
        else "  no FIM tokens: completes from the prefix alone"
    )
    for name, reason in report.engines.items():
        yield f"  engine {name} {reason or 'runs it'}"


def _known_models() -> Iterator[ModelRow]:
    for entry in catalog.entries().values():
        path = catalog.PACKAGE / entry.file if entry.is_packaged else models_folder() / entry.file
        yield _row(entry.name, entry.title, entry.use, entry.licence, path)


def _installed_models() -> Iterator[ModelRow]:
    known = {entry.file for entry in catalog.entries().values()}
    for path in sorted(models_folder().glob("*.gguf")):
        if path.name not in known:
            yield _row(path.stem, path.name, "", "", path)


def _row(name: str, title: str, use: str, licence: str, path: Path) -> ModelRow:
    is_here = path.is_file()
    size_bytes = path.stat().st_size if is_here else 0
    return ModelRow(name, title, use, licence, str(path) if is_here else "", size_bytes)
