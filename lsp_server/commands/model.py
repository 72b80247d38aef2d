"""`edgewise model ...`: the model's own commands, and `tune`, which needs to know what a workspace is.

Runs in the command-line process. The model may not know the index, hence the command that brings both
together is the session's. Must not know what a command does.
"""

from __future__ import annotations

from lsp_server.commands.tune import tune
from model.cli import model

model.add_command(tune)

__all__ = ["model"]
