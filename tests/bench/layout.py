"""How much of a prompt is the same as the one before it, while files are typed into.

    python -m tests.bench.layout [DIR] [--places N] [--keys N] [--long]

Prints one table. At random places of the Python files in DIR (this project's own, if left out) the text that
stands there is typed again, key by key, without a pause: the layout's worst case. The prompts are those of
the pipeline with the real index, tokenised by a real host: of the built-in model, and of a random-weight file
with qwen-coder's tokens and layout, whose vocabulary is small: so it gets three times the tokens for the same
text. `--long` asks for prompts of 131,072 tokens instead, the cursor a line later each time. Judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.pipeline import Memory, Ports, complete
from lsp_server.demo.screen import percentile
from lsp_server.engine import Engine
from lsp_server.index.service import IndexService
from lsp_server.prompting import SNIPPET_CHARS_PER_TOKEN, Budget, build_prompt, search
from lsp_server.settings import CompletionSettings, ModelSettings
from lsp_server.trace import TraceDraft
from lsp_server.types import CompletionRequest, DocumentSnapshot, NoCompletion, Retrieval, Trigger
from model.families import FAMILIES
from model.protocol import FimPrompt, GenerationOptions, HostStatus, Piece, TokenPrompt
from tests.model.families import write_family

PACKAGE = Path(__file__).parents[2] / "lsp_server"
LONG = 131_072
USUAL = 1536
PATIENT_MS = 5000
N_CTX = 8192


@dataclass(frozen=True, slots=True)
class Typist:
    """One model's prompts in one workspace."""

    engine: Engine
    index: IndexService
    settings: CompletionSettings

    async def prompt(self, request: CompletionRequest, memory: Memory) -> TokenPrompt | None:
        asked: list[FimPrompt] = []

        async def find(context: CompletionContext) -> Retrieval:
            n_chars = self.settings.prompt_tokens * SNIPPET_CHARS_PER_TOKEN
            return await search(self.index, context, n_chars, PATIENT_MS)

        async def note(prompt: FimPrompt, options: GenerationOptions) -> AsyncIterator[Piece]:
            asked.append(prompt)
            yield Piece("", stop_reason="eos")

        ports = Ports(find, note, is_append_only=lambda: self.engine.is_append_only)
        await complete(request, self.settings, ports, memory, TraceDraft("bench"))
        return await self.engine.build_prompt(asked[0], self.settings.prompt_tokens) if asked else None

    async def long_prompt(self, request: CompletionRequest) -> TokenPrompt | None:
        built = await build_prompt(
            request, self.settings, Budget(LONG), self.index, self.engine, TraceDraft("bench")
        )
        return None if isinstance(built, NoCompletion) else built


@dataclass(slots=True)
class Figures:
    """Of consecutive prompts at one place each."""

    shares: list[float] = field(default_factory=list)
    new_tokens: list[int] = field(default_factory=list)
    prompt_tokens: list[int] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    next_ms: list[float] = field(default_factory=list)

    def add(self, before: list[int] | None, ids: list[int], took_ms: float) -> None:
        (self.next_ms if before else self.first_ms).append(took_ms)
        if before is None:
            return
        n_shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, ids, strict=False)))
        self.shares.append(n_shared / len(ids))
        self.new_tokens.append(len(ids) - n_shared)
        self.prompt_tokens.append(len(ids))


