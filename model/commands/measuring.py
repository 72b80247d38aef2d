"""`edgewise model bench` and `recommend`: how fast models run here, measured or predicted, before a download.

Runs in the model commands. Writes files with random weights into the cache, one at a time, and removes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import click

from model import calibrate, catalog, memory, recommend, store
from model.attach import HostSpec
from model.catalog import Shape
from model.check_shapes import Comparison, choose_subjects, compare
from model.commands.terminal import Terminal, interruptible, json_option, write_json
from model.predict import TYPING, Forecast, Rates, count_work, forecast
from model.protocol import ModelRefused
from model.shapes import MIXES
from model.speed import N_GENERATED, N_PROMPT, Speed

STOPPED: Final = "Stopped: nothing was kept."
_PAIR: Final = re.compile(r"([a-z_]+)=(\d+|true|false)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A shape that the user named or spelled out."""

    title: str
    shape: Shape
    quant: str


@click.command()
@click.argument("name", metavar="[NAME|FILE]", required=False)
@click.option("--shape", "shape_name", metavar="NAME|n_layer=..,n_embd=..",
              help="Measure random weights of a catalogue model's shape, or of one spelled out.")  # fmt: skip
@click.option("--type", "quant", metavar="TYPE", default="",
              help="The type of the random weights, if not the catalogue's; see `quantize`.")  # fmt: skip
@click.option(
    "--calibrate", "is_calibration", is_flag=True, help="Measure this machine's rates anew (a minute)."
)
@click.option("--check", "is_check", is_flag=True, help="Hold predictions against measurements (minutes).")
@click.option(
    "--only", default="", metavar="WORDS", help="With --check: of the shapes that these words name."
)
@click.option("--threads", "n_threads", default=0, type=click.IntRange(0, 256),
              help="Threads that compute; left out: what a host takes on a quiet machine.")  # fmt: skip
@json_option
def bench(
    name: str | None,
    shape_name: str | None,
    quant: str,
    is_calibration: bool,
    is_check: bool,
    only: str,
    n_threads: int,
    is_json: bool,
) -> None:
    """Measure how fast a model runs here: one that is installed, or any shape, without downloading it."""
    if sum(map(bool, (name, shape_name, is_calibration or is_check))) != 1:
        raise click.UsageError("name a model, or give --shape, or --calibrate or --check")
    if only and not (is_check and choose_subjects(only)):
        raise click.UsageError("--only goes with --check and names some of its shapes, as in --only Granite")
    with interruptible(STOPPED, is_json=is_json):
        if is_calibration or is_check:
            counts = (n_threads,) if n_threads else list_thread_counts()
            rates = {n: calibrated(n, is_anew=is_calibration) for n in counts}
            if is_check:
                _show_check(rates, only, is_json=is_json)
            else:
                _show_rates(rates.values(), is_json=is_json)
        elif shape_name:
            _bench_shape(parse_shape(shape_name, quant.upper()), n_threads, is_json=is_json)
        else:
            _bench_file(name or "", n_threads, is_json=is_json)


def list_thread_counts() -> tuple[int, ...]:
    """One for small models, the machine's for others."""
    return tuple(dict.fromkeys((1, calibrate.choose_n_threads(1 << 40))))


def calibrated(n_threads: int, *, is_anew: bool = False) -> Rates:
    known = None if is_anew else calibrate.read_rates(n_threads)
    if known:
        return known
    with Terminal().count(f"calibrating, {n_threads} threads", calibrate.N_STEPS) as advance:
        rates = calibrate.calibrate(n_threads, advance)
    calibrate.write_rates(rates)
    return rates


def parse_shape(text: str, quant: str = "") -> Asked:
    """A name of the catalogue, or `n_layer=24,n_embd=896,...`."""
    entry = catalog.entries().get(text)
    if entry:
        if entry.shape is None:
            raise ModelRefused(f"The shape of {text} is not known: spell it out as n_layer=..,n_embd=..")
        return Asked(entry.title, entry.shape, _check_type(quant or entry.quant))
    if "=" not in text:
        near = catalog.find_nearest(text, catalog.entries())
        hint = f"did you mean {near}? Otherwise spell" if near else "spell"
        raise ModelRefused(f"There is no model named {text!r}: {hint} the shape out as n_layer=..,n_embd=..")
    return Asked(text, _parse_sizes(text), _check_type(quant or "Q8_0"))


def _check_type(quant: str) -> str:
    if quant not in MIXES:
        raise ModelRefused(f"There is no type {quant} for random weights: use one of {', '.join(MIXES)}.")
    return quant


