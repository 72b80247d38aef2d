"""`edgewise model ...`: the group of the model commands.

Runs in a short-lived process of its own. Must not know what a command does. The caller gives, as the
context's object, a function that finds the user's settings file: where that is, the session defines.
"""

from __future__ import annotations

import click

from model.commands import inspecting, installing, measuring


@click.group()
def model() -> None:
    """See, get, check and choose the models that edgewise can use."""


for command in (
    inspecting.list_models,
    inspecting.info,
    installing.import_model,
    installing.pull,
    installing.quantize,
    inspecting.verify,
    installing.use,
    installing.remove,
    measuring.recommend_models,
    measuring.bench,
):
    model.add_command(command)