def choose_places(folder: Path, n_places: int) -> list[tuple[Path, int]]:
    """Files and line starts in their middle parts; the same in every run."""
    chance = random.Random(7)
    files = [path for path in sorted(folder.rglob("*.py")) if 3_000 < path.stat().st_size < 120_000]
    chosen = chance.sample(files, min(n_places, len(files)))
    places = []
    for path in chosen:
        lines = path.read_text("utf-8", errors="replace").splitlines(keepends=True)
        at = chance.randrange(len(lines) // 4, 3 * len(lines) // 4)
        places.append((path, sum(map(len, lines[:at]))))
    return places


def snapshot_of(root: Path, path: Path, text: str) -> DocumentSnapshot:
    relative = path.relative_to(root).as_posix()
    return DocumentSnapshot(path.as_uri(), str(path), relative, str(root), "python", 1, text)


def keystrokes(root: Path, path: Path, offset: int, n_keys: int) -> Iterator[CompletionRequest]:
    """The next `n_keys` characters are taken out, with the rest of their line, and typed again."""
    text = path.read_text("utf-8", errors="replace")
    end = max(offset, text.find("\n", offset + n_keys))
    for n_typed in range(n_keys):
        now = text[: offset + n_typed] + text[end:]
        yield CompletionRequest(snapshot_of(root, path, now), offset + n_typed, Trigger.AUTOMATIC)


def later_lines(root: Path, path: Path, offset: int, n_lines: int) -> Iterator[CompletionRequest]:
    text = path.read_text("utf-8", errors="replace")
    for _ in range(n_lines):
        yield CompletionRequest(snapshot_of(root, path, text), offset, Trigger.INVOKED)
        offset = text.find("\n", offset) + 1 or len(text)


async def measure(typist: Typist, root: Path, places: Sequence[tuple[Path, int]], n_keys: int) -> Figures:
    figures = Figures()
    is_long = typist.settings.prompt_tokens >= LONG
    for path, offset in places:
        memory, before = Memory(), None
        requests = later_lines(root, path, offset, 5) if is_long else keystrokes(root, path, offset, n_keys)
        for request in requests:
            started = time.perf_counter()
            prompt = await (typist.long_prompt(request) if is_long else typist.prompt(request, memory))
            if prompt is not None:
                figures.add(before, prompt.ids, 1000 * (time.perf_counter() - started))
                before = prompt.ids
    return figures


def _ignore(status: HostStatus) -> None:
    """The table says it."""


@asynccontextmanager
async def opened(root: Path, folder: Path) -> AsyncIterator[IndexService]:
    index = IndexService([root], folder / "cache")
    await index.start(watch=False)
    await index.wait_ready()
    try:
        yield index
    finally:
        await index.aclose()


async def run(root: Path, n_places: int, n_keys: int, *, is_long: bool) -> dict[str, Figures]:
    places = choose_places(root, n_places)
    row = next(row for row in FAMILIES if row.name == "qwen-coder")
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        path = write_family(Path(name) / "qwen-coder.gguf", row, n_ctx=N_CTX)
        models = {"built-in": ("builtin", USUAL), "qwen-coder's layout": (str(path), 3 * USUAL)}
        async with AsyncExitStack() as stack:
            index = await stack.enter_async_context(opened(root, Path(name)))
            found = {}
            for label, (model, budget) in models.items():
                engine = Engine(ModelSettings(name=model, idle_exit_s=1.0), _ignore)
                stack.push_async_callback(engine.aclose)
                await engine.info()
                settings = CompletionSettings(prompt_tokens=LONG if is_long else budget)
                found[label] = await measure(Typist(engine, index, settings), root, places, n_keys)
        return found


def draw(found: dict[str, Figures], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    columns = (
        "",
        "prompts",
        "tokens p50",
        "shared p50",
        "p5",
        "mean",
        "new tokens mean",
        "first ms p50",
        "next ms p50",
    )
    for name in columns:
        table.add_column(name, justify="right" if name else "left")
    for label, figures in found.items():
        shares = figures.shares
        table.add_row(
            label,
            str(len(shares)),
            f"{percentile(figures.prompt_tokens, 50):.0f}",
            f"{100 * percentile(shares, 50):.1f} %",
            f"{100 * percentile(shares, 5):.1f} %",
            f"{100 * sum(shares) / len(shares):.1f} %",
            f"{sum(figures.new_tokens) / len(shares):.1f}",
            f"{percentile(figures.first_ms, 50):.0f}",
            f"{percentile(figures.next_ms, 50):.1f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=PACKAGE)
    parser.add_argument("--places", type=int, default=20)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(run(options.folder.resolve(), options.places, options.keys, is_long=options.long))
    Console(width=130).print(draw(found, f"prompts while typing in {options.folder.name}"))


if __name__ == "__main__":
    main()
