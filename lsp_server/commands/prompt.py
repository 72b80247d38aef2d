"""`edgewise prompt FILE:LINE:COL`: what the model would see at one place, piece by piece.

With `--batch CASES.jsonl`: the cross-file context of many places (`batch.py`).

Runs in the command-line process, over the server's own session. Must not know LSP or any model family.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsp_server.commands.failure import BadArgument, CommandFailed
from lsp_server.commands.output import build_console, write_json
from lsp_server.commands.target import Target, read_point

if TYPE_CHECKING:
    from model.protocol import TokenPrompt

MAX_BUDGET = 131_072
CONTEXT_BUDGET = 2048


@click.command()
@click.argument("place", metavar="FILE:LINE:COL", required=False)
@click.option(
    "--budget",
    metavar="N",
    type=int,
    help="At most so many tokens, also more than the model's context; completion.prompt_tokens if left out.",
)
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="The project's folder; found by itself if left out."
)
@click.option("--model", "model_name", metavar="M", help="A model's name or the path of a GGUF file.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.option(
    "--batch",
    metavar="CASES.jsonl",
    type=click.Path(path_type=Path),
    help='Instead of one place: lines {"id","root","file","line","character"} (from 0, UTF-16) in, lines '
    '{"id","budget","context"} out.',
)
@click.option(
    "--context-budget",
    "context_budgets",
    metavar="N",
    type=int,
    multiple=True,
    help="At most so many tokens of cross-file context: the segments of kind snippet. With --batch a token "
    f"is 3.5 characters of code whatever the model, {CONTEXT_BUDGET} if left out; give it again for others.",
)
def prompt(
    place: str | None,
    budget: int | None,
    workspace: Path | None,
    model_name: str | None,
    is_json: bool,
    batch: Path | None,
    context_budgets: tuple[int, ...],
) -> None:
    """Show what the model would see at one place. LINE and COL count from 1, COL counts characters."""
    for tokens in context_budgets:
        if not 1 <= tokens <= MAX_BUDGET:
            raise BadArgument(f"--context-budget is {tokens}: it must be between 1 and {MAX_BUDGET} tokens.")
    if (batch is None) == (place is None):
        raise BadArgument("Name one place, FILE:LINE:COL, or many with --batch CASES.jsonl.")
    if batch is not None:
        asyncio.run(_write_contexts(batch, context_budgets or (CONTEXT_BUDGET,)))
        return
    assert place is not None
    if budget is not None and not 1 <= budget <= MAX_BUDGET:
        raise BadArgument(f"--budget is {budget}: it must be between 1 and {MAX_BUDGET} tokens.")
    if len(context_budgets) > 1:
        raise BadArgument("Name one --context-budget: several go with --batch.")
    context = context_budgets[0] if context_budgets else 0
    answer = asyncio.run(_build(read_point(place), (budget or 0, context), workspace, model_name))
    if is_json:
        write_json(answer)
    else:
        _print(answer)


async def _write_contexts(batch: Path, budgets: tuple[int, ...]) -> None:
    from lsp_server.commands.batch import build_contexts, read_cases

    async for row in build_contexts(read_cases(batch), budgets):
        click.echo(json.dumps(row, ensure_ascii=False))


async def _build(
    target: Target, budget: tuple[int, int], workspace: Path | None, model_name: str | None
) -> dict[str, Any]:
    from lsp_server.commands.headless import model_values, open_file
    from lsp_server.prompting import Budget
    from lsp_server.trace import TraceDraft
    from lsp_server.types import CompletionRequest, NoCompletion, Trigger

    async with open_file(target.path, target.text, workspace, model_values(model_name)) as file:
        await file.wait_until_ready()
        request = CompletionRequest(file.snapshot, target.span.end, Trigger.INVOKED)
        started = time.perf_counter()
        result = await file.session.build_prompt(request, Budget(*budget), TraceDraft("prompt"))
        took_ms = 1000 * (time.perf_counter() - started)
    if isinstance(result, NoCompletion):
        raise CommandFailed(
            f"The model is not asked at this place of {target.path}: {result.detail or result.reason}."
        )
    return _build_answer(result, took_ms)


def _build_answer(tokens: TokenPrompt, took_ms: float) -> dict[str, Any]:
    segments = [
        {"kind": segment.kind.value, "path": segment.path, "text": segment.text, "tokens": len(segment.ids)}
        for segment in tokens.segments
    ]
    return {
        "text": "".join(segment.text for segment in tokens.segments),
        "tokens": len(tokens.ids),
        "milliseconds": round(took_ms, 1),
        "segments": segments,
    }


_STYLES = {
    "header": "magenta",
    "snippet": "blue",
    "path": "cyan",
    "prefix": "green",
    "suffix": "yellow",
    "middle": "red",
}


def _print(answer: dict[str, Any]) -> None:
    from rich.text import Text

    console = build_console()
    for segment in answer["segments"]:
        label = f"── {segment['kind']} {segment['path']} ({segment['tokens']} tokens)"
        console.print(Text(label, style=f"bold {_STYLES[segment['kind']]}"))
        console.print(Text(segment["text"]))
    total = f"── {answer['tokens']} tokens in all, built in {answer['milliseconds']:.0f} ms"
    console.print(Text(total, style="bold"))
