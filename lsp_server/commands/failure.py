"""How a command ends when it cannot do its job: one sentence and an exit code.

Runs in the command-line process. Must not know any command.
"""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class CommandFailed(Exception):
    """The job could not be done. The message is one sentence: what happened, to what, and what to do."""

    exit_code = EXIT_FAILED


class BadArgument(CommandFailed):
    """What was typed on the command line cannot be used."""

    exit_code = EXIT_USAGE
