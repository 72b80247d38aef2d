"""`edgewise demo [DIR]`: ghost text in a real session with the real server, on this machine.

Runs in the command-line process; the server is a child of it. Must not know LSP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from lsp_server.commands.failure import BadArgument, CommandFailed
from lsp_server.commands.output import build_console, is_terminal

TYPING_PAUSE_S = 0.06


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "model_name",
    metavar="M",
    default="builtin",
    help="A model's name, or the path of a GGUF file.",
)
@click.option(
    "--svg", "picture", metavar="FILE", type=click.Path(path_type=Path), help="Also save a picture of it."
)
def demo(folder: Path | None, model_name: str, picture: Path | None) -> None:
    """Type into files of DIR (this project, if left out), in memory, and show what the model suggests."""
    from lsp_server.demo.places import choose_places, default_workspace
    from lsp_server.demo.run import DemoFailed, Plan, run_demo
    from lsp_server.demo.stage import Stage
    from model.store import resolve_model

    workspace = _check_folder(folder) if folder else default_workspace()
    places = choose_places(workspace)
    if not places:
        raise BadArgument(f"{workspace} holds no Python file with code to type into: name another folder.")
    pause_s = TYPING_PAUSE_S if is_terminal() else 0.0
    plan = Plan(workspace, tuple(places), str(resolve_model(model_name)), pause_s)
    stage = Stage(build_console())
    try:
        asyncio.run(run_demo(plan, stage))
    except DemoFailed as failure:
        raise CommandFailed(str(failure)) from failure
    stage.show_end()
    if picture:
        _save(stage.save_picture, picture)


def _check_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise BadArgument(f"{folder} is not a folder: name the folder of a project.")
    return folder.resolve()


def _save(save_picture: Callable[[Path], None], path: Path) -> None:
    try:
        save_picture(path)
    except OSError as error:
        raise CommandFailed(
            f"The picture {path} cannot be written ({error.strerror}): name another file."
        ) from None
