"""How much an engine would have to evaluate while a fixed trace is typed: counted, not timed.

The real pipeline, anchors, snippets' order, trimming, layout and choice of slots; a token is a word or a
mark, and an engine has of a prompt what the slot holds. So that prompts which change at each key do not come
back unseen.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.pipeline import Memory, Ports, complete, prepare, wanted_context
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import CompletionRequest, NoCompletion, Retrieval, Snippet
from model import fim
from model.desks import Desks
from model.prompt import build_prompt
from model.protocol import FimPrompt, GenerationOptions, Piece, Shown, TokenPrompt
from model.sequences import count_common
from model.tokens import Post, Tokenizer

from .scripted import snapshot_of

SETTINGS = CompletionSettings(prompt_tokens=800)
TOKEN = re.compile(r"[ \t]*\w+|\s|[^\w\s]")
ABOVE = "".join(f"def helper_{n}(value, other):\n    return value + other * {n}\n\n" for n in range(30))
FIRST = "    rows = read_rows(path)\n    total = sum(row.price for row in rows)\n    return total / len(rows)"
SECOND = "    with open(path) as file:\n        return [parse_row(line) for line in file]\n"
TEXT = f"{ABOVE}def mean_price(path):\n{{}}\n\n{ABOVE.replace('helper', 'lower')}def read_rows(path):\n{{}}\n"


@dataclass
class Machine:
    """An engine that says nothing, but counts."""

    row: fim.Family
    n_slots: int = 3
    n_evaluated: int = 0
    n_cached: int = 0
    desks: Desks = field(default_factory=Desks)
    slots: dict[int, tuple[int, ...]] = field(default_factory=dict)
    per_request: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vocabulary: dict[str, int] = {}
        controls = {name: self._id(name) for name in (*self.row.control, *self.row.stop)}
        self.tokenizer = Tokenizer(Post(self._tokenize), self.row.for_vocabulary(controls), controls)

    def _id(self, text: str) -> int:
        return self.vocabulary.setdefault(text, len(self.vocabulary))

    async def _tokenize(self, body: Mapping[str, object]) -> list[int]:
        content = body["content"]
        parts = content if isinstance(content, list) else [content]
        return [token for part in parts for token in self._ids_of(part)]

    def _ids_of(self, part: object) -> Iterator[int]:
        if isinstance(part, int):
            yield part
        else:
            yield from map(self._id, TOKEN.findall(str(part)))

    async def measure(self, prompt: FimPrompt, budget: int) -> Shown:
        return (await self._tokens(prompt, budget)).shown

    async def prefill(self, prompt: FimPrompt, budget: int) -> Shown:
        tokens = await self._tokens(prompt, budget)
        self._evaluate(tokens.ids)
        return tokens.shown

    async def generate(self, prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
        self._evaluate((await self._tokens(prompt, SETTINGS.prompt_tokens)).ids)
        yield Piece("", stop_reason="eos")

    async def _tokens(self, prompt: FimPrompt, budget: int) -> TokenPrompt:
        return await build_prompt(self.tokenizer, prompt.healed(), budget)

    def _evaluate(self, ids: list[int]) -> None:
        slot = self.desks.choose(ids, range(self.n_slots))
        self.desks.note(slot, ids)
        n_cached = min(count_common(self.slots.get(slot, ()), ids), len(ids) - 1)
        self.slots[slot] = tuple(ids)
        self.n_cached += n_cached
        self.n_evaluated += len(ids) - n_cached
        self.per_request.append(len(ids) - n_cached)

    @property
    def reused(self) -> float:
        return self.n_cached / (self.n_cached + self.n_evaluated)


async def search(context: CompletionContext) -> Retrieval:
    """Other code at each place, and in another order at each line, as an index finds it."""
    n_lines, is_first = context.prefix.count("\n"), "lower_0" not in context.prefix
    names = [f"{'price' if is_first else 'parse'}_{(n + n_lines) % 12}" for n in range(10)]
    return Retrieval(tuple(Snippet(f"{n}.py", f"def {n}(path, row): ...\nclass {n}_row:", "") for n in names))


class Typist:
    """One person, one document, one session."""

    def __init__(self, family: str, n_slots: int = 3) -> None:
        row = fim.family(family)
        self.machine, self.memory = Machine(row, n_slots), Memory()
        self.ports = Ports(
            search,
            self.machine.generate,
            self.machine.prefill,
            self.machine.measure,
            lambda: row.joins_middle,
        )

    async def type(self, first: str, second: str, *, is_first: bool) -> None:
        """The cursor stands behind what is there of the first body, or of the second."""
        await complete(self._at(first, second, is_first), SETTINGS, self.ports, self.memory, TraceDraft("t"))

    async def rest(self, first: str, second: str, *, is_first: bool) -> None:
        context = wanted_context(self._at(first, second, is_first), SETTINGS)
        assert not isinstance(context, NoCompletion)
        self.memory.anchors.end_epoch(context.snapshot.uri)
        await prepare(context, SETTINGS, self.ports, self.memory, TraceDraft("t"))

    def _at(self, first: str, second: str, is_first: bool) -> CompletionRequest:
        text = TEXT.format(first, second)
        offset = TEXT.index("{}") + len(first) if is_first else len(text) - 1
        return CompletionRequest(snapshot_of(text), offset)

    async def type_all(self) -> None:
        """Half of the first body, with a mistyped word; all of the second; then the first to its end."""
        half = FIRST.index("total")
        for n in [*range(1, 20), *reversed(range(12, 20)), *range(12, half)]:
            await self.type(FIRST[:n], "", is_first=True)
        for n in range(1, len(SECOND)):
            await self.type(FIRST[:half], SECOND[:n], is_first=False)
        for n in range(half, len(FIRST)):
            await self.type(FIRST[:n], SECOND, is_first=True)


@pytest.mark.parametrize(("family", "n_most"), [("edgewise-prefix", 16), ("qwen-coder", 16)])
async def test_a_key_costs_a_few_tokens(family: str, n_most: int) -> None:
    typist = Typist(family)
    await typist.type_all()
    costs = sorted(typist.machine.per_request)
    assert costs[len(costs) // 2] <= 2
    assert costs[int(0.95 * len(costs))] <= n_most
    assert typist.machine.reused >= 0.97


async def test_two_places_cost_two_prompts_and_turning_back_none() -> None:
    typist = Typist("edgewise-prefix")
    await typist.type_all()
    whole = [n for n in typist.machine.per_request if n > SETTINGS.prompt_tokens * 0.3]
    assert len(whole) == 2
    assert sum(whole) + 2 * len(typist.machine.per_request) >= typist.machine.n_evaluated


async def test_one_slot_holds_one_place() -> None:
    """What the other slots are for."""
    typist = Typist("edgewise-prefix", n_slots=1)
    await typist.type_all()
    assert len([n for n in typist.machine.per_request if n > SETTINGS.prompt_tokens * 0.3]) == 3


async def test_a_pause_evaluates_nothing_that_is_shown_already() -> None:
    typist = Typist("edgewise-prefix")
    await typist.type(FIRST[:20], "", is_first=True)
    before = typist.machine.n_evaluated
    await typist.rest(FIRST[:20], "", is_first=True)
    assert typist.machine.n_evaluated == before


async def test_a_pause_evaluates_what_is_new() -> None:
    typist = Typist("edgewise-prefix")
    await typist.type(FIRST[:20], "", is_first=True)
    before = typist.machine.n_evaluated
    typist.ports = Ports(
        _find_more, typist.machine.generate, typist.machine.prefill, typist.machine.measure, lambda: True
    )
    await typist.rest(FIRST[:20], "", is_first=True)
    assert typist.machine.n_evaluated > before + 100


async def _find_more(_: CompletionContext) -> Retrieval:
    return Retrieval((Snippet("more.py", "def more(path): ...", ""),))
