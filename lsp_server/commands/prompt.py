"""`edgewise prompt FILE:LINE:COL`: what the model would see at one place, piece by piece.

With `--batch CASES.jsonl`: the cross-file context of many places (`batch.py`).

Runs in the command-line process, over the server's own session. Must not know LSP or any model family.
"""

from __future__ import annotations

import asyncio
import json
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
    "--budget", metavar="N", type=int, help="At most this many tokens; completion.prompt_tokens if left out."
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
    help="With --batch: at most this many tokens of cross-file context, a token being 3.5 characters of code "
    f"whatever the model; {CONTEXT_BUDGET} if left out. Give it again for several budgets.",
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
    answer = asyncio.run(_build(read_point(place), budget, workspace, model_name))
    if is_json:
        write_json(answer)
    else:
        _print(answer)


async def _write_contexts(batch: Path, budgets: tuple[int, ...]) -> None:
    from lsp_server.commands.batch import build_contexts, read_cases

    async for row in build_contexts(read_cases(batch), budgets):
        click.echo(json.dumps(row, ensure_ascii=False))


async def _build(
    target: Target, budget: int | None, workspace: Path | None, model_name: str | None
) -> dict[str, Any]:
    from lsp_server.commands.headless import model_values, open_file
    from lsp_server.trace import TraceDraft
    from lsp_server.types import CompletionRequest, NoCompletion, Trigger

    values = model_values(model_name)
    if budget is not None:
        values["completion.prompt_tokens"] = max(budget, _least_prompt_tokens())
    async with open_file(target.path, target.text, workspace, values) as file:
        await file.wait_until_ready()
        request = CompletionRequest(file.snapshot, target.span.end, Trigger.INVOKED)
        n_tokens = budget or file.session.settings.completion.prompt_tokens
        result = await file.session.build_prompt(request, n_tokens, TraceDraft("prompt"))
    if isinstance(result, NoCompletion):
        raise CommandFailed(
            f"The model is not asked at this place of {target.path}: {result.detail or result.reason}."
        )
    return _build_answer(result)


def _least_prompt_tokens() -> int:
    """The setting has a lower bound that a question asked by hand has not."""
    from lsp_server.settings import field_info

    return next(
        int(bound.ge) for bound in field_info("completion.prompt_tokens").metadata if hasattr(bound, "ge")
    )


def _build_answer(tokens: TokenPrompt) -> dict[str, Any]:
    segments = [
        {"kind": segment.kind.value, "path": segment.path, "text": segment.text, "tokens": len(segment.ids)}
        for segment in tokens.segments
    ]
    return {
        "text": "".join(segment.text for segment in tokens.segments),
        "tokens": len(tokens.ids),
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
    console.print(Text(f"── {answer['tokens']} tokens in all", style="bold"))
