"""`edgewise ...`: the table of commands, and the place where a failure becomes a sentence and an exit code.

Runs in the command-line process. A command's module is imported when it is run, so `edgewise serve` starts
as fast as `python -m lsp_server`. Must not know what any command does.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from lsp_server.commands.failure import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, CommandFailed
from lsp_server.commands.output import use_utf8, write_json, write_note
from model.protocol import ModelError

# Command -> (where it is defined, what `edgewise --help` says of it).
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("lsp_server.commands.demo:demo", "Show ghost text in a real session on this machine."),
    "serve": ("lsp_server.commands.serve:serve", "Run the language server on stdin and stdout."),
    "complete": ("lsp_server.commands.complete:complete", "Complete the code at one place."),
    "prompt": ("lsp_server.commands.prompt:prompt", "Show what the model would see at one place."),
    "explain": ("lsp_server.commands.explain:explain", "Explain a function, some lines or a file."),
    "index": ("lsp_server.commands.index:index", "Read a folder into the index and say what was found."),
    "symbols": ("lsp_server.commands.symbols:symbols", "Find definitions by the letters of their names."),
    "bench": ("lsp_server.commands.bench:bench", "Measure this installation beside other tools."),
    "eval": ("lsp_server.commands.eval:evaluate", "Count what suggestions would spare you on your code."),
    "doctor": ("lsp_server.commands.doctor:doctor", "Check this installation and say how to mend it."),
    "stats": ("lsp_server.commands.stats:stats", "Show how fast suggestions were and how many were taken."),
    "why": ("lsp_server.commands.why:why", "Say why there was no suggestion, or where its time went."),
    "settings": ("lsp_server.commands.settings:settings", "List every setting and its default."),
    "model": ("lsp_server.commands.model:model", "See, get, check and choose models."),
}


class LazyGroup(click.Group):
    """Imports a command's module only when the command is run; `--help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


def _print_version(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        click.echo(f"edgewise {version('edgewise')}")
        ctx.exit()


@click.group(
    cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
              help="Print the version and stop.")  # fmt: skip
@click.pass_context
def edgewise(ctx: click.Context) -> None:
    """Offline coding assistant for any editor: a language server with a code model on your own machine."""
    ctx.obj = _find_config_file  # for the model commands, which may not import the settings
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _find_config_file() -> Path:
    from lsp_server.settings import config_file

    return config_file()


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Ends the process with the exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    use_utf8()
    code = run(argv)
    _flush_output()
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Runs one command and returns its exit code. What a person can mend ends in a sentence."""
    try:
        with edgewise.make_context("edgewise", argv) as context:
            result = edgewise.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except CommandFailed as failure:
        return _complain(str(failure), failure.exit_code, argv)
    except ModelError as error:
        return _complain(str(error), EXIT_FAILED, argv)
    except click.UsageError as error:
        return _complain(_usage_sentence(error), EXIT_USAGE, argv)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code, argv)
    except (click.Abort, KeyboardInterrupt):
        sys.unraisablehook = lambda _: None  # a half-made event loop would complain while it is collected
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return 0


def _complain(sentence: str, code: int, argv: Sequence[str]) -> int:
    """With `--json` an error is JSON on stdout too, so that a program has one thing to read."""
    write: Callable[[Any], None] = write_json if "--json" in argv else write_note
    with suppress(BrokenPipeError):
        write({"error": sentence} if "--json" in argv else f"edgewise: {sentence}")
    return code


def _usage_sentence(error: click.UsageError) -> str:
    sentence = error.format_message().rstrip(".").replace("\n", " ")
    asked = error.ctx.command_path if error.ctx else "edgewise"
    return f"{sentence}: see `{asked} --help`."


def _flush_output() -> None:
    """The reader of our pipe may be gone (`edgewise ... | head`): that is no failure."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
