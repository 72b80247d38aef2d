"""A model's control tokens, written out in its text.

A small or badly converted model spells its control tokens as ordinary text; what follows one belongs to no
completion. A document about models may hold the same names: what stands in the document is ordinary text
there.
"""

from __future__ import annotations

import re

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.syntax import Blocks

_CONTROL_TOKEN = re.compile(
    r"<[|｜][\w▁ -]{2,30}[|｜]>"
    r"|</?s>|<unk>|<pad>|<EOT>|▁?<(?:PRE|SUF|MID)>|\[(?:PREFIX|SUFFIX|MIDDLE)\]"
    r"|<(?:fim[_-](?:prefix|suffix|middle|pad)|file_?sep|repo_?name|filename|reponame|endoftext|gh_stars)>"
)
_MARKUP_TAGS = frozenset({"<s>", "</s>", "<pad>", "<filename>"})


def find_control_token(text: str, context: CompletionContext) -> int | None:
    """Offset of the first control token in generated text."""
    for match in _CONTROL_TOKEN.finditer(text):
        name = match.group()
        if context.language.blocks is Blocks.TAGS and name in _MARKUP_TAGS:
            continue
        if name not in context.snapshot.text:
            return match.start()
    return None


def cut_at_control_token(text: str, context: CompletionContext) -> str:
    return text[: find_control_token(text, context)]