def _parse_sizes(text: str) -> Shape:
    known = {field.name for field in fields(Shape)}
    values: dict[str, Any] = {}
    for part in text.split(","):
        found = _PAIR.fullmatch(part.strip())
        if not found or found[1] not in known:
            raise ModelRefused(
                f"{part!r} is no size of a shape: use {', '.join(sorted(known))}, as in n_layer=24."
            )
        values[found[1]] = int(found[2]) if found[2].isdigit() else found[2] == "true"
    try:
        shape = Shape(**values)
    except TypeError as error:
        raise ModelRefused(
            "The shape lacks sizes: n_layer, n_embd, n_head, n_head_kv, n_ff and n_vocab are needed "
            f"({error})."
        ) from None
    _check_sizes(shape)
    return shape


def _check_sizes(shape: Shape) -> None:
    needed = (shape.n_layer, shape.n_embd, shape.n_head, shape.n_head_kv, shape.n_ff)
    fits = min(needed) > 0 and shape.n_vocab >= 1000 and shape.n_head % shape.n_head_kv == 0
    is_mixed = not shape.n_expert or 0 < shape.n_expert_used <= shape.n_expert
    if not (
        fits and is_mixed and shape.head_dim % 2 == 0 and shape.n_embd % 32 == 0 and shape.n_ff % 32 == 0
    ):
        raise ModelRefused(
            "The shape cannot be run: sizes must be positive, n_embd and n_ff multiples of 32, n_head one of "
            "n_head_kv, n_vocab at least 1000, and n_expert_used at most n_expert."
        )


def _bench_shape(asked: Asked, wanted_threads: int, *, is_json: bool) -> None:
    work = count_work(asked.shape, asked.quant)
    needed = memory.estimate_bytes(work.file_bytes, asked.shape, calibrate.N_CTX)
    if memory.judge_room(needed) is memory.Room.NO:
        raise ModelRefused(
            f"{asked.title} as {asked.quant} needs {needed / 1e9:.1f} GB of memory, more than this machine "
            f"has for it: choose a smaller type or model."
        )
    n_threads = wanted_threads or calibrate.choose_n_threads(work.file_bytes)
    with Terminal().track(f"writing {asked.quant}", work.file_bytes) as advance:
        speed = calibrate.run_shape(calibrate.Run(asked.shape, asked.quant, n_threads), advance)
    rates = calibrate.read_rates(n_threads)
    predicted = forecast(work, rates, calibrate.N_CTX) if rates else None
    _show_speed(f"{asked.title}, {asked.quant}, random weights", n_threads, speed, predicted, is_json=is_json)


def _bench_file(name: str, wanted_threads: int, *, is_json: bool) -> None:
    path = store.resolve_model(name)
    n_threads = wanted_threads or calibrate.choose_n_threads(path.stat().st_size)
    spec = HostSpec(path, n_ctx=0, n_slots=1, n_threads=n_threads)
    speed = calibrate.measure_best(spec, N_PROMPT, N_GENERATED)
    _show_speed(name, n_threads, speed, None, is_json=is_json)


def _keystroke_ms(speed: Speed) -> float:
    """From what was measured: the new tokens, which cost one reading of the weights at least; the answer."""
    answer = TYPING.n_generated / speed.generated_per_s
    return 1000 * (max(TYPING.n_evaluated_p50 / speed.prompt_per_s, 1 / speed.generated_per_s) + answer)


def _show_speed(
    title: str, n_threads: int, speed: Speed, predicted: Forecast | None, *, is_json: bool
) -> None:
    keystroke_ms = _keystroke_ms(speed)
    if is_json:
        known = asdict(predicted) if predicted else None
        document = {"title": title, "n_threads": n_threads, "keystroke_ms": keystroke_ms, **asdict(speed)}
        write_json({**document, "predicted": known})
        return
    click.echo(f"{title}: {n_threads} {'thread' if n_threads == 1 else 'threads'}")
    in_batches = f", in batches of {speed.n_batch}" if speed.n_batch else ""
    click.echo(
        f"  prompt      {speed.prompt_per_s:8.0f} tokens/s" + _beside(predicted, "prompt_per_s") + in_batches
    )
    click.echo(f"  generated   {speed.generated_per_s:8.1f} tokens/s" + _beside(predicted, "generated_per_s"))
    click.echo(f"  memory      {speed.resident_mb:8.0f} MB      " + _beside(predicted, "resident_mb"))
    click.echo(
        f"  a suggestion of {TYPING.n_generated} tokens after a keystroke: about {keystroke_ms:.0f} ms"
    )


