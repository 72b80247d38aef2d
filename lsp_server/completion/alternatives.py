"""Other suggestions for a place where a person asked by hand.

Runs in the session. What further precedents say costs nothing; then the model is asked, for its likeliest
text where a precedent is shown in its place, and for others that it would write by chance. Must not know LSP
or when to stop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from lsp_server.completion.cache import Suggestion
from lsp_server.completion.context import CompletionContext
from lsp_server.completion.pipeline import Memory, Ports, ask_model, follow
from lsp_server.completion.precedent import precedents_at
from lsp_server.settings import CompletionSettings
from lsp_server.trace import TraceDraft

MOST = 4  # besides the one that is shown
MOST_PRECEDENTS = 2
WORTH_A_LOOK = 0.01  # likelihood: who looks for something else is content with less
TEMPERATURES = (0.9, 1.2, 1.5, 1.5)  # a short rest of a line is often the same at a low one


async def find_alternatives(
    context: CompletionContext, settings: CompletionSettings, ports: Ports, memory: Memory, trace: TraceDraft
) -> AsyncGenerator[Suggestion]:
    """One after the other; some may be the same."""
    shown, lines = precedents_at(context, ports.texts_near(context) or ())
    for precedent in [one for one in lines if one.likelihood >= WORTH_A_LOOK][: MOST_PRECEDENTS + 1]:
        if suggestion := follow(precedent, context):
            yield suggestion
    is_other = shown is not None or ports.is_cut_to_sure()
    for temperature in (0.0, *TEMPERATURES) if is_other else TEMPERATURES:
        answer = await ask_model(context, settings, ports, memory, trace, temperature=temperature)
        if isinstance(answer, Suggestion):
            yield answer
