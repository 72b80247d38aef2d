"""What is known of a model: a row of `edgewise model list`, and the report of `edgewise model info`.

Runs in the model commands. Reads headers, loads no weights, and never uses the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model import adapters, calibrate, catalog, memory, store
from model.catalog import CatalogEntry
from model.engines import Engine, builtin_engines
from model.fim import recognise
from model.gguf import GgufHeader, TensorInfo, read_header
from model.predict import Forecast, Rates
from model.protocol import ModelRefused
from model.recommend import predict_entry, predict_shape


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model that a setting can name. `path` is empty when its file is not here.

    `problem` is what is wrong with the file, `engine` the one that would run it, `forecast` what this machine
    would do, once its rates are measured. 0 and "" is not known.
    """

    name: str
    title: str
    use: str
    licence: str
    languages: str
    family: str
    n_ctx: int
    path: str
    size_bytes: int
    memory_bytes: int
    memory_n_ctx: int
    room: str
    engine: str
    problem: str = ""
    forecast: Forecast | None = None
    adapter: str = ""


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
    tensor_types: dict[str, int]
    memory_bytes: int
    memory_n_ctx: int
    room: str
    engines: dict[str, str]


def build_rows() -> list[ModelRow]:
    """The catalogue, then what else is installed."""
    rates = read_known_rates()
    return [*(_known_row(entry, rates) for entry in catalog.entries().values()), *_other_rows()]


def read_known_rates() -> dict[int, Rates]:
    """By thread count; what `edgewise model bench --calibrate` has measured."""
    counts = (1, calibrate.choose_n_threads(1 << 40))
    return {n: known for n in counts if (known := calibrate.read_rates(n))}


def _known_row(entry: CatalogEntry, rates: Mapping[int, Rates]) -> ModelRow:
    path = catalog.PACKAGE / entry.file if entry.is_packaged else store.models_folder() / f"{entry.name}.gguf"
    if not path.is_file():
        return replace(_catalogue_row(entry), forecast=predict_entry(entry, rates))
    row = _file_row(entry.name, path, entry)
    expected = predict_entry(entry, rates) if entry.shape else _predict_file(path, entry.quant, rates)
    return replace(row, forecast=expected, adapter=_describe_adapter(path))


def _predict_file(path: Path, quant: str, rates: Mapping[int, Rates]) -> Forecast | None:
    try:
        return predict_shape(memory.read_shape(read_header(path)), quant, rates)
    except ModelRefused:
        return None


def _describe_adapter(path: Path) -> str:
    """What its adapter learned from and what it gained; empty where it has none."""
    found = adapters.find_adapter(path)
    if found is None:
        return ""
    note = found.note
    gain = f"{note.exact_before:g} % of held-out lines exact before, {note.exact_after:g} % after"
    return f"learned from {note.source}: {gain}"


def _other_rows() -> Iterator[ModelRow]:
    for model in store.list_installed():
        if model.name not in catalog.entries():
            yield _file_row(model.name, model.path, None, model.manifest)


def _catalogue_row(entry: CatalogEntry) -> ModelRow:
    n_ctx = memory.choose_n_ctx(entry.n_ctx)
    size_bytes = memory.guess_file_bytes(entry)
    needed = memory.estimate_bytes(size_bytes, entry.shape, n_ctx) if entry.shape else 0
    return ModelRow(
        name=entry.name, title=entry.title, use=entry.use, licence=entry.licence, languages=entry.languages,
        family=entry.family, n_ctx=entry.n_ctx, path="", size_bytes=size_bytes, memory_bytes=needed,
        memory_n_ctx=n_ctx, room=memory.judge_room(needed).value, engine=_engine_of_kind(entry),
    )  # fmt: skip


def _engine_of_kind(entry: CatalogEntry) -> str:
    """Judged by a header such as the file will have; of its vocabulary only the kind is known."""
    sizes = {f"{entry.architecture}.{key}": 1 for key in ("block_count", "embedding_length")}
    header = GgufHeader(
        Path(), 3, entry.architecture, entry.name, entry.vocabulary, 0, tokens=("",), metadata=sizes,
        tensors={"": TensorInfo("F32", (1,), 0, 4)},
    )  # fmt: skip
    return find_engine(judge_engines(header))


def _file_row(
    name: str, path: Path, entry: CatalogEntry | None, manifest: store.Manifest | None = None
) -> ModelRow:
    try:
        report = build_report(read_header(path))
    except ModelRefused as error:
        return _damaged_row(name, path, str(error))
    licence = entry.licence if entry else manifest.licence if manifest else ""
    title = entry.title if entry else report.name
    return ModelRow(
        name=name, title=title, use=entry.use if entry else "", licence=licence,
        languages=entry.languages if entry else "", family=report.family, n_ctx=report.n_ctx_train,
        path=str(path), size_bytes=report.size_bytes, memory_bytes=report.memory_bytes,
        memory_n_ctx=report.memory_n_ctx, room=report.room, engine=find_engine(report.engines),
    )  # fmt: skip


def _damaged_row(name: str, path: Path, problem: str) -> ModelRow:
    return ModelRow(
        name, path.name, "", "", "", "", 0, str(path), path.stat().st_size, 0, 0,
        memory.Room.UNKNOWN.value, "", problem,
    )  # fmt: skip


def build_report(header: GgufHeader) -> ModelReport:
    family = recognise(header.token_ids.keys(), header.architecture, header.name)
    n_ctx_train = header.number("{arch}.context_length")
    n_ctx = memory.choose_n_ctx(n_ctx_train)
    needed = memory.estimate_bytes(header.size_bytes, memory.read_shape(header), n_ctx)
    return ModelReport(
        name=header.name,
        path=str(header.path),
        size_bytes=header.size_bytes,
        architecture=header.architecture,
        vocabulary=header.vocabulary,
        n_tokens=len(header.tokens),
        n_ctx_train=n_ctx_train,
        family=family.name,
        fim_order=str(family.order),
        tensor_types=dict(Counter(info.type_name for info in header.tensors.values()).most_common()),
        memory_bytes=needed,
        memory_n_ctx=n_ctx,
        room=memory.judge_room(needed).value,
        engines=judge_engines(header),
    )


def judge_engines(header: GgufHeader) -> dict[str, str]:
    """For each engine why it would not run the file; "" for one that would."""
    return {engine.name: _find_problem(engine, header) for engine in builtin_engines()}


def _find_problem(engine: Engine, header: GgufHeader) -> str:
    refusal = engine.find_refusal(header)
    if refusal:
        return refusal.reason
    return "" if engine.is_installed() else "is not installed"


def find_engine(verdicts: dict[str, str]) -> str:
    """The first engine without a reason against it."""
    return next((name for name, reason in verdicts.items() if not reason), "")