def _beside(predicted: Forecast | None, figure: str) -> str:
    return f"   (predicted: {getattr(predicted, figure):.0f})" if predicted else ""


def _show_rates(rates: Iterable[Rates], *, is_json: bool) -> None:
    measured = list(rates)
    if is_json:
        write_json({"rates": [asdict(one) for one in measured]})
        return
    for one in measured:
        click.echo("\n".join(_describe_rates(one)))


def _describe_rates(rates: Rates) -> Iterator[str]:
    yield f"{rates.n_threads} threads: kept in {calibrate.rates_path(rates.n_threads)}"
    for name, read in rates.read_ns.items():
        several, multiply = rates.several_ns[name], rates.multiply_ns[name]
        yield (
            f"  {name:6} {read:.4f} ns a weight read, {several:.4f} more for several tokens at once, "
            f"{multiply:.4f} ns a weight and token multiplied"
        )
    yield f"  experts {rates.expert:.1f} times the arithmetic; {rates.layer_us:.0f} us a layer"


def _show_check(rates: dict[int, Rates], only: str, *, is_json: bool) -> None:
    rows: list[Comparison] = []
    subjects = choose_subjects(only)
    with Terminal().count("measuring shapes", len(subjects)) as advance:
        for row in compare(rates, subjects):
            rows.append(row)
            advance(1)
    if is_json:
        write_json({"rows": [_to_json(row) for row in rows]})
        return
    click.echo("\n".join(_check_table(rows)))


def _to_json(row: Comparison) -> dict[str, Any]:
    prompt, generated = row.errors
    return {
        "title": row.subject.title, "quant": row.subject.quant, "n_threads": row.n_threads,
        "predicted": asdict(row.predicted), "measured": asdict(row.measured),
        "prompt_error": prompt, "generated_error": generated,
    }  # fmt: skip


def _check_table(rows: list[Comparison]) -> Iterator[str]:
    figures = ("prompt tokens/s: predicted, measured", "generated: predicted, measured", "MB")
    yield f"| shape | type | threads | batch | {' | '.join(figures)} |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        one, other = row.predicted, row.measured
        prompt, generated = row.errors
        yield (
            f"| {row.subject.title} | {row.subject.quant} | {row.n_threads} | {one.n_batch}, {other.n_batch} "
            f"| {one.prompt_per_s:.0f}, {other.prompt_per_s:.0f} ({prompt:+.0%}) "
            f"| {one.generated_per_s:.1f}, {other.generated_per_s:.1f} ({generated:+.0%}) "
            f"| {one.resident_mb:.0f}, {other.resident_mb:.0f} |"
        )


@click.command("recommend")
@click.option("--within-ms", default=600, show_default=True, type=click.IntRange(50, 60_000),
              help="How long a suggestion may take after a keystroke.")  # fmt: skip
@json_option
def recommend_models(within_ms: int, is_json: bool) -> None:
    """Say which models this machine carries, and how fast each would be, without downloading any."""
    with interruptible(STOPPED, is_json=is_json):
        rates = {n: calibrated(n) for n in list_thread_counts()}
    rows = recommend.rank(rates, within_ms)
    if is_json:
        write_json({"within_ms": within_ms, "models": [asdict(row) for row in rows]})
        return
    click.echo("\n".join(_describe_ranking(rows, within_ms)))


def _describe_ranking(rows: list[recommend.Candidate], within_ms: int) -> Iterator[str]:
    best = next((row for row in rows if row.is_fit), None)
    if best:
        yield f"For completion here: {best.name}, about {best.forecast.keystroke_p50_ms:.0f} ms a keystroke."
        yield f"  `edgewise model pull {best.name}`, then `edgewise model use {best.name}`."
    else:
        yield f"No model of the catalogue answers within {within_ms} ms here: stay with {catalog.BUILTIN}."
    yield "model                  type      memory   prompt  generated    key p50    key p95       jump"
    for row in rows:
        yield f"{row.name:22} {row.quant:7} {_describe_figures(row.forecast)}  {row.reason}".rstrip()
    yield (
        "Predicted from this machine's measured rates. "
        f"Key: a suggestion of {TYPING.n_generated} tokens after a keystroke; "
        f"jump: after a move to another place ({TYPING.n_cold} tokens). Larger models know more."
    )


def _describe_figures(expected: Forecast) -> str:
    return (
        f"{expected.resident_mb:6.0f} MB {expected.prompt_per_s:6.0f}/s {expected.generated_per_s:8.1f}/s "
        f"{expected.keystroke_p50_ms:7.0f} ms {expected.keystroke_p95_ms:7.0f} ms {expected.jump_ms:7.0f} ms"
    )
