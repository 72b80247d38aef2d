"""From a context and its anchor to what the model is asked: a FimPrompt and how to decode it.

Runs in the session. Pure. Must not know model families or tokens: model/fim.py lays the prompt out and
trims it.
"""

from __future__ import annotations

from functools import lru_cache

from lsp_server.completion.anchor import Anchor, begun_word
from lsp_server.completion.context import CompletionContext, Mode
from lsp_server.masking import mask_secrets
from lsp_server.settings import CompletionSettings
from lsp_server.types import Snippet
from model.protocol import FimPrompt, GenerationOptions, PromptSnippet

SINGLE_LINE_TOKENS = 40


def build_prompt(context: CompletionContext, anchor: Anchor) -> FimPrompt:
    """`prefix + middle` ends at the cursor, wherever the anchor stands."""
    snapshot = context.snapshot
    prefix, middle = anchor.split(context)
    return FimPrompt(
        prefix=prefix,
        suffix=anchor.suffix,
        middle=middle,
        path=snapshot.relative_path,
        repository=_folder_name(snapshot.workspace_root),
        snippets=tuple(map(_masked, anchor.snippets or ())),
        begun=begun_word(context),
    )


@lru_cache(maxsize=256)
def _masked(snippet: Snippet) -> PromptSnippet:
    return PromptSnippet(snippet.path, mask_secrets(snippet.text), snippet.rank + 1)


def _folder_name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def build_options(
    context: CompletionContext, settings: CompletionSettings, temperature: float = 0.0
) -> GenerationOptions:
    """A line needs fewer tokens than a block. A line end ends a line that has been begun; on an empty line
    the model may put line ends before its first word, and the stream stops itself."""
    is_line = context.mode is Mode.SINGLE_LINE
    return GenerationOptions(
        n_predict=min(settings.max_tokens, SINGLE_LINE_TOKENS) if is_line else settings.max_tokens,
        t_max_predict_ms=settings.t_max_predict_ms,
        temperature=temperature,
        stop=("\n",) if is_line and context.is_line_begun else (),
    )
