"""How fast a model of a given shape and type would run on a machine whose rates are known. Pure arithmetic.

One evaluation of `b` tokens behind a context of `c` takes

    weights read once        read[type] x weights that are touched          (memory bandwidth, unpacking)
  + several tokens at once   several[type] x the same weights             (once for any batch of two or more)
  + arithmetic               multiply[type] x active weights x (b - 1)
  + attention                attend x layers x heads x head size x sum of the contexts
  + activations              wide x numbers that norms, rotations and gates pass through x b
  + a part for each layer    layer x layers                           (threads that meet, small operations)

A generated token is `b = 1`; a prompt is a row of batches, as long as a host would choose them, and only its
last token needs logits. Of a mixture of experts a token touches `n_expert_used`; many tokens together touch
nearly all, and share their reading. Runs in the model commands. Must not know files, engines or how rates are
measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from model.catalog import Shape
from model.fit import FIT_PROMPT, settle_batch
from model.shapes import BLOCKS, count_file_bytes, plan_tensors

HEAD: Final = "output.weight"
EMBEDDING: Final = "token_embd.weight"
# A type that was not measured is read like its neighbour, by its bytes, and multiplied like Q8_0.
LIKE: Final = {"Q5_0": "Q6_K", "Q5_1": "Q6_K", "Q5_K": "Q6_K", "Q4_1": "Q4_0", "F16": "Q8_0", "F32": "Q8_0"}


@dataclass(frozen=True, slots=True)
class Rates:
    """What this machine does with so many threads. Nanoseconds a weight (and token); by the weights' type.

    `expert` is how much slower the arithmetic of experts is, for the few rows that each of them sees.
    `resident` is memory a byte of file: some types are kept a second time in another order.
    """

    n_threads: int
    read_ns: Mapping[str, float]
    several_ns: Mapping[str, float]
    multiply_ns: Mapping[str, float]
    resident: Mapping[str, float]
    expert: float
    layer_us: float
    wide_ns: float
    attend_ps: float
    attend_batch_ps: float
    base_mb: float

    def read(self, type_name: str) -> float:
        if type_name in self.read_ns:
            return self.read_ns[type_name]
        like = LIKE.get(type_name, "Q8_0")
        return self.read_ns[like] * _bytes_each(type_name) / _bytes_each(like)

    def several(self, type_name: str) -> float:
        return self.several_ns.get(type_name, self.several_ns["Q8_0"])

    def multiply(self, type_name: str) -> float:
        return self.multiply_ns.get(type_name, self.multiply_ns["Q8_0"])

    def keep(self, type_name: str) -> float:
        like = LIKE.get(type_name, type_name)
        return self.resident.get(type_name, self.resident.get(like, 1.0))


def _bytes_each(type_name: str) -> float:
    block, n_bytes = BLOCKS[type_name]
    return n_bytes / block


@dataclass(frozen=True, slots=True)
class Work:
    """What a file asks of a machine: weights by type, of the layers, the experts (all of them), the head."""

    shape: Shape
    body: Mapping[str, int]
    experts: Mapping[str, int]
    head: Mapping[str, int]
    file_bytes: int
    bytes_by_type: Mapping[str, int] = field(default_factory=dict)


def count_work(shape: Shape, quant: str) -> Work:
    body: Counter[str] = Counter()
    experts: Counter[str] = Counter()
    head: Counter[str] = Counter()
    held: Counter[str] = Counter()
    tensors = plan_tensors(shape, quant)
    for tensor in tensors:
        held[tensor.type_name] += tensor.n_bytes
        if not tensor.is_matrix:
            continue
        if tensor.name == HEAD or (tensor.name == EMBEDDING and shape.is_tied):
            head[tensor.type_name] += tensor.n_weights
        elif tensor.name != EMBEDDING:  # of an embedding one row is looked up
            (experts if "_exps" in tensor.name else body)[tensor.type_name] += tensor.n_weights
    return Work(shape, body, experts, head, count_file_bytes(tensors), held)


def evaluate_s(
    work: Work, rates: Rates, n_tokens: int, context: float, *, wants_logits: bool = True
) -> float:
    """Seconds of one batch whose tokens see `context` tokens on average."""
    shape = work.shape
    ns = _weights_ns(work.body, rates, n_tokens)
    if wants_logits:
        ns += _weights_ns(work.head, rates, 1)
    if shape.n_expert:
        ns += _experts_ns(work, rates, n_tokens)
    per_place = rates.attend_ps if n_tokens == 1 else rates.attend_batch_ps
    places = shape.n_layer * shape.n_head * shape.head_dim * context * n_tokens
    ns += rates.wide_ns * count_activations(shape) * n_tokens
    return ns / 1e9 + places * per_place / 1e12 + shape.n_layer * rates.layer_us / 1e6


def count_activations(shape: Shape) -> int:
    """Numbers of one token that something other than a matrix works on: about so often each."""
    n_ff = shape.n_ff * max(1, shape.n_expert_used)
    return shape.n_layer * (8 * shape.n_embd + 3 * n_ff)


def _weights_ns(weights: Mapping[str, int], rates: Rates, n_tokens: int) -> float:
    several = 1 if n_tokens > 1 else 0
    return sum(
        count * (rates.read(name) + rates.several(name) * several + rates.multiply(name) * (n_tokens - 1))
        for name, count in weights.items()
    )


def _experts_ns(work: Work, rates: Rates, n_tokens: int) -> float:
    """Of each expert's weights: the chance that a token needs them, that a second one does, and how many
    more do on average."""
    share = work.shape.n_expert_used / work.shape.n_expert
    nobody = (1 - share) ** n_tokens
    once = n_tokens * share * (1 - share) ** (n_tokens - 1)
    touched, several, more = 1 - nobody, 1 - nobody - once, n_tokens * share - (1 - nobody)
    return sum(
        count
        * (
            rates.read(name) * touched
            + rates.several(name) * several
            + rates.expert * rates.multiply(name) * more
        )
        for name, count in work.experts.items()
    )


def plan_batch(work: Work, rates: Rates) -> int:
    """The batch that a host of this model would come to on this machine."""

    def speed(n_batch: int) -> float:
        return FIT_PROMPT / prompt_s(work, rates, FIT_PROMPT, n_batch=n_batch)

    return settle_batch(speed, work.file_bytes, rates.n_threads)


def prompt_s(work: Work, rates: Rates, n_tokens: int, n_before: int = 0, *, n_batch: int) -> float:
    """Seconds to evaluate a prompt of which `n_before` tokens are in the KV cache."""
    seconds, done = 0.0, 0
    while done < n_tokens:
        batch = min(n_batch, n_tokens - done)
        is_last = done + batch == n_tokens
        context = n_before + done + batch / 2
        seconds += evaluate_s(work, rates, batch, context, wants_logits=is_last)
        done += batch
    return seconds


def token_s(work: Work, rates: Rates, context: float) -> float:
    """Seconds of one generated token."""
    return evaluate_s(work, rates, 1, context)


def resident_mb(work: Work, rates: Rates, n_ctx: int) -> float:
    """What the host holds: weights as the engine keeps them, KV cache, the process."""
    weights = sum(n_bytes * rates.keep(name) for name, n_bytes in work.bytes_by_type.items())
    return (weights + work.shape.count_kv_bytes(n_ctx)) / 1e6 + rates.base_mb


@dataclass(frozen=True, slots=True)
class Typing:
    """What one keystroke asks of a model with our layout of the prompt.

    Tokens evaluated and generated: medians and 95th percentiles of recorded typing; see docs/models.md for
    the command that counts them.
    """

    n_evaluated_p50: int = 3
    n_evaluated_p95: int = 40
    n_generated: int = 12
    n_context: int = 1024
    n_cold: int = 1024  # evaluated after a jump to another place


TYPING: Final = Typing()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a person would get."""

    prompt_per_s: float
    generated_per_s: float
    resident_mb: float
    keystroke_p50_ms: float
    keystroke_p95_ms: float
    jump_ms: float


def forecast(work: Work, rates: Rates, n_ctx: int, typing: Typing = TYPING) -> Forecast:
    """A keystroke: what is new of the prompt, then a suggestion of usual length."""
    token, n_batch = token_s(work, rates, typing.n_context), plan_batch(work, rates)
    answer = (typing.n_generated - 1) * token

    def keystroke(n_tokens: int) -> float:
        before = typing.n_context - n_tokens
        return 1000 * (prompt_s(work, rates, n_tokens, max(0, before), n_batch=n_batch) + answer)

    return Forecast(
        prompt_per_s=256 / prompt_s(work, rates, 256, n_batch=n_batch),
        generated_per_s=1 / token_s(work, rates, 272),
        resident_mb=resident_mb(work, rates, n_ctx),
        keystroke_p50_ms=keystroke(typing.n_evaluated_p50),
        keystroke_p95_ms=keystroke(typing.n_evaluated_p95),
        jump_ms=keystroke(typing.n_cold),
    )
