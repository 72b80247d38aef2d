"""What a decode that ran out of tokens or time leaves behind: half a line, half a word."""

from __future__ import annotations

import re

from lsp_server.completion.context import CompletionContext, Mode

_LAST_WORD = re.compile(r"\w+\Z")


def keep_finished(text: str, context: CompletionContext) -> str:
    """Whole lines of a block; of a single line all but the word that may be half of one."""
    whole_lines = text[: text.rfind("\n") + 1].rstrip()
    if context.mode is Mode.BLOCK and whole_lines:
        return whole_lines
    whole_words = _LAST_WORD.sub("", text)
    return whole_words if whole_words.strip() else text
