"""`edgewise complete FILE:LINE:COL`: the suggestion for one place, and what it cost.

Runs in the command-line process, over the server's own session. Must not know LSP.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsp_server.commands.output import write_json, write_note, write_text
from lsp_server.commands.target import Target, place_of, read_point

if TYPE_CHECKING:
    from lsp_server.trace import TraceRecord
    from lsp_server.types import Completion, NoCompletion


@click.command()
@click.argument("place", metavar="FILE:LINE:COL")
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="The project's folder; found by itself if left out."
)
@click.option("--model", "model_name", metavar="M", help="A model's name or the path of a GGUF file.")
@click.option("--alternatives", "wants_others", is_flag=True, help="Print other suggestions, too.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def complete(
    place: str, workspace: Path | None, model_name: str | None, wants_others: bool, is_json: bool
) -> None:
    """Print the suggestion for one place. LINE and COL count from 1, COL counts characters."""
    target = read_point(place)
    answer = asyncio.run(_complete(target, workspace, model_name, wants_others=wants_others))
    if is_json:
        write_json(answer)
    else:
        _print(answer, target)


async def _complete(
    target: Target, workspace: Path | None, model_name: str | None, *, wants_others: bool
) -> dict[str, Any]:
    from lsp_server.commands.headless import model_values, open_file
    from lsp_server.trace import TraceDraft
    from lsp_server.types import CompletionRequest, Trigger

    async with open_file(target.path, target.text, workspace, model_values(model_name)) as file:
        await file.wait_until_ready()
        draft = TraceDraft("complete")
        end, trigger = target.span.end, Trigger.INVOKED
        request = CompletionRequest(file.snapshot, end, trigger, wants_others=wants_others)
        result = await file.session.complete(request, draft)
        status = file.terminal.status
        return {
            **_build_answer(target.text, result, draft.freeze()),
            "model": status.model,
            "engine": status.engine,
        }


def _build_answer(text: str, result: Completion | NoCompletion, trace: TraceRecord) -> dict[str, Any]:
    from lsp_server.types import NoCompletion

    kinds = ("prompt", "cached", "evaluated", "generated")
    return {
        "completions": []
        if isinstance(result, NoCompletion)
        else [_build_item(text, one) for one in (result, *result.others)],
        "reason": result.reason.value if isinstance(result, NoCompletion) else None,
        "detail": result.detail if isinstance(result, NoCompletion) else None,
        "tokens": {kind: trace.fields.get(f"n_{kind}", 0) for kind in kinds},
        "ms": {**trace.stages_ms, "total": trace.total_ms},
    }


def _build_item(text: str, completion: Completion) -> dict[str, Any]:
    """`text` replaces `range`: LINE and COL of its first character, and of the one behind its last."""
    span = completion.span
    return {
        "text": completion.text,
        "range": {"start": place_of(text, span.start), "end": place_of(text, span.end)},
    }


def _print(answer: dict[str, Any], target: Target) -> None:
    """What would be added at the cursor goes to stdout, all else to stderr: a pipe gets only code."""
    line_start = target.text.rfind("\n", 0, target.span.end) + 1
    for item in answer["completions"]:
        typed = target.text[line_start + item["range"]["start"]["col"] - 1 : target.span.end]
        write_text(item["text"].removeprefix(typed))
    tokens = answer["tokens"]
    outcome = f"nothing suggested: {answer['reason']} ({answer['detail']}); " if answer["reason"] else ""
    write_note(
        f"{outcome}{answer['model']} on {answer['engine']}, {answer['ms']['total']:.0f} ms, "
        f"{tokens['prompt']} prompt tokens"
    )
